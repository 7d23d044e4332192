/*
 * Values are read by their forms (7.5.6). Those that are indices into other sections are resolved
 * after the whole entry was read: a root entry's bases come in any order.
 */
#include "host/debug/unit.h"

enum attribute {
	AT_NAME = 0x03,
	AT_LINES = 0x10,
	AT_LOW = 0x11,
	AT_HIGH = 0x12,
	AT_ORIGIN = 0x31,
	AT_SPECIFICATION = 0x47,
	AT_RANGES = 0x55,
	AT_CALL_COLUMN = 0x57,
	AT_CALL_FILE = 0x58,
	AT_CALL_LINE = 0x59,
	AT_NAME_OFFSETS_BASE = 0x72,
	AT_ADDRESSES_BASE = 0x73,
	AT_RANGES_BASE = 0x74,
};

enum form {
	FORM_ADDR = 0x01,
	FORM_BLOCK2 = 0x03,
	FORM_BLOCK4 = 0x04,
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_DATA1 = 0x0b,
	FORM_FLAG = 0x0c,
	FORM_SDATA = 0x0d,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_REF_ADDR = 0x10,
	FORM_REF1 = 0x11,
	FORM_REF2 = 0x12,
	FORM_REF4 = 0x13,
	FORM_REF8 = 0x14,
	FORM_REF_UDATA = 0x15,
	FORM_INDIRECT = 0x16,
	FORM_SEC_OFFSET = 0x17,
	FORM_EXPRLOC = 0x18,
	FORM_FLAG_PRESENT = 0x19,
	FORM_STRX = 0x1a,
	FORM_ADDRX = 0x1b,
	FORM_REF_SUP4 = 0x1c,
	FORM_STRP_SUP = 0x1d,
	FORM_DATA16 = 0x1e,
	FORM_LINE_STRP = 0x1f,
	FORM_REF_SIG8 = 0x20,
	FORM_IMPLICIT_CONST = 0x21,
	FORM_LOCLISTX = 0x22,
	FORM_RNGLISTX = 0x23,
	FORM_REF_SUP8 = 0x24,
	FORM_STRX1 = 0x25, /* to STRX4, 1 to 4 bytes */
	FORM_STRX4 = 0x28,
	FORM_ADDRX1 = 0x29, /* to ADDRX4 */
	FORM_ADDRX4 = 0x2c,
};

enum range_kind {
	RANGE_END = 0,
	RANGE_BASE_INDEX,
	RANGE_INDICES,
	RANGE_INDEX_LENGTH,
	RANGE_OFFSETS,
	RANGE_BASE,
	RANGE_ADDRESSES,
	RANGE_ADDRESS_LENGTH,
};

/* What no compiler makes more of; limits to what a hostile file can cost. */
#define ATTRIBUTES_MAX	100
#define RANGES_MAX	256   /* of an inlined call */
#define UNIT_RANGES_MAX 65536 /* of a unit: a function each */

enum unit_kind { UNIT_COMPILE = 1, UNIT_PARTIAL = 3, UNIT_SKELETON = 4 };

struct value {
	uint64_t form, number;
	const char *text; /* of FORM_STRING and those that point into a section of texts */
};

/* What the root entry says besides. */
struct bases {
	struct value low;
	bool has_low;
};

/* --- values --- */

