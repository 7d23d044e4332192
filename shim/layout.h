/*
 * Where everything lies, as in the monitor's guests (host/monitor/layout.h) but for the shim's own part:
 *
 *     physical                               virtual (each region at a random place of its own)
 *     1 MiB     shim                         one to one, ring 0; its text R-X, the rest RW-
 *     2 MiB     image                        as its regions say
 *     low       main stack                   RW-, nothing below and above
 *               boot info (2 pages)          R--
 *               host page                    R--
 *               call page                    R-X
 *               argument strings             R--
 *               device windows               R--   (abi/device.h)
 *               the devices' own rings       nothing
 *               page tables                  nothing
 *     heap      multiple of 2 MiB            RW-, 2 MiB pages; and again as stack window, 4 KiB pages
 *     module    the user's files             R--
 *
 * "Nothing" is meant for ring 3: the shim itself sees the lower 4 GiB one to one.
 */
#ifndef DIATOM_SHIM_LAYOUT_H
#define DIATOM_SHIM_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/device.h"
#include "abi/shim_image.h"
#include "shim/loader.h"
#include "world/place.h"
#include "world/regions.h"

#define LAYOUT_REGIONS	 7
#define MAIN_STACK_BYTES 65536
#define PRIVATE_BYTES	 (DEVICE_QUEUES_MAX * 2 * BOOT_PAGE_BYTES) /* of each device */

struct layout {
	struct regions body;
	struct region devices, blobs;
	uint64_t rings;		     /* physical: PRIVATE_BYTES for each device */
	uint64_t tables, tables_end; /* physical */
};

struct layout_wishes {
	struct loader_range low, heap, blobs;
	uint64_t argument_bytes;
	unsigned device_count;
	const uint64_t *numbers; /* PLACE_NUMBERS(LAYOUT_REGIONS) random ones */
};

/* 0, or how many more bytes of memory it takes. */
uint64_t layout_make(
	struct layout *layout, const struct shim_image *image, const struct layout_wishes *wishes);

/*
 * The physical address of [virtual, virtual + bytes) if the body can read all of it and it lies in one
 * piece; else UINT64_MAX.
 */
uint64_t layout_physical(const struct layout *layout, uint64_t virtual, uint64_t bytes);

#endif
