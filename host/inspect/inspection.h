/*
 * What is known about an image: from its own file, and from IMAGE.debug if that belongs to it.
 */
#ifndef DIATOM_HOST_INSPECT_INSPECTION_H
#define DIATOM_HOST_INSPECT_INSPECTION_H

#include "abi/hardening.h"
#include "host/image/image.h"
#include "host/inspect/parts.h"

#define WARNINGS_MAX 24

enum list_state {
	LIST_GOOD,
	LIST_NO_FILE,
	LIST_OF_OTHER,	 /* of another build */
	LIST_MISSING,	 /* has no list of parts: linked by an older diatom, or stripped */
	LIST_UNREADABLE, /* no debug file, or a malformed list */
};

struct inspection {
	const char *path;
	struct image image;
	bool has_pvh; /* the Xen note that PVH hypervisors look for */
	uint32_t pvh_entry;
	bool has_hardening;
	struct hardening hardening;

	/* Seen in the code. */
	uint64_t canary_uses; /* loads or compares of the stack protector's canary */
	uint64_t traps;	      /* that stop the image at a bug */
	uint64_t cfi_checks;  /* of them: at calls through pointers, of the libraries alone */
	uint64_t relocations; /* bytes of their tables */

	/* Of the file. */
	uint64_t header_bytes;	 /* ELF header and program headers */
	uint64_t shim_bytes;	 /* for other hypervisors; 0: none */
	uint64_t unloaded_bytes; /* behind the last segment */
	bool is_writable_by_all;

	enum list_state list;
	struct parts parts;	/* empty unless LIST_GOOD */
	uint64_t padding_bytes; /* in the file, in no part; unless LIST_GOOD 0 */

	struct {
		char text[160];
		const char *remedy;
	} warnings[WARNINGS_MAX];
	unsigned warning_count;
};

/* All that the image by itself tells; it must have been decoded. */
void inspection_of_image(struct inspection *inspection);

/* What the debug file's bytes add. */
void inspection_of_debug(struct inspection *inspection, const uint8_t *file, uint64_t length);

/* Judges: what is weaker than it should be becomes a warning. */
void inspection_warn(struct inspection *inspection);

/* What a measure is called, and how much of it shows in the code: *seen. NULL behind the last. */
const char *inspection_measure(
	const struct inspection *inspection, unsigned i, bool *is_on, char seen[64]);

/* The region's use in words. */
const char *inspection_region(const struct image_region *region);

#endif
