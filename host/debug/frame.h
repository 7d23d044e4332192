/*
 * Call frame information (DWARF 5, section 6.4): for a place in the code, where the caller's
 * registers are.
 *
 *     CFA    the stack pointer before the call, as a register and an offset
 *     rule   of each register: unchanged, saved at CFA + n, ...
 */
#ifndef DIATOM_HOST_DEBUG_FRAME_H
#define DIATOM_HOST_DEBUG_FRAME_H

#include "host/debug/debug.h"

enum frame_rule {
	FRAME_DEFAULT, /* as the calling convention has it */
	FRAME_UNDEFINED,
	FRAME_SAME,
	FRAME_AT_OFFSET,     /* saved at CFA + offset */
	FRAME_IS_OFFSET,     /* its value is CFA + offset */
	FRAME_REGISTER,	     /* in register `offset` */
	FRAME_AT_EXPRESSION, /* saved where the expression says */
	FRAME_IS_EXPRESSION, /* its value is what the expression says */
};

struct frame_place {
	enum frame_rule rule;
	int64_t offset;
	struct debug_bytes expression;
};

struct frame_row {
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct debug_bytes cfa_expression; /* length 0: register and offset */
	struct frame_place places[DEBUG_REGISTER_COUNT];
};

/* The row for the instruction at `offset`; `return_register` is whose rule gives the return address.
 * False: there is none. */
bool frame_row_at(const struct debug *debug, uint64_t offset, struct frame_row *row,
	unsigned *return_register);

/*
 * Evaluates an expression (DWARF 5, section 2.5) over the frame's registers, on a stack that begins
 * with `first` if has_first. False: an operation that is not known, or memory that can't be read.
 */
bool frame_evaluate(struct debug_bytes expression, const struct debug_registers *registers,
	bool has_first, uint64_t first, debug_read *read, void *self, uint64_t *result);

#endif
