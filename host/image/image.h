/*
 * An image file, decoded: what to map where, what to relocate, what it asks for.
 *
 * The file is hostile. image_open reads it once into memory of its own, checks everything, and only
 * then is any of it acted on; image_load can't fail and can't write outside `span_bytes`.
 *
 *     file  |ehdr|phdrs|notes|rodata|...|text ...|relro ...|data ...|shim|
 *                 \________ PT_LOADs: segments, at `virtual` from the image's base; the shim is
 *                           none of them: it is checked and passed over
 *
 *     span  0 R--          R-X           R-- (relro)   RW- (data, bss)   span_bytes
 *           regions: whole pages, ascending, no overlap; holes between them stay unmapped
 */
#ifndef DIATOM_HOST_IMAGE_H
#define DIATOM_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/manifest.h"

#define IMAGE_SEGMENTS_MAX 16
#define IMAGE_REGIONS_MAX  (IMAGE_SEGMENTS_MAX + 2)
#define IMAGE_BUILD_ID_MAX 32
#define IMAGE_BYTES_MAX	   (UINT64_C(1) << 30) /* of the file, and of the span */

enum image_rights {
	IMAGE_READ = 4,
	IMAGE_WRITE = 2,
	IMAGE_EXECUTE = 1, /* as in ELF: never together with IMAGE_WRITE */
};

/* Bytes of the file that go to an address; the rest of `memory_bytes` is zero. */
struct image_segment {
	uint64_t virtual; /* from the image's base */
	uint64_t memory_bytes;
	uint64_t file_offset;
	uint64_t file_bytes;
	unsigned rights; /* before sealing */
};

/* Whole pages and the rights they have once the image is sealed. */
struct image_region {
	uint64_t virtual; /* from the image's base */
	uint64_t bytes;
	unsigned rights;
	bool is_relro; /* written by relocation, read-only afterwards */
};

struct image_table {
	uint64_t virtual; /* inside a read-only segment */
	uint64_t bytes;
};

/* Data of the body that a host may look at: abi/inside.h. */
struct image_inside {
	char name[MANIFEST_NAME_BYTES];
	uint64_t virtual; /* from the image's base; all of it in one region */
	uint64_t bytes;	  /* may be 0 */
};

struct image_error {
	char what[192];	    /* "segment 2 is writable and executable" */
	const char *remedy; /* what to do; never NULL */
	int code;	    /* enum diatom_exit */
};

struct image {
	const uint8_t *bytes; /* the whole file */
	uint64_t length;
	uint64_t mapped_bytes; /* what image_close unmaps; 0: bytes are the caller's */
	uint64_t span_bytes;   /* whole pages */
	uint64_t shim_bytes;   /* of the file, for other hypervisors (abi/shim_image.h); 0: none */
	uint64_t entry;	       /* from the image's base, inside an executable region */
	uint64_t headers;      /* program headers: where in the file, and how many */
	unsigned header_count;
	struct image_segment segments[IMAGE_SEGMENTS_MAX];
	unsigned segment_count;
	struct image_region regions[IMAGE_REGIONS_MAX];
	unsigned region_count;
	struct image_table rela, relr; /* bytes 0: none */

	/* The manifest: copies, every text NUL-ended. */
	struct manifest_image about; /* zeros when the image has none */
	struct manifest_net nets[BOOT_DEVICES_MAX];
	unsigned net_count;
	struct manifest_block blocks[BOOT_DEVICES_MAX];
	unsigned block_count;
	struct manifest_blob blobs[BOOT_BLOBS_MAX];
	unsigned blob_count;
	struct manifest_console console; /* name empty: none */
	struct manifest_entropy entropy; /* name empty: none */
	bool has_stacks;		 /* the image has fibers: it carries a stacks note */
	uint32_t stack_bytes;		 /* of each fiber stack: always a valid size */
	uint32_t stack_count_max;	 /* always at least 1 */
	struct image_inside insides[MANIFEST_INSIDE_MAX];
	unsigned inside_count;
	uint8_t build_id[IMAGE_BUILD_ID_MAX];
	unsigned build_id_bytes; /* 0: it has none */
};

/* Reads and checks a file. False: *error says why. True: the caller calls image_close. */
bool image_open(struct image *image, const char *path, struct image_error *error);

/* The same for bytes that stay the caller's and outlive the image. */
bool image_decode(
	struct image *image, const uint8_t *bytes, uint64_t length, struct image_error *error);

/*
 * Copies the segments to `destination` (span_bytes of writable zeros, page-aligned; pages of no
 * segment are not touched) and relocates them to run at `virtual_base` (page-aligned).
 */
void image_load(const struct image *image, uint8_t *destination, uint64_t virtual_base);

/* To be called before it: the pages that the body may write become a shared mapping of a file, at the
 * offsets that they have in the image. False with errno. */
bool image_share(const struct image *image, uint8_t *destination, int fd);

void image_close(struct image *image);

/* The inside of that name (abi/inside.h); NULL: the image doesn't say where it is. */
const struct image_inside *image_inside_find(const struct image *image, const char *name);

#endif
