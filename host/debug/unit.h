/*
 * .debug_info (DWARF 5, sections 3 and 7.5): a list of units, each a tree of entries (DIEs), written as
 *
 *     unit     | length | version ... | offset of its shapes | entry | its children | 0 | ...
 *     entry    | number of a shape | values, as the shape lists them |
 *     shape    (.debug_abbrev) | number | tag | has children | attribute, form | ... | 0, 0 |
 *
 * Only what leads to names and inlined calls is kept of an entry.
 */
#ifndef DIATOM_HOST_DEBUG_UNIT_H
#define DIATOM_HOST_DEBUG_UNIT_H

#include "host/debug/debug.h"
#include "host/debug/reader.h"

#define UNIT_SHAPES_MAX 1024 /* numbers of shapes from here on are not known */

enum entry_tag {
	TAG_NONE = 0, /* the end of a list of children */
	TAG_INLINED = 0x1d,
	TAG_FUNCTION = 0x2e,
};

struct unit {
	const struct debug *debug;
	uint64_t start, end; /* in .debug_info */
	uint64_t first;	     /* its root entry */
	unsigned version, offset_bytes;
	struct debug_bytes shapes;
	uint32_t shape_at[UNIT_SHAPES_MAX]; /* by number, one more than its offset; 0: not known */
	/* From its root entry: */
	uint64_t lines; /* its line program, UINT64_MAX: none */
	uint64_t low, addresses, name_offsets, ranges;
	bool is_indexed; /* shape_at is filled in */
};

struct entry {
	uint64_t tag;
	bool has_children;
	bool has_low, has_ranges, is_high_length, is_range_index;
	const char *name; /* "": none */
	uint64_t low, high;
	uint64_t ranges;
	uint64_t origin; /* another entry, in .debug_info, that has the name; UINT64_MAX: none */
	uint64_t call_file, call_line, call_column;
};

/* Reads the header and root entry of the unit at *at, and moves *at to the next. False: there is none,
 * or it can't be read (*at has moved past it nevertheless, or to the section's end). */
bool unit_next(const struct debug *debug, uint64_t *at, struct unit *unit);

/* Has it code at `offset`, by its root entry? */
bool unit_covers(const struct unit *unit, uint64_t offset);

/* Makes entries quick to read: worth it for more than a few. */
void unit_index(struct unit *unit);

/* The unit that an offset of .debug_info lies in. */
bool unit_of(const struct debug *debug, uint64_t offset, struct unit *unit);

/* The unit's bytes from an offset of .debug_info on. */
struct reader unit_reader(const struct unit *unit, uint64_t offset);

/* Reads the next entry. False: the unit is damaged. */
bool unit_entry(const struct unit *unit, struct reader *r, struct entry *entry);

/* Is the code at `offset` the entry's? */
bool unit_entry_covers(const struct unit *unit, const struct entry *entry, uint64_t offset);

#endif
