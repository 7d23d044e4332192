/*
 * Reading a section's bytes in order. A read beyond the end gives 0 and marks the reader as bad; so
 * loops end at `reader_is_done`, and a whole record is judged once it has been read.
 */
#ifndef DIATOM_HOST_DEBUG_READER_H
#define DIATOM_HOST_DEBUG_READER_H

#include <string.h>

#include "host/debug/debug.h"

struct reader {
	const uint8_t *at, *end;
	bool is_bad;
};

static inline struct reader reader_of(struct debug_bytes bytes)
{
	return (struct reader){ bytes.at, bytes.at + bytes.length, false };
}

/* From an offset in the section on; bad if that lies beyond it. */
static inline struct reader reader_from(struct debug_bytes bytes, uint64_t offset)
{
	if (offset > bytes.length)
		return (struct reader){ bytes.at, bytes.at, true };
	return (struct reader){ bytes.at + offset, bytes.at + bytes.length, false };
}

static inline uint64_t reader_left(const struct reader *r)
{
	return (uint64_t)(r->end - r->at);
}

static inline bool reader_is_done(const struct reader *r)
{
	return r->is_bad || r->at == r->end;
}

static inline void reader_fail(struct reader *r)
{
	r->is_bad = true;
	r->at = r->end;
}

/* The next `bytes` as a reader of their own; both are bad if there are not so many. */
static inline struct reader reader_part(struct reader *r, uint64_t bytes)
{
	struct reader part = *r;

	if (bytes > reader_left(r)) {
		reader_fail(r);
		return *r;
	}
	r->at += bytes;
	part.end = r->at;
	return part;
}

static inline void reader_skip(struct reader *r, uint64_t bytes)
{
	(void)reader_part(r, bytes);
}

/* A little-endian number of 1 to 8 bytes. */
static inline uint64_t reader_number(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if (bytes > sizeof(value) || bytes > reader_left(r)) {
		reader_fail(r);
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

static inline uint8_t reader_byte(struct reader *r)
{
	return (uint8_t)reader_number(r, 1);
}

/* LEB128 (DWARF 5, 7.6); bits beyond 64 are lost. */
static inline uint64_t reader_uleb(struct reader *r)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = reader_byte(r);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0);
	return value;
}

static inline int64_t reader_sleb(struct reader *r)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = reader_byte(r);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0);
	if (shift < 64 && (byte & 0x40) != 0)
		value |= UINT64_MAX << shift;
	return (int64_t)value;
}

/* A NUL-ended text in place; "" with a bad reader if its end is missing. */
static inline const char *reader_text(struct reader *r)
{
	const char *text = (const char *)r->at;
	const uint8_t *end = memchr(r->at, 0, reader_left(r));

	if (end == NULL) {
		reader_fail(r);
		return "";
	}
	r->at = end + 1;
	return text;
}

/* A unit's length, 32 or 64 bits wide (DWARF 5, 7.4): the rest of the unit, and how wide its offsets
 * are. */
static inline struct reader reader_unit(struct reader *r, unsigned *offset_bytes)
{
	uint64_t length = reader_number(r, 4);

	*offset_bytes = 4;
	if (length == UINT32_MAX) {
		*offset_bytes = 8;
		length = reader_number(r, 8);
	}
	return reader_part(r, length);
}

/* The text at an offset of a section of texts; "" if there is none. */
static inline const char *reader_text_at(struct debug_bytes texts, uint64_t offset)
{
	struct reader r = reader_from(texts, offset);

	return reader_text(&r);
}

/* Copies a foreign text, cut to fit, in printable characters. */
static inline void reader_copy_text(char *to, size_t room, const char *from)
{
	size_t i = 0;

	for (; i + 1 < room && from[i] != '\0'; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

#endif
