/*
 * Ranges are the hypervisor's word, which the shim must believe, but not blindly: they may overlap,
 * wrap, or be too many, and what isn't RAM wins.
 */
#include "shim/loader.h"

#include <stddef.h>

#include "abi/shim_image.h"

#define START_MAGIC 0x336ec578
#define RAM	    1
#define FOUR_GIB    (UINT64_C(1) << 32)

struct start_info {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, command_line, rsdp, memory_map;
	uint32_t memory_map_entries, reserved;
};

struct module {
	uint64_t address, bytes, command_line, reserved;
};

struct memory_map_entry {
	uint64_t address, bytes;
	uint32_t type, reserved;
};

static void (*let_see)(uint64_t start, uint64_t end);

/* What the shim can read: below 4 GiB, in one piece; else NULL. */
static const void *readable(uint64_t address, uint64_t bytes)
{
	if (address == 0 || address >= FOUR_GIB || bytes > FOUR_GIB - address)
		return NULL;
	let_see(address, address + bytes);
	return (const void *)address;
}

static struct loader_range range_of(uint64_t start, uint64_t bytes, bool is_ram)
{
	uint64_t end = bytes > UINT64_MAX - start ? UINT64_MAX : start + bytes;

	return (struct loader_range){ start, end, is_ram };
}

static const char *read_map(struct loader *loader, const struct start_info *info)
{
	uint32_t count = info->memory_map_entries;
	const struct memory_map_entry *map;

	if (info->version < 1 || count == 0 || count > LOADER_RANGES_MAX)
		return "the hypervisor gives no memory map, or one of more than 64 ranges";
	map = readable(info->memory_map, count * sizeof(*map));
	if (map == NULL)
		return "the hypervisor's memory map is out of reach";
	for (uint32_t i = 0; i < count; i++)
		loader->ranges[i] = range_of(map[i].address, map[i].bytes, map[i].type == RAM);
	loader->range_count = count;
	return NULL;
}

static const char *read_modules(struct loader *loader, const struct start_info *info)
{
	const struct module *modules =
		readable(info->modules, LOADER_MODULES_MAX * sizeof(*modules));

	if (info->module_count == 0)
		return NULL;
	if (info->module_count > LOADER_MODULES_MAX || modules == NULL)
		return "the hypervisor hands over more than 8 modules, or out of reach";
	for (uint32_t i = 0; i < info->module_count; i++)
		loader->modules[i] = range_of(modules[i].address, modules[i].bytes, false);
	loader->module_count = info->module_count;
	return NULL;
}

static const char *read_command_line(struct loader *loader, const struct start_info *info)
{
	const char *from = readable(info->command_line, SHIM_COMMAND_LINE_MAX);

	loader->command_line[0] = '\0';
	for (unsigned i = 0; from != NULL && i < SHIM_COMMAND_LINE_MAX; i++) {
		loader->command_line[i] = from[i];
		if (from[i] == '\0')
			return NULL;
	}
	return from == NULL && info->command_line == 0
		       ? NULL
		       : "the command line is longer than 4095 bytes, or out of reach";
}

const char *loader_read(
	struct loader *loader, uint32_t start_info, void (*see)(uint64_t start, uint64_t end))
{
	const struct start_info *info;
	const char *wrong;

	let_see = see;
	info = readable(start_info, sizeof(*info));
	if (info == NULL || info->magic != START_MAGIC)
		return "the hypervisor did not start the image by PVH";
	wrong = read_map(loader, info);
	if (wrong == NULL)
		wrong = read_modules(loader, info);
	return wrong != NULL ? wrong : read_command_line(loader, info);
}

/* Takes `hole` out of a range: the larger side is left. */
static void cut_out(struct loader_range *range, const struct loader_range *hole)
{
	uint64_t below, above;

	if (hole->start >= range->end || hole->end <= range->start)
		return;
	below = hole->start > range->start ? hole->start - range->start : 0;
	above = hole->end < range->end ? range->end - hole->end : 0;
	if (below >= above)
		range->end = range->start + below;
	else
		range->start = range->end - above;
}

/* A RAM range without what others say of it: bounded, and without modules. */
static struct loader_range usable(
	const struct loader *loader, const struct loader_range *ram, uint64_t from)
{
	struct loader_range range = *ram;

	if (range.start < from)
		range.start = from < range.end ? from : range.end;
	if (range.end > FOUR_GIB)
		range.end = range.start < FOUR_GIB ? FOUR_GIB : range.start;
	for (unsigned i = 0; i < loader->range_count; i++)
		if (!loader->ranges[i].is_ram)
			cut_out(&range, &loader->ranges[i]);
	for (unsigned i = 0; i < loader->module_count; i++)
		cut_out(&range, &loader->modules[i]);
	return range;
}

bool loader_memory(const struct loader *loader, uint64_t image_end, struct loader_range *low,
	struct loader_range *heap)
{
	bool is_found = false;

	*heap = (struct loader_range){ 0 };
	for (unsigned i = 0; i < loader->range_count; i++) {
		const struct loader_range *ram = &loader->ranges[i];
		struct loader_range range;

		if (!ram->is_ram)
			continue;
		range = usable(loader, ram, image_end);
		if (ram->start <= SHIM_PHYSICAL && ram->end >= image_end) {
			*low = range;
			is_found = true;
		}
		if (range.end - range.start > heap->end - heap->start)
			*heap = range;
	}
	return is_found;
}
