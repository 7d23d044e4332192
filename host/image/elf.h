/*
 * The ELF side of an image: headers, segments, relocations.
 */
#ifndef DIATOM_HOST_IMAGE_ELF_H
#define DIATOM_HOST_IMAGE_ELF_H

#include <elf.h>

#include "host/image/image.h"

/* Where the notes are: offsets in the file, checked to lie inside it. `virtual` is not checked. */
struct elf_notes {
	uint64_t offset, bytes, alignment, virtual;
};

struct elf_parts {
	struct elf_notes notes[IMAGE_SEGMENTS_MAX];
	unsigned notes_count;
	Elf64_Phdr dynamic, relro, tls; /* p_type PT_NULL: none */
};

/*
 * How many of the file's `length` bytes the decoder and the body need, going by its first `have`: all but
 * a shim at the end. A guess that needs no trust: what is left out reads as zeros.
 */
uint64_t elf_needed(const uint8_t *start, uint64_t have, uint64_t length);

/* Fills in segments, regions, tables, entry and span from image->bytes. */
bool elf_decode(struct image *image, struct elf_parts *parts, struct image_error *error);

/* The file's bytes behind [virtual, virtual + bytes), all of them in the file part of one segment;
 * else NULL. */
const uint8_t *elf_bytes_at(const struct image *image, uint64_t virtual, uint64_t bytes);

#endif
