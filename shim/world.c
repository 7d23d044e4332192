/*
 * The shim sees physical memory one to one, so it writes the body's before there are page tables for it;
 * the last step makes them the CPU's.
 */
#include "shim/world.h"

#include <stdbool.h>
#include <stddef.h>

#include "abi/call.h"
#include "shim/device.h"
#include "shim/power.h"
#include "shim/seed.h"
#include "world/tables.h"

#define EXECUTE	 1 /* enum image_rights */
#define WRITE	 2
#define SEEN	 UINT64_C(0x1000000) /* entry.S maps so much */
#define RELATIVE 24		     /* bytes of a relocation entry */

struct world world;

extern const struct shim_image shim_image;
extern const uint8_t shim_text[], shim_text_end[];
extern uint64_t table_root[], table_low[], table_directories[];

const uint8_t *world_notes(uint64_t *bytes)
{
	*bytes = shim_image.notes.bytes;
	return (const uint8_t *)(uintptr_t)(SHIM_BODY_PHYSICAL + shim_image.notes.at);
}

void world_see(uint64_t start, uint64_t end)
{
	if (start < SEEN)
		start = SEEN;
	for (uint64_t at = start & -LARGE_BYTES; at < end; at += LARGE_BYTES)
		table_directories[at / LARGE_BYTES] = at | 0x83 | ENTRY_NO_EXECUTE;
}

/* Relocation: every place was checked when the image was built. */

static void add_base(uint64_t at, uint64_t base)
{
	*(uint64_t *)(SHIM_BODY_PHYSICAL + at) += base;
}

static void apply_rela(uint64_t base)
{
	const uint64_t *entry =
		(const uint64_t *)(uintptr_t)(SHIM_BODY_PHYSICAL + shim_image.rela.at);

	for (uint32_t i = 0; i < shim_image.rela.bytes / RELATIVE; i++, entry += 3)
		*(uint64_t *)(SHIM_BODY_PHYSICAL + entry[0]) = base + entry[2];
}

static void apply_relr(uint64_t base)
{
	const uint64_t *entry =
		(const uint64_t *)(uintptr_t)(SHIM_BODY_PHYSICAL + shim_image.relr.at);
	uint64_t next = 0;

	for (uint32_t i = 0; i < shim_image.relr.bytes / 8; i++) {
		uint64_t word = entry[i];

		if ((word & 1) == 0) {
			add_base(word, base);
			next = word + 8;
			continue;
		}
		for (uint64_t at = next; (word >>= 1) != 0; at += 8)
			if ((word & 1) != 0)
				add_base(at, base);
		next += 63 * 8;
	}
}

/* Page tables */

static void map(struct tables *tables, const struct region *region, uint64_t offset, uint64_t bytes,
	unsigned rights)
{
	tables_map(tables, region->virtual + offset, region->physical + offset, bytes,
		rights | PAGE_USER, false);
}

static void map_image(struct tables *tables, const struct region *where)
{
	for (uint32_t i = 0; i < shim_image.region_count; i++) {
		const struct shim_region *r = &shim_image.regions[i];
		uint64_t start = r->start & -PAGE_BYTES;
		unsigned rights = (r->start & WRITE) != 0 ? PAGE_WRITE : 0;

		rights |= (r->start & EXECUTE) != 0 ? PAGE_EXECUTE : 0;
		map(tables, where, start, r->end - start, rights);
	}
}

/* The shim's own 2 MiB in small pages: its text can't be written, nothing else executed, and there is
 * nothing at 0. */
static void seal_shim(void)
{
	for (uint64_t i = 1; i < TABLE_ENTRIES; i++) {
		uint64_t at = i * PAGE_BYTES;
		bool is_text = at >= (uintptr_t)shim_text && at < (uintptr_t)shim_text_end;

		table_low[i] = at | (is_text ? 1 : 3 | ENTRY_NO_EXECUTE);
	}
	table_directories[0] = (uintptr_t)table_low | 3;
}

