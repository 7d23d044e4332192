/*
 * Texts that a trace names by their place in the image: read from the image's file, which the body
 * can't change.
 */
#ifndef DIATOM_HOST_OBSERVE_NAMES_H
#define DIATOM_HOST_OBSERVE_NAMES_H

#include <stdint.h>

#define NAMES_MAX   4096 /* different ones; a hostile body has no more */
#define NAMES_BYTES 64	 /* of each, with its NUL */

struct image;

struct names {
	const struct image *image; /* NULL: no text is known */
	uint32_t count;
	uint32_t places[NAMES_MAX];
	char texts[NAMES_MAX][NAMES_BYTES];
	uint16_t slots[2 * NAMES_MAX]; /* open hash table of numbers + 1 */
};

/* The text at that place: printable, shorter than NAMES_BYTES, the same pointer each time. "" if there is
 * none, or when there are too many. */
const char *names_at(struct names *names, uint32_t place);

#endif
