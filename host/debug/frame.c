/*
 * .debug_frame is a list of entries; a CIE is what several functions share, an FDE is one function:
 *
 *     CIE  | length | ~0 | version | augmentation | alignments | return register | instructions |
 *     FDE  | length | offset of its CIE | first address | bytes | instructions |
 *
 * The instructions of the CIE, then those of the FDE, are run until the row for the offset stands.
 */
#include "host/debug/frame.h"

#include <string.h>

#include "host/debug/reader.h"

#define REMEMBERED_MAX 8

enum instruction {
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE_LOC1 = 0x02,
	CFA_ADVANCE_LOC2 = 0x03,
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
	/* With six bits of operand: */
	CFA_ADVANCE_LOC = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_OPERAND = 0x3f,
};

struct common {
	uint64_t code_alignment;
	int64_t data_alignment;
	uint64_t return_register;
	struct reader instructions;
};

struct function {
	uint64_t start, bytes;
	struct reader instructions;
};

struct machine {
	struct frame_row row, initial, remembered[REMEMBERED_MAX];
	unsigned remembered_count;
	uint64_t location, wanted;
};

static bool read_common(const struct debug *debug, uint64_t at, struct common *common)
{
	struct reader r = reader_from(debug->frames, at), entry;
	unsigned offset_bytes;
	uint8_t version;

	entry = reader_unit(&r, &offset_bytes);
	if (reader_number(&entry, offset_bytes) != UINT64_MAX >> (64 - 8 * offset_bytes))
		return false;
	version = reader_byte(&entry);
	/* What an augmentation would change can't be known. */
	if (reader_text(&entry)[0] != '\0' || version == 0 || version == 2 || version > 4)
		return false;
	/* Bytes of an address, and of a segment's number. */
	if (version == 4 && reader_number(&entry, 2) != 8)
		return false;
	common->code_alignment = reader_uleb(&entry);
	common->data_alignment = reader_sleb(&entry);
	common->return_register = version == 1 ? reader_byte(&entry) : reader_uleb(&entry);
	common->instructions = entry;
	return !entry.is_bad && common->return_register < DEBUG_REGISTER_COUNT;
}

/* Reads the entry at *r; true if it is a function's that covers the offset. */
static bool read_function(
	struct reader *r, uint64_t offset, struct function *function, uint64_t *common)
{
	unsigned offset_bytes;
	struct reader entry = reader_unit(r, &offset_bytes);
	uint64_t id = reader_number(&entry, offset_bytes);

	if (id == UINT64_MAX >> (64 - 8 * offset_bytes))
		return false;
	*common = id;
	function->start = reader_number(&entry, 8);
	function->bytes = reader_number(&entry, 8);
	function->instructions = entry;
	return !entry.is_bad && offset >= function->start &&
	       offset - function->start < function->bytes;
}

static bool find(const struct debug *debug, uint64_t offset, struct function *function,
	struct common *common)
{
	struct reader r = reader_of(debug->frames);

	while (!reader_is_done(&r)) {
		struct function one;
		uint64_t at;

		if (!read_function(&r, offset, &one, &at) || one.start < debug->text ||
			!read_common(debug, at, common))
			continue;
		*function = one;
		return true;
	}
	return false;
}

static void set_place(struct machine *m, uint64_t number, enum frame_rule rule, int64_t offset)
{
	if (number < DEBUG_REGISTER_COUNT)
		m->row.places[number] = (struct frame_place){ .rule = rule, .offset = offset };
}

static void restore(struct machine *m, uint64_t number)
{
	if (number < DEBUG_REGISTER_COUNT)
		m->row.places[number] = m->initial.places[number];
}

static void set_cfa(struct machine *m, uint64_t number, int64_t offset)
{
	m->row.cfa_register = number;
	m->row.cfa_offset = offset;
	m->row.cfa_expression.length = 0;
}

static struct debug_bytes read_block(struct reader *r)
{
	uint64_t length = reader_uleb(r);
	struct reader block = reader_part(r, length);

	return (struct debug_bytes){ block.at, reader_left(&block) };
}

static void set_expression(
	struct machine *m, uint64_t number, enum frame_rule rule, struct reader *r)
{
	struct debug_bytes expression = read_block(r);

	if (number < DEBUG_REGISTER_COUNT)
		m->row.places[number] =
			(struct frame_place){ .rule = rule, .expression = expression };
}

static void remember(struct machine *m, struct reader *r)
{
	if (m->remembered_count < REMEMBERED_MAX)
		m->remembered[m->remembered_count++] = m->row;
	else
		reader_fail(r);
}

static void recall(struct machine *m, struct reader *r)
{
	if (m->remembered_count > 0)
		m->row = m->remembered[--m->remembered_count];
	else
		reader_fail(r);
}

/* Those that define the CFA. False: it is another. */
static bool run_cfa(
	struct machine *m, const struct common *c, enum instruction opcode, struct reader *r)
{
	uint64_t number;