static void read_value(const struct unit *unit, struct reader *r, uint64_t constant, uint64_t form,
	struct value *v)
{
	v->form = form;
	v->number = 0;
	v->text = "";
	switch (form) {
	case FORM_FLAG_PRESENT:
		v->number = 1;
		break;
	case FORM_IMPLICIT_CONST:
		v->number = constant;
		break;
	case FORM_DATA1:
	case FORM_FLAG:
	case FORM_REF1:
	case FORM_STRX1:
	case FORM_ADDRX1:
		v->number = reader_number(r, 1);
		break;
	case FORM_DATA2:
	case FORM_REF2:
	case FORM_STRX1 + 1:
	case FORM_ADDRX1 + 1:
		v->number = reader_number(r, 2);
		break;
	case FORM_STRX1 + 2:
	case FORM_ADDRX1 + 2:
		v->number = reader_number(r, 3);
		break;
	case FORM_DATA4:
	case FORM_REF4:
	case FORM_REF_SUP4:
	case FORM_STRX4:
	case FORM_ADDRX4:
		v->number = reader_number(r, 4);
		break;
	case FORM_ADDR:
	case FORM_DATA8:
	case FORM_REF8:
	case FORM_REF_SIG8:
	case FORM_REF_SUP8:
		v->number = reader_number(r, 8);
		break;
	case FORM_DATA16:
		reader_skip(r, 16);
		break;
	case FORM_SDATA:
		v->number = (uint64_t)reader_sleb(r);
		break;
	case FORM_UDATA:
	case FORM_REF_UDATA:
	case FORM_STRX:
	case FORM_ADDRX:
	case FORM_LOCLISTX:
	case FORM_RNGLISTX:
		v->number = reader_uleb(r);
		break;
	case FORM_STRING:
		v->text = reader_text(r);
		break;
	case FORM_STRP:
		v->text = reader_text_at(unit->debug->names, reader_number(r, unit->offset_bytes));
		break;
	case FORM_LINE_STRP:
		v->text = reader_text_at(
			unit->debug->line_names, reader_number(r, unit->offset_bytes));
		break;
	case FORM_REF_ADDR:
	case FORM_SEC_OFFSET:
	case FORM_STRP_SUP:
		v->number = reader_number(r, unit->offset_bytes);
		break;
	case FORM_BLOCK1:
		reader_skip(r, reader_number(r, 1));
		break;
	case FORM_BLOCK2:
		reader_skip(r, reader_number(r, 2));
		break;
	case FORM_BLOCK4:
		reader_skip(r, reader_number(r, 4));
		break;
	case FORM_BLOCK:
	case FORM_EXPRLOC:
		reader_skip(r, reader_uleb(r));
		break;
	default:
		reader_fail(r);
	}
}

static uint64_t address_at(const struct unit *unit, uint64_t index)
{
	struct reader r = reader_from(unit->debug->addresses, unit->addresses);

	if (index > UINT32_MAX)
		return 0;
	reader_skip(&r, index * 8);
	return reader_number(&r, 8);
}

static uint64_t address_of(const struct unit *unit, const struct value *v)
{
	bool is_index = v->form == FORM_ADDRX || (v->form >= FORM_ADDRX1 && v->form <= FORM_ADDRX4);

	return is_index ? address_at(unit, v->number) : v->number;
}

static const char *text_of(const struct unit *unit, const struct value *v)
{
	struct reader r = reader_from(unit->debug->name_offsets, unit->name_offsets);

	if (v->form != FORM_STRX && (v->form < FORM_STRX1 || v->form > FORM_STRX4))
		return v->text;
	if (v->number > UINT32_MAX)
		return "";
	reader_skip(&r, v->number * unit->offset_bytes);
	return reader_text_at(unit->debug->names, reader_number(&r, unit->offset_bytes));
}

static uint64_t reference_of(const struct unit *unit, const struct value *v)
{
	if (v->form == FORM_REF_ADDR)
		return v->number;
	if (v->form >= FORM_REF1 && v->form <= FORM_REF_UDATA)
		return unit->start + v->number;
	return UINT64_MAX; /* in another file */
}

/* --- shapes --- */

static void skip_attributes(struct reader *shape)
{
	uint64_t attribute, form;
	unsigned count = 0;

	do {
		attribute = reader_uleb(shape);
		form = reader_uleb(shape);
		if (form == FORM_IMPLICIT_CONST)
			reader_sleb(shape);
		if (count++ > ATTRIBUTES_MAX)
			reader_fail(shape);
	} while ((attribute != 0 || form != 0) && !shape->is_bad);
}

void unit_index(struct unit *unit)
{
	struct reader r = reader_of(unit->shapes);

	memset(unit->shape_at, 0, sizeof(unit->shape_at));
	unit->is_indexed = true;
	for (unsigned i = 0; i < 2 * UNIT_SHAPES_MAX && !reader_is_done(&r); i++) {
		uint64_t at = (uint64_t)(r.at - unit->shapes.at), number = reader_uleb(&r);

		if (number == 0)
			break;
		if (number < UNIT_SHAPES_MAX && at < UINT32_MAX)
			unit->shape_at[number] = (uint32_t)at + 1;
		reader_uleb(&r);
		reader_byte(&r);
		skip_attributes(&r);
	}
}

/* The shape of that number, read up to its tag. */
static struct reader find_shape(const struct unit *unit, uint64_t number)
{
	struct reader r = reader_of(unit->shapes);

	if (unit->is_indexed && number < UNIT_SHAPES_MAX && unit->shape_at[number] != 0) {
		r = reader_from(unit->shapes, unit->shape_at[number] - 1u);
		reader_uleb(&r);
		return r;
	}
	for (unsigned i = 0; i < UNIT_SHAPES_MAX && !unit->is_indexed && !r.is_bad; i++) {
		uint64_t one = reader_uleb(&r);

		if (one == number)
			return r;
		if (one == 0)
			break;
		reader_uleb(&r);
		reader_byte(&r);
		skip_attributes(&r);
	}
	reader_fail(&r);
	return r;
}

