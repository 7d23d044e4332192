/*
 * One step: the row for the place, then each register by its rule.
 */
#include "host/debug/frame.h"

/* What a call preserves (x86-64 psABI, 3.2.1), without rsp. */
#define PRESERVED                                                                                  \
	(1u << DEBUG_RBX | 1u << DEBUG_RBP | 1u << 12 | 1u << 13 | 1u << 14 | 1u << DEBUG_R15)

struct step {
	const struct debug_registers *from;
	struct debug_registers *to;
	uint64_t cfa;
	debug_read *read;
	void *self;
};

static bool is_known(const struct debug_registers *registers, uint64_t number)
{
	return number < DEBUG_REGISTER_COUNT && (registers->known >> number & 1) != 0;
}

static bool find_cfa(const struct frame_row *row, struct step *s)
{
	if (row->cfa_expression.length != 0)
		return frame_evaluate(
			row->cfa_expression, s->from, false, 0, s->read, s->self, &s->cfa);
	if (!is_known(s->from, row->cfa_register))
		return false;
	s->cfa = s->from->value[row->cfa_register] + (uint64_t)row->cfa_offset;
	return true;
}

static bool find_value(
	const struct step *s, const struct frame_place *place, unsigned number, uint64_t *value)
{
	uint64_t address = s->cfa + (uint64_t)place->offset;

	switch (place->rule) {
	case FRAME_DEFAULT:
		if ((PRESERVED >> number & 1) == 0)
			return false;
		/* fall through */
	case FRAME_SAME:
		*value = s->from->value[number];
		return is_known(s->from, number);
	case FRAME_AT_OFFSET:
		return s->read(s->self, address, value, sizeof(*value));
	case FRAME_IS_OFFSET:
		*value = address;
		return true;
	case FRAME_REGISTER:
		if (!is_known(s->from, (uint64_t)place->offset))
			return false;
		*value = s->from->value[place->offset];
		return true;
	case FRAME_AT_EXPRESSION:
		return frame_evaluate(place->expression, s->from, true, s->cfa, s->read, s->self,
			       &address) &&
		       s->read(s->self, address, value, sizeof(*value));
	case FRAME_IS_EXPRESSION:
		return frame_evaluate(
			place->expression, s->from, true, s->cfa, s->read, s->self, value);
	case FRAME_UNDEFINED:
	default:
		return false;
	}
}

static void find_registers(const struct step *s, const struct frame_row *row)
{
	for (unsigned i = 0; i < DEBUG_RIP; i++) {
		uint64_t value = 0;

		if (i == DEBUG_RSP && row->places[i].rule == FRAME_DEFAULT)
			value = s->cfa;
		else if (!find_value(s, &row->places[i], i, &value))
			continue;
		s->to->value[i] = value;
		s->to->known |= 1u << i;
	}
}

enum debug_step debug_unwind(const struct debug *debug, uint64_t base,
	struct debug_registers *registers, bool is_call, debug_read *read, void *self)
{
	struct debug_registers caller = { .known = 1u << DEBUG_RIP };
	struct step s = { registers, &caller, 0, read, self };
	uint64_t offset = registers->value[DEBUG_RIP] - base - (is_call ? 1 : 0);
	struct frame_row row;
	unsigned returns;

	if (offset < debug->text || offset >= debug->text_end ||
		!frame_row_at(debug, offset, &row, &returns))
		return DEBUG_NO_RULE;
	if (row.places[returns].rule == FRAME_UNDEFINED)
		return DEBUG_OUTERMOST;
	if (!find_cfa(&row, &s) ||
		!find_value(&s, &row.places[returns], returns, &caller.value[DEBUG_RIP]))
		return DEBUG_UNREADABLE;
	if (caller.value[DEBUG_RIP] == 0)
		return DEBUG_OUTERMOST;
	find_registers(&s, &row);
	if (!is_known(&caller, DEBUG_RSP) || caller.value[DEBUG_RSP] <= registers->value[DEBUG_RSP])
		return DEBUG_STUCK;
	*registers = caller;
	return DEBUG_STEPPED;
}
