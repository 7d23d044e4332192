/*
 * A device goes through three states: found by a transport, named by the manifest, and then as far as
 * the body's calls take it. All that the body says is checked here; transports do as they are told.
 */
#include "shim/device.h"

#include <stddef.h>

#include "abi/call.h"
#include "abi/manifest.h"
#include "shim/console.h"
#include "shim/power.h"

/* What the shim can answer for: the bits of device types, and of the ring only these two. Packed rings,
 * indirect descriptors and the like would go around its checks. [6] */
#define TYPE_FEATURES  (UINT64_C(0xffffff) | ~UINT64_C(0) << 50)
#define FEATURES_MAY   (TYPE_FEATURES | VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_VERSION_1)
#define NET_MAC_BYTES  6
#define NET_CONFIG_MTU 10

static struct device found[BOOT_DEVICES_MAX];
static struct device *named[BOOT_DEVICES_MAX]; /* by the body's number */
static unsigned found_count, named_count;
static struct ring_memory memory;
volatile bool devices_have_interrupted;

bool device_add(const struct device *device)
{
	if (found_count == BOOT_DEVICES_MAX)
		return false;
	found[found_count++] = *device;
	return true;
}

/* Naming */

static bool is_equal(const void *a, const void *b, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		if (((const char *)a)[i] != ((const char *)b)[i])
			return false;
	return true;
}

static bool is_name(const char *a, const char *b)
{
	unsigned i = 0;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	return a[i] == b[i];
}

static void copy_text(char *to, const char *from, unsigned room)
{
	for (unsigned i = 0; i + 1 < room && from[i] != '\0'; i++)
		to[i] = from[i];
}

static const struct cmdline_net *wish_for(const struct cmdline *line, const char *name)
{
	for (unsigned i = 0; i < line->net_count; i++)
		if (is_name(line->nets[i].name, name))
			return &line->nets[i];
	return NULL;
}

static bool has_mac(struct device *device, const uint8_t mac[6])
{
	uint8_t own[NET_MAC_BYTES];

	device->transport->read_config(device, 0, sizeof(own), own);
	return is_equal(own, mac, sizeof(own));
}

/* Does the command line keep this network device for another interface? */
static bool is_kept(struct device *device, const struct cmdline *line)
{
	for (unsigned i = 0; i < line->net_count; i++)
		if (line->nets[i].has_mac && has_mac(device, line->nets[i].mac))
			return true;
	return false;
}

static struct device *find_net(const struct cmdline *line, const struct cmdline_net *wish)
{
	for (unsigned i = 0; i < found_count; i++) {
		struct device *device = &found[i];

		if (device->id != VIRTIO_ID_NET || device->name != NULL)
			continue;
		if (wish != NULL && wish->has_mac ? has_mac(device, wish->mac)
						  : !is_kept(device, line))
			return device;
	}
	return NULL;
}

static struct device *find_first(uint32_t id)
{
	for (unsigned i = 0; i < found_count; i++)
		if (found[i].id == id && found[i].name == NULL)
			return &found[i];
	return NULL;
}

static struct boot_device *give_name(
	struct boot_info *boot, struct device *device, uint32_t kind, const char *name)
{
	struct boot_device *entry = &boot->devices[named_count];

	device->name = name;
	named[named_count++] = device;
	boot->device_count = named_count;
	*entry = (struct boot_device){ .kind = kind, .transport = BOOT_VIRTIO_SHIM, .fd = -1 };
	copy_text(entry->name, name, sizeof(entry->name));
	return entry;
}

static void name_net(
	struct boot_info *boot, const struct cmdline *line, const struct manifest_net *net)
{
	const struct cmdline_net *wish = wish_for(line, net->name);
	struct device *device = find_net(line, wish);
	struct boot_device *entry;
	struct boot_ip6 *ip6;