static void map_all(const struct layout *l)
{
	struct tables tables;
	uint64_t *root = (uint64_t *)l->tables;

	tables_init(&tables, NULL, l->tables, l->tables_end, false);
	map_image(&tables, &l->body.image);
	regions_map(&tables, &l->body);
	map(&tables, &l->devices, 0, l->devices.bytes, 0);
	map(&tables, &l->blobs, 0, l->blobs.bytes, 0);
	seal_shim();
	root[0] = table_root[0];
	if (tables.is_full)
		refuse(EXIT_INTERNAL, "page tables outgrew their place", NULL,
			"this is a bug in diatom's shim");
	__asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

/* Boot info */

static uint64_t text_bytes(const char *text)
{
	uint64_t n = 1;

	while (*text++ != '\0')
		n++;
	return n;
}

static void put_arguments(struct boot_info *boot, const struct cmdline *line, uint8_t *page)
{
	uint64_t at = BOOT_ARGUMENTS;

	boot->argument_count = line->argument_count;
	for (unsigned i = 0; i < line->argument_count; i++) {
		uint64_t bytes = text_bytes(line->arguments[i]);

		__builtin_memcpy(page + at, line->arguments[i], bytes);
		boot->arguments[i] = world.layout.body.boot.virtual + at;
		at += bytes;
	}
}

/* The user's files lie in the first module, each from a page on. */
static void describe_blobs(struct boot_info *boot, const struct cmdline *line)
{
	const struct region *region = &world.layout.blobs;
	uint64_t at = 0;

	for (unsigned i = 0; i < line->file_count; i++) {
		struct boot_blob *blob = &boot->blobs[boot->blob_count++];

		if (line->files[i].bytes > region->bytes - at)
			refuse(EXIT_REFUSED, "the module is too short for the file",
				line->files[i].name,
				"give QEMU  -initrd with all files, each from a page on");
		blob->address = region->virtual + at;
		blob->length = line->files[i].bytes;
		for (unsigned n = 0; line->files[i].name[n] != '\0'; n++)
			blob->name[n] = line->files[i].name[n];
		at += (line->files[i].bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
		if (at > region->bytes)
			at = region->bytes;
	}
}

static struct loader_range blobs_of(const struct loader *loader, const struct cmdline *line)
{
	struct loader_range range = { 0 };

	if (line->file_count == 0)
		return range;
	if (loader->module_count == 0 || loader->modules[0].start % PAGE_BYTES != 0)
		refuse(EXIT_REFUSED, "file= has no module, or one that does not begin on a page",
			NULL, "give QEMU  -initrd FILE");
	range = loader->modules[0];
	range.end = (range.end + PAGE_BYTES - 1) & -PAGE_BYTES;
	return range;
}

static void lay_out(
	const struct boot_info *boot, const struct loader *loader, const struct cmdline *line)
{
	uint64_t image_end = SHIM_BODY_PHYSICAL + shim_image.span_bytes, missing;
	uint64_t numbers[PLACE_NUMBERS(LAYOUT_REGIONS)];
	struct layout_wishes wishes = { .blobs = blobs_of(loader, line),
		.device_count = boot->device_count,
		.numbers = numbers };

	if (!loader_memory(loader, image_end, &wishes.low, &wishes.heap))
		refuse(EXIT_OUT_OF_MEMORY, "the image does not fit the machine's memory", NULL,
			"give it more: -m 64");
	for (unsigned i = 0; i < line->argument_count; i++)
		wishes.argument_bytes += text_bytes(line->arguments[i]);
	for (unsigned i = 0; i < PLACE_NUMBERS(LAYOUT_REGIONS); i++)
		numbers[i] = seed_next();
	missing = layout_make(&world.layout, &shim_image, &wishes);
	if (missing != 0)
		refuse(EXIT_OUT_OF_MEMORY, "the machine has too little memory", NULL,
			"give it more: -m 64");
	world_see(world.layout.body.heap.physical, wishes.heap.end);
	world_see(wishes.blobs.start, wishes.blobs.end);
	world_see(SHIM_BODY_PHYSICAL, world.layout.tables_end);
}

void world_make(struct boot_info *boot, const struct loader *loader, const struct cmdline *line)
{
	static const uint8_t call[] = { 0xcc, 0xc3 }; /* int3; ret */
	struct layout *l = &world.layout;
	uint8_t *page;

	lay_out(boot, loader, line);
	page = (uint8_t *)l->body.boot.physical;
	__builtin_memset(page, 0, l->body.boot.bytes);
	__builtin_memcpy(page + BOOT_CALL_PAGE, call, sizeof(call));
	boot->magic = BOOT_MAGIC;
	boot->version = BOOT_VERSION;
	boot->bytes = sizeof(*boot);
	boot->target = BOOT_SHIM;
	boot->call = l->body.boot.virtual + BOOT_CALL_PAGE;
	boot->host_page = l->body.boot.virtual + BOOT_HOST_PAGE;
	boot->log_level = line->log_level;
	boot->spin_ns = line->spin_ns;
	regions_describe(&l->body, &boot->memory);
	describe_blobs(boot, line);
	devices_place(l, boot);
	put_arguments(boot, line, page);
	__builtin_memcpy(page, boot, sizeof(*boot));
	world.boot = (struct boot_info *)(void *)page;
	world.page = (struct boot_host_page *)(void *)(page + BOOT_HOST_PAGE);
	apply_rela(l->body.image.virtual);
	apply_relr(l->body.image.virtual);
	map_all(l);
}

const void *world_body(uint64_t address, uint64_t bytes)
{
	uint64_t physical = layout_physical(&world.layout, address, bytes);

	return physical == UINT64_MAX ? NULL : (const void *)physical;
}
