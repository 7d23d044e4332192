/*
 * Notes are walked once. Each kind is a row of a table: its struct's size, and the function that
 * checks and keeps a copy. What no row names is refused: an image that asks for something we don't
 * know would not work.
 */
#include "host/image/manifest.h"

#include <stddef.h>
#include <string.h>

#include "host/image/note.h"
#include "host/image/refuse.h"
#include "host/nettext.h"

#define MEMORY_MIB_MAX	(1u << 20) /* 1 TiB */
#define STACK_COUNT_MAX (1u << 24)
#define MTU_MIN		68 /* RFC 791 */
#define MTU_MAX		65535

static const char newer[] = "a newer diatom may know it; or build the image with this one";

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("_-.+", c) != NULL);
}

/* NUL-ended, and of characters that are easy to type. Empty is allowed. */
static bool is_name(const char *text, size_t bytes)
{
	size_t length = strnlen(text, bytes);

	for (size_t i = 0; i < length; i++)
		if (!is_name_character(text[i]))
			return false;
	return length < bytes;
}

/* The image's own name and version are only shown: NUL-ended and harmless to a terminal. */
static bool is_label(const char *text, size_t bytes)
{
	size_t length = strnlen(text, bytes);

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return length < bytes;
}

static bool is_taken(const struct image *image, const char *name)
{
	for (unsigned i = 0; i < image->net_count; i++)
		if (strcmp(image->nets[i].name, name) == 0)
			return true;
	for (unsigned i = 0; i < image->block_count; i++)
		if (strcmp(image->blocks[i].name, name) == 0)
			return true;
	for (unsigned i = 0; i < image->blob_count; i++)
		if (strcmp(image->blobs[i].name, name) == 0)
			return true;
	return strcmp(image->console.name, name) == 0 || strcmp(image->entropy.name, name) == 0;
}

/* A device's name: present, well-formed, and nobody else's. */
static bool check_name(const struct image *image, const char *name, struct image_error *error)
{
	if (name[0] == '\0' || !is_name(name, MANIFEST_NAME_BYTES))
		return image_refuse(
			error, REMEDY_MANIFEST, "declares a device whose name is malformed");
	return !is_taken(image, name) ||
	       image_refuse(error, REMEDY_MANIFEST, "declares \"%s\" twice", name);
}

static bool check_room(unsigned count, unsigned most, const char *what, struct image_error *error)
{
	return count < most ||
	       image_refuse(error, REMEDY_MANIFEST, "declares more than %u %s", most, what);
}

static bool take_abi(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_abi abi;

	memcpy(&abi, desc, sizeof(abi));
	if (abi.version != MANIFEST_ABI_VERSION)
		return image_refuse(error, "build it again with this diatom:  diatom build",
			"is made for ABI %u, this diatom has ABI %u", abi.version,
			MANIFEST_ABI_VERSION);
	return true;
}

static bool take_image(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_image *about = &image->about;

	memcpy(about, desc, sizeof(*about));
	if (!is_label(about->name, sizeof(about->name)) ||
		!is_label(about->version, sizeof(about->version)))
		return image_refuse(error, REMEDY_MANIFEST, "its name or version is malformed");
	if (about->memory_mib > MEMORY_MIB_MAX || about->memory_min_mib > MEMORY_MIB_MAX)
		return image_refuse(error, REMEDY_MANIFEST, "asks for more than 1 TiB of memory");
	return true;
}

static bool is_text(const char text[MANIFEST_ADDRESS_BYTES])
{
	return strnlen(text, MANIFEST_ADDRESS_BYTES) < MANIFEST_ADDRESS_BYTES;
}

static bool take_ip6(const struct manifest_net *net, struct image_error *error)
{
	if (!is_text(net->ip6) || (net->ip6[0] != '\0' && !nettext_is_prefix6(net->ip6)))
		return image_refuse(error, REMEDY_MANIFEST,
			"%s: its IPv6 address is not of the form 2001:db8::53/64, nor auto, nor off",
			net->name);
	if (!is_text(net->gateway6) ||
		(net->gateway6[0] != '\0' && !nettext_is_address6(net->gateway6)))
		return image_refuse(error, REMEDY_MANIFEST,
			"%s: its IPv6 gateway is not an IPv6 address", net->name);
	return true;
}