	if (device == NULL) {
		if (net->optional == 0 || wish != NULL)
			refuse(EXIT_REFUSED, "there is no network device for the interface",
				net->name,
				"give QEMU  -netdev ...,id=n -device virtio-net-device,netdev=n");
		return;
	}
	entry = give_name(boot, device, MANIFEST_NET, net->name);
	device->transport->read_config(device, 0, NET_MAC_BYTES, entry->mac);
	if (wish == NULL)
		return;
	entry->mtu = wish->mtu;
	copy_text(entry->ip, wish->ip, sizeof(entry->ip));
	copy_text(entry->gateway, wish->gateway, sizeof(entry->gateway));
	ip6 = &boot->ip6[entry - boot->devices];
	copy_text(ip6->ip, wish->ip6, sizeof(ip6->ip));
	copy_text(ip6->gateway, wish->gateway6, sizeof(ip6->gateway));
}

static void name_other(
	struct boot_info *boot, uint32_t id, uint32_t kind, const char *name, bool is_optional)
{
	struct device *device = find_first(id);

	if (device != NULL)
		give_name(boot, device, kind, name);
	else if (!is_optional)
		refuse(EXIT_REFUSED, "there is no virtio device for", name,
			kind == MANIFEST_BLOCK
				? "give QEMU  -drive file=...,if=none,id=d -device virtio-blk-device,drive=d"
				: "give QEMU  -device virtio-serial-device -device virtconsole,chardev=...");
}

/* One note that was checked when the image was built. */
static void name_note(
	struct boot_info *boot, const struct cmdline *line, uint32_t type, const void *desc)
{
	if (named_count == BOOT_DEVICES_MAX)
		return;
	if (type == MANIFEST_NET)
		name_net(boot, line, desc);
	else if (type == MANIFEST_BLOCK)
		name_other(boot, VIRTIO_ID_BLOCK, type, desc,
			((const struct manifest_block *)desc)->optional != 0);
	else if (type == MANIFEST_CONSOLE)
		name_other(boot, VIRTIO_ID_CONSOLE, type, desc, false);
	else if (type == MANIFEST_ENTROPY) /* the body does without, on its seed */
		name_other(boot, VIRTIO_ID_ENTROPY, type, desc, true);
}

struct note {
	uint32_t owner_bytes, desc_bytes, type;
	char owner[];
};

void devices_name(struct boot_info *boot, const struct cmdline *line, const uint8_t *notes,
	uint64_t notes_bytes)
{
	for (uint64_t at = 0; at + sizeof(struct note) <= notes_bytes;) {
		const struct note *note = (const void *)(notes + at);
		uint64_t owner_bytes = (note->owner_bytes + 3) & ~3u;

		if (note->owner_bytes == sizeof(MANIFEST_OWNER) &&
			is_equal(note->owner, MANIFEST_OWNER, sizeof(MANIFEST_OWNER)))
			name_note(boot, line, note->type, note->owner + owner_bytes);
		at += sizeof(*note) + owner_bytes + ((note->desc_bytes + 3) & ~3u);
	}
}

void devices_place(const struct layout *layout, struct boot_info *boot)
{
	memory = (struct ring_memory){ .heap = layout->body.heap.physical,
		.heap_end = layout->body.heap.physical + layout->body.heap.bytes,
		.image = layout->body.image.physical,
		.image_end = layout->body.image.physical + layout->body.image.bytes };
	for (unsigned i = 0; i < named_count; i++) {
		uint64_t at = i * DEVICE_WINDOW_BYTES;

		named[i]->window = (struct device_window *)(layout->devices.physical + at);
		__builtin_memset(named[i]->window, 0, DEVICE_WINDOW_BYTES);
		boot->devices[i].address = layout->devices.virtual + at;
	}
}

/* The body's calls */

static struct device *device_of(uint64_t number)
{
	return (uint8_t)number < named_count ? named[(uint8_t)number] : NULL;
}

static struct ring *ring_of(uint64_t which, struct device **device, uint16_t *queue)
{
	*device = device_of(which);
	*queue = (uint8_t)(which >> 8);
	return *device != NULL && *queue < DEVICE_QUEUES_MAX ? &(*device)->rings[*queue] : NULL;
}

