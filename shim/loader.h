/*
 * What the hypervisor handed over (PVH: struct hvm_start_info of Xen's public headers), copied into the
 * shim before anything else is written to memory: the loader may have put it anywhere.
 */
#ifndef DIATOM_SHIM_LOADER_H
#define DIATOM_SHIM_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/shim.h"

#define LOADER_RANGES_MAX  64
#define LOADER_MODULES_MAX 8

struct loader_range {
	uint64_t start, end;
	bool is_ram;
};

struct loader {
	struct loader_range ranges[LOADER_RANGES_MAX];
	unsigned range_count;
	struct loader_range modules[LOADER_MODULES_MAX];
	unsigned module_count;
	char command_line[SHIM_COMMAND_LINE_MAX];
};

/* NULL, or what is wrong with the start info. `see` lets the shim see memory (world_see). */
const char *loader_read(
	struct loader *loader, uint32_t start_info, void (*see)(uint64_t start, uint64_t end));

/*
 * The memory that the world may have, as [*low, *low_end) from `image_end` on, in the RAM in which the
 * image lies; and the largest piece of RAM below 4 GiB for the heap, which may be the same: then
 * *heap = *low and *heap_end = *low_end. Modules and whatever else isn't RAM are in neither. False: the
 * image doesn't lie in RAM.
 */
bool loader_memory(const struct loader *loader, uint64_t image_end, struct loader_range *low,
	struct loader_range *heap);

#endif
