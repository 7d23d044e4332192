/*
 * What a body sees of its memory, in the monitor's guests and behind the shim: the regions that both lay
 * out, map and describe alike. Each adds its own (tables, devices, a trace).
 *
 *     image     as its regions say
 *     stack     main stack                   RW-, nothing below and above
 *     boot      boot info (2 pages)          R--
 *               host page                    R--
 *               call page                    R-X
 *               argument strings, files      R--
 *     heap                                   RW-, 2 MiB pages
 *     stacks    the heap again, as a window of fiber stacks (abi/boot.h)
 */
#ifndef DIATOM_WORLD_REGIONS_H
#define DIATOM_WORLD_REGIONS_H

#include <stdint.h>

#include "abi/boot.h"
#include "world/place.h"
#include "world/tables.h"

struct regions {
	struct region image, stack, boot, heap;
	struct region stacks; /* its physical place is the heap's; bytes 0: no window */
	uint64_t stack_bytes, stack_count;
};

/* Pages of `boot`. */
enum {
	BOOT_INFO = 0,
	BOOT_HOST_PAGE = 2 * PAGE_BYTES,
	BOOT_CALL_PAGE = 3 * PAGE_BYTES,
	BOOT_ARGUMENTS = 4 * PAGE_BYTES,
};

/* Gives a region the next physical pages. */
void region_take(struct region *region, uint64_t *next, uint64_t bytes);

/* The physical address of [virtual, virtual + bytes) if all of it is in the region; else UINT64_MAX. */
uint64_t region_physical(const struct region *region, uint64_t virtual, uint64_t bytes);

/* As many stacks as a heap of so many bytes has room for, at most `most`. `stack_bytes` 0: no window. */
void regions_set_stacks(
	struct regions *body, uint64_t stack_bytes, uint64_t most, uint64_t heap_bytes);

/* The same as region_physical in any of the regions that the body can read: one piece of one of them. */
uint64_t regions_physical(const struct regions *body, uint64_t virtual, uint64_t bytes);

/* Maps all but the image. */
void regions_map(struct tables *tables, const struct regions *body);

/* What boot info says of it. */
void regions_describe(const struct regions *body, struct boot_memory *memory);

#endif