/* --- entries --- */

static void keep(
	const struct unit *unit, struct entry *entry, uint64_t attribute, const struct value *v)
{
	switch (attribute) {
	case AT_NAME:
		entry->name = text_of(unit, v);
		break;
	case AT_LOW:
		entry->low = address_of(unit, v);
		entry->has_low = true;
		break;
	case AT_HIGH:
		entry->is_high_length = v->form != FORM_ADDR && v->form != FORM_ADDRX &&
					!(v->form >= FORM_ADDRX1 && v->form <= FORM_ADDRX4);
		entry->high = address_of(unit, v);
		break;
	case AT_RANGES:
		entry->has_ranges = true;
		entry->is_range_index = v->form == FORM_RNGLISTX;
		entry->ranges = v->number;
		break;
	case AT_ORIGIN:
	case AT_SPECIFICATION:
		entry->origin = reference_of(unit, v);
		break;
	case AT_CALL_FILE:
		entry->call_file = v->number;
		break;
	case AT_CALL_LINE:
		entry->call_line = v->number;
		break;
	case AT_CALL_COLUMN:
		entry->call_column = v->number;
		break;
	default:
		break;
	}
}

static void keep_base(
	struct unit *unit, struct bases *bases, uint64_t attribute, const struct value *v)
{
	switch (attribute) {
	case AT_LINES:
		unit->lines = v->number;
		break;
	case AT_LOW:
		bases->low = *v;
		bases->has_low = true;
		break;
	case AT_NAME_OFFSETS_BASE:
		unit->name_offsets = v->number;
		break;
	case AT_ADDRESSES_BASE:
		unit->addresses = v->number;
		break;
	case AT_RANGES_BASE:
		unit->ranges = v->number;
		break;
	default:
		break;
	}
}

/* Reads an entry; with `root`, for what the unit learns from it. */
static bool read_entry(const struct unit *unit, struct reader *r, struct entry *entry,
	struct unit *root, struct bases *bases)
{
	uint64_t number = reader_uleb(r);
	struct reader shape;

	*entry = (struct entry){ .name = "", .origin = UINT64_MAX };
	if (number == 0)
		return !r->is_bad;
	shape = find_shape(unit, number);
	entry->tag = reader_uleb(&shape);
	entry->has_children = reader_byte(&shape) != 0;
	for (unsigned i = 0; !shape.is_bad && !r->is_bad; i++) {
		uint64_t attribute = reader_uleb(&shape), form = reader_uleb(&shape);
		uint64_t constant = form == FORM_IMPLICIT_CONST ? (uint64_t)reader_sleb(&shape) : 0;
		struct value v;

		if (attribute == 0 && form == 0)
			break;
		if (i == ATTRIBUTES_MAX)
			return false;
		if (form == FORM_INDIRECT)
			form = reader_uleb(r);
		read_value(unit, r, constant, form, &v);
		if (root != NULL)
			keep_base(root, bases, attribute, &v);
		keep(unit, entry, attribute, &v);
	}
	return !shape.is_bad && !r->is_bad && entry->tag != TAG_NONE;
}

bool unit_entry(const struct unit *unit, struct reader *r, struct entry *entry)
{
	return read_entry(unit, r, entry, NULL, NULL);
}

/* --- units --- */

static bool read_header(struct unit *unit, struct reader *r)
{
	uint64_t shapes;
	unsigned kind = UNIT_COMPILE;

	unit->version = (unsigned)reader_number(r, 2);
	if (unit->version >= 5) {
		kind = reader_byte(r);
		reader_skip(r, 1);
		shapes = reader_number(r, unit->offset_bytes);
		if (kind == UNIT_SKELETON)
			reader_skip(r, 8);
	} else {
		shapes = reader_number(r, unit->offset_bytes);
		reader_skip(r, 1);
	}
	if (r->is_bad || unit->version < 2 || unit->version > 5 ||
		shapes > unit->debug->shapes.length ||
		(kind != UNIT_COMPILE && kind != UNIT_PARTIAL && kind != UNIT_SKELETON))
		return false;
	unit->shapes = (struct debug_bytes){ unit->debug->shapes.at + shapes,
		unit->debug->shapes.length - shapes };
	return true;
}

