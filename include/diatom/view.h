/*
 * View: a slice of bytes that somebody else owns.
 *
 * A view never owns, never frees, and is valid as long as the object it was taken from: the header
 * of the function that hands it out says how long. Hostile bytes are read from a view only through
 * wire/cursor.h.
 */
#ifndef DIATOM_VIEW_H
#define DIATOM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *data; /* may be NULL when length is 0 */
	size_t length;	     /* bytes */
};

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static inline struct view view_of(const void *data, size_t length)
{
	return (struct view){ .data = (const uint8_t *)data, .length = length };
}

/* The characters of a string, without its NUL. */
static inline struct view view_text(const char *text)
{
	return view_of(text, strlen(text));
}

/* The part from `offset` on, at most `length` bytes; clipped to the view, so never outside it. */
static inline struct view view_part(struct view view, size_t offset, size_t length)
{
	if (offset > view.length)
		offset = view.length;
	if (length > view.length - offset)
		length = view.length - offset;
	return view_of(view.data ? view.data + offset : NULL, length);
}

static inline bool view_equal(struct view a, struct view b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

#endif
