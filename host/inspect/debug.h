/*
 * IMAGE.debug: an ELF file with sections, which may be anything.
 */
#ifndef DIATOM_HOST_INSPECT_DEBUG_H
#define DIATOM_HOST_INSPECT_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_BYTES 20

struct debug_section {
	const uint8_t *bytes; /* inside the file */
	uint64_t length;
};

/* The section of that name that has bytes in the file. False if there is none, or the file is no ELF
 * file of 64 bits. */
bool debug_section(
	const uint8_t *file, uint64_t length, const char *name, struct debug_section *section);

/* The build id that the linker gave the file. */
bool debug_build_id(const uint8_t *file, uint64_t length, uint8_t id[BUILD_ID_BYTES]);

#endif