static bool take_net(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_net net;

	memcpy(&net, desc, sizeof(net));
	if (!check_room(image->net_count, BOOT_DEVICES_MAX, "network interfaces", error) ||
		!check_name(image, net.name, error))
		return false;
	if (!is_text(net.ip) || (net.ip[0] != '\0' && !nettext_is_prefix(net.ip)))
		return image_refuse(error, REMEDY_MANIFEST,
			"%s: its address is not of the form 192.0.2.53/24", net.name);
	if (!is_text(net.gateway) || (net.gateway[0] != '\0' && !nettext_is_address(net.gateway)))
		return image_refuse(
			error, REMEDY_MANIFEST, "%s: its gateway is not an address", net.name);
	if (net.mtu != 0 && (net.mtu < MTU_MIN || net.mtu > MTU_MAX))
		return image_refuse(error, REMEDY_MANIFEST, "%s: an MTU of %u is not possible",
			net.name, net.mtu);
	if (!take_ip6(&net, error))
		return false;
	image->nets[image->net_count++] = net;
	return true;
}

/* Of an image from before there was IPv6. */
static bool take_old_net(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_net net = { .ip6 = "off" };

	memcpy(&net, desc, MANIFEST_NET_BYTES_V4);
	return take_net(image, (const uint8_t *)&net, error);
}

static bool take_block(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_block block;

	memcpy(&block, desc, sizeof(block));
	if (!check_room(image->block_count, BOOT_DEVICES_MAX, "block devices", error) ||
		!check_name(image, block.name, error))
		return false;
	image->blocks[image->block_count++] = block;
	return true;
}

static bool take_blob(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_blob blob;

	memcpy(&blob, desc, sizeof(blob));
	if (!check_room(image->blob_count, BOOT_BLOBS_MAX, "files", error) ||
		!check_name(image, blob.name, error))
		return false;
	image->blobs[image->blob_count++] = blob;
	return true;
}

static bool take_console(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_console console;

	memcpy(&console, desc, sizeof(console));
	if (!check_name(image, console.name, error))
		return false;
	image->console = console;
	return true;
}

static bool take_entropy(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_entropy entropy;

	memcpy(&entropy, desc, sizeof(entropy));
	if (!check_name(image, entropy.name, error))
		return false;
	image->entropy = entropy;
	return true;
}

static bool take_stacks(struct image *image, const uint8_t *desc, struct image_error *error)
{
	struct manifest_stacks stacks;

	memcpy(&stacks, desc, sizeof(stacks));
	if (stacks.stack_bytes != 0 &&
		(stacks.stack_bytes < 4096 || stacks.stack_bytes > 1 << 20 ||
			(stacks.stack_bytes & (stacks.stack_bytes - 1)) != 0))
		return image_refuse(error, REMEDY_MANIFEST,
			"wants fiber stacks of %u bytes (a power of two, 4 KiB to 1 MiB)",
			stacks.stack_bytes);
	if (stacks.count_max > STACK_COUNT_MAX)
		return image_refuse(
			error, REMEDY_MANIFEST, "wants %u fiber stacks", stacks.count_max);
	image->has_stacks = true;
	if (stacks.stack_bytes > image->stack_bytes)
		image->stack_bytes = stacks.stack_bytes;
	if (stacks.count_max > image->stack_count_max)
		image->stack_count_max = stacks.count_max;
	return true;
}

/* The region that [start, end) lies in, as a whole. */
static bool is_in_region(const struct image *image, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];

		if (start >= r->virtual && end >= start && end - r->virtual <= r->bytes)
			return true;
	}
	return false;
}

/* `virtual` is where the descriptor will be: what its fields count from. It may be any number, and
 * the sums may wrap; only where they lead counts. */
static bool take_inside(
	struct image *image, const uint8_t *desc, uint64_t virtual, struct image_error *error)
{
	struct manifest_inside inside;
	struct image_inside *kept = &image->insides[image->inside_count];
	uint64_t start, end;

	memcpy(&inside, desc, sizeof(inside));
	if (!check_room(image->inside_count, MANIFEST_INSIDE_MAX, "insides", error))
		return false;
	if (inside.name[0] == '\0' || !is_name(inside.name, sizeof(inside.name)))
		return image_refuse(error, REMEDY_REBUILD, "an inside's name is malformed");
	if (image_inside_find(image, inside.name) != NULL)
		return image_refuse(
			error, REMEDY_REBUILD, "has the inside \"%s\" twice", inside.name);
	start = virtual + offsetof(struct manifest_inside, start) + (uint64_t)(int64_t)inside.start;
	end = virtual + offsetof(struct manifest_inside, end) + (uint64_t)(int64_t)inside.end;
	if (!is_in_region(image, start, end))
		return image_refuse(error, REMEDY_REBUILD,
			"the inside \"%s\" lies outside the image", inside.name);
	memcpy(kept->name, inside.name, sizeof(kept->name));
	kept->virtual = start;
	kept->bytes = end - start;
	image->inside_count++;
	return true;
}

