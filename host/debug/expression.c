/*
 * The few operations that compilers use to describe frames whose stack was realigned.
 */
#include "host/debug/frame.h"
#include "host/debug/reader.h"

#define STACK_MAX 16

enum operation {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08, /* up to OP_CONST8S: 1, 2, 4, 8 bytes, each unsigned and signed */
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_XOR = 0x27,
	OP_EQ = 0x29,
	OP_GE,
	OP_GT,
	OP_LE,
	OP_LT,
	OP_NE,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_NOP = 0x96,
};

struct calculator {
	uint64_t stack[STACK_MAX];
	unsigned used;
	bool is_wrong;
	const struct debug_registers *registers;
	debug_read *read;
	void *self;
};

static void push(struct calculator *c, uint64_t value)
{
	if (c->used < STACK_MAX)
		c->stack[c->used++] = value;
	else
		c->is_wrong = true;
}

static uint64_t pop(struct calculator *c)
{
	if (c->used > 0)
		return c->stack[--c->used];
	c->is_wrong = true;
	return 0;
}

static void push_register(struct calculator *c, uint64_t number, int64_t offset)
{
	if (number >= DEBUG_REGISTER_COUNT || (c->registers->known >> number & 1) == 0)
		c->is_wrong = true;
	else
		push(c, c->registers->value[number] + (uint64_t)offset);
}

static void dereference(struct calculator *c)
{
	uint64_t word = 0;

	if (!c->read(c->self, pop(c), &word, sizeof(word)))
		c->is_wrong = true;
	push(c, word);
}

static void push_constant(struct calculator *c, unsigned opcode, struct reader *r)
{
	unsigned bytes = 1u << (opcode - OP_CONST1U) / 2;
	uint64_t value = reader_number(r, bytes);
	bool is_signed = (opcode - OP_CONST1U) % 2 == 1;

	if (is_signed && bytes < 8 && (value >> (8 * bytes - 1) & 1) != 0)
		value |= UINT64_MAX << 8 * bytes;
	push(c, value);
}

static uint64_t combine(struct calculator *c, unsigned opcode, uint64_t a, uint64_t b)
{
	switch (opcode) {
	case OP_AND:
		return a & b;
	case OP_MINUS:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_OR:
		return a | b;
	case OP_PLUS:
		return a + b;
	case OP_SHL:
		return b < 64 ? a << b : 0;
	case OP_SHR:
		return b < 64 ? a >> b : 0;
	case OP_XOR:
		return a ^ b;
	case OP_EQ:
		return a == b;
	case OP_GE:
		return (int64_t)a >= (int64_t)b;
	case OP_GT:
		return (int64_t)a > (int64_t)b;
	case OP_LE:
		return (int64_t)a <= (int64_t)b;
	case OP_LT:
		return (int64_t)a < (int64_t)b;
	case OP_NE:
		return a != b;
	default:
		c->is_wrong = true;
		return 0;
	}
}

static void run_on_stack(struct calculator *c, unsigned opcode)
{
	uint64_t a, b;

	switch (opcode) {
	case OP_DUP:
		a = pop(c);
		push(c, a);
		push(c, a);
		break;
	case OP_DROP:
		pop(c);
		break;
	case OP_OVER:
		b = pop(c);
		a = pop(c);
		push(c, a);
		push(c, b);
		push(c, a);
		break;
	case OP_SWAP:
		b = pop(c);
		a = pop(c);
		push(c, b);
		push(c, a);
		break;
	case OP_NEG:
		push(c, 0 - pop(c));
		break;
	case OP_NOT:
		push(c, ~pop(c));
		break;
	default:
		b = pop(c);
		a = pop(c);
		push(c, combine(c, opcode, a, b));
	}
}

static void run_one(struct calculator *c, struct reader *r)
{
	unsigned opcode = reader_byte(r);
	uint64_t number;

	if (opcode >= OP_LIT0 && opcode <= OP_LIT31) {
		push(c, opcode - OP_LIT0);
	} else if (opcode >= OP_BREG0 && opcode <= OP_BREG31) {
		push_register(c, opcode - OP_BREG0, reader_sleb(r));
	} else if (opcode >= OP_CONST1U && opcode <= OP_CONST8S) {
		push_constant(c, opcode, r);
	} else if (opcode == OP_BREGX) {
		number = reader_uleb(r);
		push_register(c, number, reader_sleb(r));
	} else if (opcode == OP_DEREF) {
		dereference(c);
	} else if (opcode == OP_CONSTU) {
		push(c, reader_uleb(r));
	} else if (opcode == OP_CONSTS) {
		push(c, (uint64_t)reader_sleb(r));
	} else if (opcode == OP_PLUS_UCONST) {
		push(c, pop(c) + reader_uleb(r));
	} else if (opcode != OP_NOP) {
		run_on_stack(c, opcode);
	}
}

bool frame_evaluate(struct debug_bytes expression, const struct debug_registers *registers,
	bool has_first, uint64_t first, debug_read *read, void *self, uint64_t *result)
{
	struct calculator c = { .registers = registers, .read = read, .self = self };
	struct reader r = reader_of(expression);

	if (has_first)
		push(&c, first);
	while (!reader_is_done(&r) && !c.is_wrong)
		run_one(&c, &r);
	*result = pop(&c);
	return !r.is_bad && !c.is_wrong;
}