bool unit_next(const struct debug *debug, uint64_t *at, struct unit *unit)
{
	struct reader all = reader_from(debug->units, *at), r;
	struct bases bases = { 0 };
	struct entry root;

	unit->debug = debug;
	unit->start = *at;
	r = reader_unit(&all, &unit->offset_bytes);
	unit->end = all.is_bad ? debug->units.length : (uint64_t)(all.at - debug->units.at);
	*at = unit->end;
	if (r.is_bad || !read_header(unit, &r))
		return false;
	unit->lines = UINT64_MAX;
	unit->low = 0;
	/* Behind the headers of their sections, when nothing says otherwise (7.26 to 7.28). */
	unit->addresses = unit->name_offsets = 8;
	unit->ranges = 12;
	unit->first = (uint64_t)(r.at - debug->units.at);
	unit->is_indexed = false;
	if (!read_entry(unit, &r, &root, unit, &bases))
		return false;
	if (bases.has_low)
		unit->low = address_of(unit, &bases.low);
	return true;
}

bool unit_of(const struct debug *debug, uint64_t offset, struct unit *unit)
{
	struct reader r = reader_of(debug->units);
	uint64_t at = 0;
	unsigned offset_bytes;

	while (!reader_is_done(&r)) {
		at = (uint64_t)(r.at - debug->units.at);
		(void)reader_unit(&r, &offset_bytes);
		if (offset < (uint64_t)(r.at - debug->units.at))
			return offset >= at && unit_next(debug, &at, unit);
	}
	return false;
}

struct reader unit_reader(const struct unit *unit, uint64_t offset)
{
	const struct debug_bytes bytes = { unit->debug->units.at, unit->end };

	return reader_from(bytes, offset);
}

/* --- where an entry's code is --- */

static struct reader range_list(const struct unit *unit, const struct entry *entry)
{
	struct reader r = reader_from(unit->debug->ranges, unit->ranges);
	uint64_t offset;

	if (!entry->is_range_index)
		return reader_from(unit->debug->ranges, entry->ranges);
	if (entry->ranges > UINT32_MAX)
		reader_fail(&r);
	reader_skip(&r, entry->ranges * unit->offset_bytes);
	offset = reader_number(&r, unit->offset_bytes);
	if (r.is_bad || offset > UINT64_MAX - unit->ranges)
		return r;
	return reader_from(unit->debug->ranges, unit->ranges + offset);
}

static bool ranges_cover(
	const struct unit *unit, const struct entry *entry, uint64_t offset, unsigned most)
{
	struct reader r = range_list(unit, entry);
	uint64_t base = unit->low;

	while (!reader_is_done(&r) && most-- > 0) {
		uint64_t start = 0, end = 0;

		switch (reader_byte(&r)) {
		case RANGE_BASE_INDEX:
			base = address_at(unit, reader_uleb(&r));
			continue;
		case RANGE_BASE:
			base = reader_number(&r, 8);
			continue;
		case RANGE_INDICES:
			start = address_at(unit, reader_uleb(&r));
			end = address_at(unit, reader_uleb(&r));
			break;
		case RANGE_INDEX_LENGTH:
			start = address_at(unit, reader_uleb(&r));
			end = start + reader_uleb(&r);
			break;
		case RANGE_OFFSETS:
			start = base + reader_uleb(&r);
			end = base + reader_uleb(&r);
			break;
		case RANGE_ADDRESSES:
			start = reader_number(&r, 8);
			end = reader_number(&r, 8);
			break;
		case RANGE_ADDRESS_LENGTH:
			start = reader_number(&r, 8);
			end = start + reader_uleb(&r);
			break;
		default: /* RANGE_END */
			return false;
		}
		if (start >= unit->debug->text && offset >= start && offset < end)
			return true;
	}
	return false;
}

static bool covers(
	const struct unit *unit, const struct entry *entry, uint64_t offset, unsigned most)
{
	uint64_t end = entry->is_high_length ? entry->low + entry->high : entry->high;

	if (entry->has_ranges)
		return unit->version >= 5 && ranges_cover(unit, entry, offset, most);
	return entry->has_low && entry->low >= unit->debug->text && offset >= entry->low &&
	       offset < end;
}

bool unit_entry_covers(const struct unit *unit, const struct entry *entry, uint64_t offset)
{
	return covers(unit, entry, offset, RANGES_MAX);
}

bool unit_covers(const struct unit *unit, uint64_t offset)
{
	struct reader r = unit_reader(unit, unit->first);
	struct entry root;

	return unit_entry(unit, &r, &root) && covers(unit, &root, offset, UNIT_RANGES_MAX);
}
