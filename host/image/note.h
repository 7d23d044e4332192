/*
 * One ELF note:
 *
 *     | owner bytes | desc bytes | type | owner, NUL-ended, padded | desc, padded |
 */
#ifndef DIATOM_HOST_IMAGE_NOTE_H
#define DIATOM_HOST_IMAGE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

/* A note as it stands in the file: all parts checked to lie inside it. */
struct note {
	uint32_t owner_bytes, desc_bytes, type;
	const uint8_t *owner, *desc;
	uint64_t virtual; /* of desc: from the note's start; who knows where that is adds it */
};

/* Reads the note at `at`; returns its length with padding, 0 if it does not fit `length`. */
uint64_t note_read(const uint8_t *at, uint64_t length, uint64_t alignment, struct note *note);

/* Is it of that owner? */
bool note_is_of(const struct note *note, const char *owner);

#endif
