/*
 * How an image carries its shim, and what the build tells the shim of the body around it.
 *
 * The last PT_LOAD of an image is the shim, marked by SHIM_SEGMENT in its flags: our monitor and the
 * process loader never load it, and every other hypervisor loads it beside the body, by physical
 * addresses, and enters it at SHIM_PHYSICAL in 32-bit mode (PVH; the note is plat/start.c's).
 *
 *     physical 1 MiB   shim: entry, struct shim_image, text, data, zeros         at most 1 MiB
 *              2 MiB   the body's segments, each at SHIM_BODY_PHYSICAL + virtual
 *
 * The body was checked when it was built (host/build/seal.c, by the decoder of host/image), so the
 * shim does not read ELF: it finds here what to relocate, where to enter, and the rights of each page.
 * Offsets are from the image's base.
 */
#ifndef DIATOM_ABI_SHIM_IMAGE_H
#define DIATOM_ABI_SHIM_IMAGE_H

#define SHIM_SEGMENT	   0x00100000 /* of p_flags, in PF_MASKOS */
#define SHIM_PHYSICAL	   0x100000
#define SHIM_BYTES_MAX	   0x100000 /* with its zeros */
#define SHIM_BODY_PHYSICAL 0x200000

#define SHIM_MAGIC	   0x6d696873 /* "shim" */
#define SHIM_IMAGE_AT	   8 /* offset of struct shim_image in the shim, after the entry's jump */
#define SHIM_IMAGE_BYTES   196
#define SHIM_REGIONS_MAX   18

#ifndef __ASSEMBLER__

#include <stdint.h>

/* Whole pages and their rights once sealed: of `start`, the low bits are enum image_rights. */
struct shim_region {
	uint32_t start, end;
};

struct shim_table {
	uint32_t at, bytes;
};

struct shim_image {
	uint32_t magic;
	uint32_t memory_bytes; /* of the shim itself, with its zeros: the linker's */
	/* The rest is the build's. */
	uint32_t entry;
	uint32_t span_bytes;
	struct shim_table rela, relr, notes;
	uint32_t stack_bytes; /* of each fiber stack; 0: no stack window */
	uint32_t stack_count_max;
	uint32_t region_count;
	struct shim_region regions[SHIM_REGIONS_MAX];
};

_Static_assert(sizeof(struct shim_image) == SHIM_IMAGE_BYTES, "shim_image is a wire format");

#endif
#endif
