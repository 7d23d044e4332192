/*
 * Cursor: the one gate through which hostile bytes are read, and its twin for writing.
 *
 * Two ways, both total (no input makes them read or write outside):
 *  - check once, then plain loads:  if (!cursor_has(&c, 20)) drop;  then be16_at(header + 2) ...
 *  - accessors that stick at the end: after the last byte they return 0 and set `is_short`, which
 *    the caller asks once, after the last field.
 */
#ifndef DIATOM_WIRE_CURSOR_H
#define DIATOM_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"
#include "diatom/view.h"

struct cursor {
	const uint8_t *start, *next, *end;
	bool is_short; /* something was read past the end */
};

static inline struct cursor cursor_on(struct view view)
{
	return (struct cursor){ view.data, view.data, view.data + view.length, false };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->next);
}

static inline size_t cursor_offset(const struct cursor *c)
{
	return (size_t)(c->next - c->start);
}

static inline bool cursor_has(const struct cursor *c, size_t length)
{
	return cursor_left(c) >= length;
}

/* The next `length` bytes, and past them; NULL (and short) if there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t length)
{
	const uint8_t *bytes = c->next;

	if (!cursor_has(c, length)) {
		c->is_short = true;
		c->next = c->end;
		return NULL;
	}
	c->next += length;
	return bytes;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 1);

	return bytes ? bytes[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 2);

	return bytes ? be16_at(bytes) : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 4);

	return bytes ? be32_at(bytes) : 0;
}

static inline struct view cursor_view(struct cursor *c, size_t length)
{
	const uint8_t *bytes = cursor_take(c, length);

	return view_of(bytes, bytes ? length : 0);
}

/* The writing twin: past the end it writes nothing and sets `is_short`. */
struct emitter {
	uint8_t *start, *next, *end;
	bool is_short;
};

static inline struct emitter emitter_on(uint8_t *buffer, size_t capacity)
{
	return (struct emitter){ buffer, buffer, buffer + capacity, false };
}

static inline size_t emitter_length(const struct emitter *e)
{
	return (size_t)(e->next - e->start);
}

static inline uint8_t *emitter_space(struct emitter *e, size_t length)
{
	uint8_t *space = e->next;

	if ((size_t)(e->end - e->next) < length) {
		e->is_short = true;
		return NULL;
	}
	e->next += length;
	return space;
}

static inline void emit_u8(struct emitter *e, uint8_t value)
{
	uint8_t *space = emitter_space(e, 1);

	if (space)
		space[0] = value;
}

static inline void emit_be16(struct emitter *e, uint16_t value)
{
	uint8_t *space = emitter_space(e, 2);

	if (space)
		be16_to(space, value);
}

static inline void emit_be32(struct emitter *e, uint32_t value)
{
	uint8_t *space = emitter_space(e, 4);

	if (space)
		be32_to(space, value);
}

static inline void emit_bytes(struct emitter *e, struct view bytes)
{
	uint8_t *space = emitter_space(e, bytes.length);

	if (space && bytes.length)
		memcpy(space, bytes.data, bytes.length);
}

#endif
