/*
 * Where everything lies in a guest: physical memory in one slot, and the virtual regions over it.
 *
 *     physical                               virtual (each region at a random place of its own)
 *     0         not used                     nothing
 *     system    descriptor tables            R--, ring 0
 *               exception stubs              R-X, ring 0
 *               exception stack              RW-, ring 0
 *     image     text, rodata, data           as its segments say
 *     stack     main stack                   RW-, nothing below and above
 *     boot      boot info (2 pages)          R--
 *               host page                    R--
 *               call page                    R-X
 *               argument strings, blobs      R--
 *     trace     ring of abi/trace.h, if any  RW-
 *     tables    page tables                  nothing
 *     heap      multiple of 2 MiB            RW-, 2 MiB pages; and again as stack window, 4 KiB pages
 *     end       device registers             RW-, one page a device
 */
#ifndef DIATOM_MONITOR_LAYOUT_H
#define DIATOM_MONITOR_LAYOUT_H

#include <stdint.h>

#include "abi/boot.h"
#include "world/place.h"
#include "world/regions.h"
#include "world/tables.h"

#define MAIN_STACK_BYTES 65536

/* What a guest needs; the rest follows. */
struct layout_wishes {
	uint64_t memory_bytes;
	uint64_t image_bytes;
	uint64_t image_alignment; /* a power of two */
	uint64_t argument_bytes;  /* strings with their NULs */
	uint64_t blob_bytes;	  /* each blob rounded up to whole pages */
	uint64_t stack_bytes;	  /* 0: no stack window */
	uint64_t stack_count_max;
	uint64_t trace_bytes; /* 0: no ring */
	unsigned device_count;
};

struct layout {
	uint64_t memory_bytes;
	struct regions body;
	struct region system, trace, registers;
	uint64_t tables, tables_end; /* physical */
	uint64_t arguments, blobs;   /* offsets in `boot` */
};

/* Pages of `system`. */
enum {
	SYSTEM_TABLES = 0,
	SYSTEM_STUBS = PAGE_BYTES,
	SYSTEM_STACK = 2 * PAGE_BYTES,
	SYSTEM_BYTES = 3 * PAGE_BYTES,
};

/* 0, or the least memory in bytes that would do when `memory_bytes` is too little. */
uint64_t layout_make(struct layout *layout, const struct layout_wishes *wishes);

/*
 * The guest-physical address of [virtual, virtual + bytes) if the body can read all of it and it lies
 * in one piece; else UINT64_MAX.
 */
uint64_t layout_physical(const struct layout *layout, uint64_t virtual, uint64_t bytes);

#endif
