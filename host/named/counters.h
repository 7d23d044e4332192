/*
 * Counters of a body, read from outside while it runs: its writable pages are mapped from the run's
 * file `data`, at the offsets that they have in the image. Which counter lies where is written down at
 * the start, from the very bytes that are run, so that a rebuilt image file changes nothing.
 *
 *     counters   a line each:  OFFSET NAME HELP     offset in `data`, hexadecimal
 *
 * Names and texts are the image's and values the body's: the first are kept to what a name may have,
 * the others are numbers whatever they are.
 */
#ifndef DIATOM_HOST_NAMED_COUNTERS_H
#define DIATOM_HOST_NAMED_COUNTERS_H

#include <stdint.h>

#include "host/named/place.h"

struct debug;
struct image;

#define COUNTERS_NAME_BYTES 64
#define COUNTERS_HELP_BYTES 160
#define COUNTERS_MAX	    1024

struct counter_value {
	char name[COUNTERS_NAME_BYTES];
	char help[COUNTERS_HELP_BYTES];
	uint64_t value;
};

/* Writes the run's file `counters`, and gives `data` the image's length and room. False with errno.
 * `debug` knows what the counters count; NULL: it is not at hand, and their help is empty. */
bool counters_describe(
	const struct place *place, const struct image *image, const struct debug *debug, int data);

/* Where all values lie: from *start in the image on so many bytes; 0: it has none. */
uint64_t counters_span(const struct image *image, uint64_t *start);

/* Reads all values: an array that the caller frees, and its length. NULL: there are none. */
struct counter_value *counters_read(const struct place *place, unsigned *count);

#endif