void device_begin(uint64_t number, uint64_t wanted)
{
	struct device *device = device_of(number);
	struct device_window *window;

	if (device == NULL)
		return;
	window = device->window;
	__builtin_memset(window, 0, sizeof(*window));
	for (unsigned i = 0; i < DEVICE_QUEUES_MAX; i++)
		device->rings[i] = (struct ring){ .memory = &memory };
	wanted = (wanted | VIRTIO_F_VERSION_1) & FEATURES_MAY & device->transport->begin(device);
	if ((wanted & VIRTIO_F_VERSION_1) == 0 || !device->transport->accept(device, wanted)) {
		window->status = VIRTIO_STATUS_FAILED;
		return;
	}
	device->transport->read_config(device, 0, DEVICE_CONFIG_BYTES, window->config);
	for (uint16_t i = 0; i < DEVICE_QUEUES_MAX; i++) {
		uint16_t size = device->transport->queue_size(device, i);

		window->queue_sizes[i] =
			size < VIRTIO_QUEUE_SIZE_MAX ? size : VIRTIO_QUEUE_SIZE_MAX;
	}
	window->features = wanted;
	window->status = VIRTIO_STATUS_FEATURES_OK;
}

/* The first fault stops the device for its driver. */
static void stop(struct device *device, uint16_t queue, const char *why)
{
	if ((device->window->status & VIRTIO_STATUS_NEEDS_RESET) == 0) {
		say(device->name);
		say(": stopped until its driver resets it: queue ");
		say_number(queue);
		say(": ");
		say(why);
		say("\n");
	}
	device->window->status |= VIRTIO_STATUS_NEEDS_RESET;
}

void device_queue(uint64_t which, uint64_t address, const struct layout *layout)
{
	struct device *device;
	uint16_t queue, size = (uint16_t)(which >> 16);
	struct ring *ring = ring_of(which, &device, &queue);
	uint64_t number = (uint8_t)which, own, used;

	if (ring == NULL || ring->size != 0 || device->window->status != VIRTIO_STATUS_FEATURES_OK)
		return;
	own = layout->rings + number * PRIVATE_BYTES + queue * 2 * BOOT_PAGE_BYTES;
	used = (uintptr_t)DEVICE_USED(device->window, queue);
	/* An address outside the heap becomes one that lies nowhere. */
	address -= layout->body.heap.virtual;
	address = address < layout->body.heap.bytes ? address + layout->body.heap.physical
						    : UINT64_MAX & -16;
	if (size > device->window->queue_sizes[queue] ||
		!ring_begin(ring, address, size, (void *)own, (void *)used)) {
		stop(device, queue, "ring is outside the heap, or its size is odd");
		return;
	}
	device->transport->queue_start(device, queue, ring);
}

void device_start(uint64_t number)
{
	struct device *device = device_of(number);

	if (device == NULL || device->window->status != VIRTIO_STATUS_FEATURES_OK)
		return;
	device->transport->finish(device);
	device->window->status |= VIRTIO_STATUS_DRIVER_OK;
}

static bool is_live(const struct device *device)
{
	return device->window->status == (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
}

void device_submit(uint64_t which, uint64_t index)
{
	struct device *device;
	uint16_t queue;
	struct ring *ring = ring_of(which, &device, &queue);

	if (ring == NULL || !is_live(device))
		return;
	if (ring_submit(ring, (uint16_t)index))
		device->transport->notify(device, queue);
	if (ring->broken != NULL)
		stop(device, queue, ring->broken);
}

bool devices_arm(void)
{
	bool has_news = false;

	for (unsigned i = 0; i < named_count; i++)
		for (unsigned q = 0; q < DEVICE_QUEUES_MAX; q++)
			has_news |= ring_arm(&named[i]->rings[q]);
	return has_news;
}

void devices_acknowledge(void)
{
	if (!devices_have_interrupted)
		return;
	devices_have_interrupted = false;
	for (unsigned i = 0; i < named_count; i++)
		if (is_live(named[i]))
			named[i]->transport->acknowledge(named[i]);
}

bool devices_have_output(void)
{
	for (unsigned i = 0; i < named_count; i++)
		for (unsigned q = 0; is_live(named[i]) && q < DEVICE_QUEUES_MAX; q++)
			if (ring_has_output(&named[i]->rings[q]))
				return true;
	return false;
}