static const struct kind {
	uint32_t desc_bytes;
	bool is_single;
	bool (*take)(struct image *image, const uint8_t *desc, struct image_error *error);
} kinds[] = {
	[MANIFEST_ABI] = { sizeof(struct manifest_abi), true, take_abi },
	[MANIFEST_IMAGE] = { sizeof(struct manifest_image), true, take_image },
	[MANIFEST_NET] = { sizeof(struct manifest_net), false, take_net },
	[MANIFEST_BLOCK] = { sizeof(struct manifest_block), false, take_block },
	[MANIFEST_CONSOLE] = { sizeof(struct manifest_console), true, take_console },
	[MANIFEST_ENTROPY] = { sizeof(struct manifest_entropy), true, take_entropy },
	[MANIFEST_BLOB] = { sizeof(struct manifest_blob), false, take_blob },
	[MANIFEST_STACKS] = { sizeof(struct manifest_stacks), false, take_stacks },
	[MANIFEST_INSIDE] = { sizeof(struct manifest_inside), false, NULL }, /* take_inside */
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* A longer one than we keep is as good as none. */
static void keep_build_id(struct image *image, const uint8_t *id, uint32_t bytes)
{
	if (bytes > IMAGE_BUILD_ID_MAX)
		return;
	memcpy(image->build_id, id, bytes);
	image->build_id_bytes = bytes;
}

static bool take_note(
	struct image *image, const struct note *note, uint32_t *seen, struct image_error *error)
{
	const struct kind *kind;

	if (note_is_of(note, "GNU") && note->type == NT_GNU_BUILD_ID)
		keep_build_id(image, note->desc, note->desc_bytes);
	if (!note_is_of(note, MANIFEST_OWNER))
		return true; /* a build id or the like */
	if (note->type == 0 || note->type >= KIND_COUNT)
		return image_refuse(error, newer,
			"its manifest has a note of type %u, which this diatom does not know",
			note->type);
	kind = &kinds[note->type];
	if (note->type == MANIFEST_NET && note->desc_bytes == MANIFEST_NET_BYTES_V4)
		return take_old_net(image, note->desc, error);
	if (note->desc_bytes != kind->desc_bytes)
		return image_refuse(error, REMEDY_REBUILD,
			"its manifest has a note of type %u with %u bytes instead of %u",
			note->type, note->desc_bytes, kind->desc_bytes);
	if (kind->is_single && (*seen & 1u << note->type) != 0)
		return image_refuse(error, REMEDY_MANIFEST, "its manifest has two notes of type %u",
			note->type);
	*seen |= 1u << note->type;
	if (note->type == MANIFEST_INSIDE)
		return take_inside(image, note->desc, note->virtual, error);
	return kind->take(image, note->desc, error);
}

static bool take_notes(struct image *image, const struct elf_notes *notes, uint32_t *seen,
	struct image_error *error)
{
	uint64_t done = 0;

	while (done < notes->bytes) {
		struct note note;
		uint64_t length = note_read(image->bytes + notes->offset + done,
			notes->bytes - done, notes->alignment, &note);

		if (length == 0)
			return image_refuse(
				error, REMEDY_REBUILD, "its manifest is cut off or malformed");
		note.virtual += notes->virtual + done;
		if (!take_note(image, &note, seen, error))
			return false;
		done += length;
	}
	return true;
}

bool manifest_decode(struct image *image, const struct elf_parts *parts, struct image_error *error)
{
	uint32_t seen = 0;

	for (unsigned i = 0; i < parts->notes_count; i++)
		if (!take_notes(image, &parts->notes[i], &seen, error))
			return false;
	if ((seen & 1u << MANIFEST_ABI) == 0)
		return image_refuse(error, REMEDY_BUILD,
			"is not a Diatom image (its manifest does not name an ABI)");
	if (image->net_count + image->block_count > BOOT_DEVICES_MAX - 2)
		return image_refuse(error, REMEDY_MANIFEST, "declares more than %u devices",
			BOOT_DEVICES_MAX - 2);
	if (image->stack_bytes == 0)
		image->stack_bytes = MANIFEST_STACK_BYTES_DEFAULT;
	if (image->stack_count_max == 0)
		image->stack_count_max = MANIFEST_STACK_COUNT_DEFAULT;
	return true;
}
