/*
 * UTF-8 (RFC 3629), checked as it comes.
 */
#ifndef DIATOM_BASE_UTF8_H
#define DIATOM_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "diatom/view.h"

/* Zero-initialise. At the end of a whole character `left` is 0. */
struct utf8 {
	uint8_t left;	     /* bytes of the character that are still to come */
	uint8_t least, most; /* what the next of them may be */
};

/* False as soon as the bytes can't be UTF-8: overlong forms, surrogates, beyond U+10FFFF. */
bool utf8_feed(struct utf8 *utf8, struct view bytes);

static inline bool utf8_is_whole(const struct utf8 *utf8)
{
	return utf8->left == 0;
}

/* Is it UTF-8, from the first byte to the last? */
bool utf8_is_valid(struct view bytes);

#endif