	switch (opcode) {
	case CFA_DEF_CFA:
		number = reader_uleb(r);
		set_cfa(m, number, (int64_t)reader_uleb(r));
		return true;
	case CFA_DEF_CFA_SF:
		number = reader_uleb(r);
		set_cfa(m, number,
			(int64_t)((uint64_t)reader_sleb(r) * (uint64_t)c->data_alignment));
		return true;
	case CFA_DEF_CFA_REGISTER:
		set_cfa(m, reader_uleb(r), m->row.cfa_offset);
		return true;
	case CFA_DEF_CFA_OFFSET:
		set_cfa(m, m->row.cfa_register, (int64_t)reader_uleb(r));
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		set_cfa(m, m->row.cfa_register,
			(int64_t)((uint64_t)reader_sleb(r) * (uint64_t)c->data_alignment));
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		m->row.cfa_expression = read_block(r);
		return true;
	default:
		return false;
	}
}

static int64_t scaled(const struct common *c, uint64_t factor)
{
	return (int64_t)(factor * (uint64_t)c->data_alignment);
}

/* Those that say where a register is. */
static void run_register(
	struct machine *m, const struct common *c, enum instruction opcode, struct reader *r)
{
	uint64_t number = reader_uleb(r);

	switch (opcode) {
	case CFA_OFFSET_EXTENDED:
		set_place(m, number, FRAME_AT_OFFSET, scaled(c, reader_uleb(r)));
		break;
	case CFA_OFFSET_EXTENDED_SF:
		set_place(m, number, FRAME_AT_OFFSET, scaled(c, (uint64_t)reader_sleb(r)));
		break;
	case CFA_VAL_OFFSET:
		set_place(m, number, FRAME_IS_OFFSET, scaled(c, reader_uleb(r)));
		break;
	case CFA_VAL_OFFSET_SF:
		set_place(m, number, FRAME_IS_OFFSET, scaled(c, (uint64_t)reader_sleb(r)));
		break;
	case CFA_RESTORE_EXTENDED:
		restore(m, number);
		break;
	case CFA_UNDEFINED:
		set_place(m, number, FRAME_UNDEFINED, 0);
		break;
	case CFA_SAME_VALUE:
		set_place(m, number, FRAME_SAME, 0);
		break;
	case CFA_REGISTER:
		set_place(m, number, FRAME_REGISTER, (int64_t)reader_uleb(r));
		break;
	case CFA_EXPRESSION:
		set_expression(m, number, FRAME_AT_EXPRESSION, r);
		break;
	case CFA_VAL_EXPRESSION:
		set_expression(m, number, FRAME_IS_EXPRESSION, r);
		break;
	default:
		reader_fail(r);
	}
}

static void run_one(struct machine *m, const struct common *c, struct reader *r)
{
	uint8_t opcode = reader_byte(r);
	uint64_t operand = opcode & CFA_OPERAND;

	switch (opcode & ~CFA_OPERAND) {
	case CFA_ADVANCE_LOC:
		m->location += operand * c->code_alignment;
		return;
	case CFA_OFFSET:
		set_place(m, operand, FRAME_AT_OFFSET, scaled(c, reader_uleb(r)));
		return;
	case CFA_RESTORE:
		restore(m, operand);
		return;
	default:
		break;
	}
	switch (opcode) {
	case CFA_NOP:
		break;
	case CFA_SET_LOC:
		m->location = reader_number(r, 8);
		break;
	case CFA_ADVANCE_LOC1:
	case CFA_ADVANCE_LOC2:
	case CFA_ADVANCE_LOC4:
		m->location +=
			reader_number(r, 1u << (opcode - CFA_ADVANCE_LOC1)) * c->code_alignment;
		break;
	case CFA_REMEMBER_STATE:
		remember(m, r);
		break;
	case CFA_RESTORE_STATE:
		recall(m, r);
		break;
	case CFA_GNU_ARGS_SIZE:
		reader_uleb(r);
		break;
	default:
		if (!run_cfa(m, c, (enum instruction)opcode, r))
			run_register(m, c, (enum instruction)opcode, r);
	}
}

/* Runs until the location passes what is wanted; what is set after that is for later code. */
static bool run(struct machine *m, const struct common *c, struct reader r)
{
	while (!reader_is_done(&r) && m->location <= m->wanted)
		run_one(m, c, &r);
	return !r.is_bad;
}

bool frame_row_at(const struct debug *debug, uint64_t offset, struct frame_row *row,
	unsigned *return_register)
{
	struct machine m = { .wanted = offset };
	struct function function;
	struct common common;

	if (!find(debug, offset, &function, &common))
		return false;
	m.location = function.start;
	if (!run(&m, &common, common.instructions))
		return false;
	m.initial = m.row;
	if (!run(&m, &common, function.instructions))
		return false;
	*row = m.row;
	*return_register = (unsigned)common.return_register;
	return true;
}
