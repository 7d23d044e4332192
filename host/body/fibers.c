/*
 * A control block is believed when it says of itself what led to it: the number of the stack in whose
 * highest word its address stands.
 */
#include "host/body/fibers.h"

#include <string.h>

#include "host/image/image.h"

#define PAGE_BYTES UINT64_C(4096)

static uint64_t stack_low(const struct boot_memory *m, uint64_t stack)
{
	return m->stacks + stack * (m->stack_bytes + PAGE_BYTES) + PAGE_BYTES;
}

static bool read_block(const struct body *body, uint64_t address, struct inside_fiber *block)
{
	return address % 8 == 0 && body->read(body->self, address, block, sizeof(*block)) &&
	       block->state <= INSIDE_FIBER_ENDED;
}

static bool fill(const struct body *body, uint64_t address, struct body_fiber *fiber)
{
	const struct boot_memory *m = &body->boot->memory;
	struct inside_fiber block;

	memset(fiber, 0, sizeof(*fiber));
	if (!read_block(body, address, &block))
		return false;
	if (block.stack == INSIDE_STACK_NONE) {
		fiber->low = m->main_stack;
		fiber->bytes = m->main_stack_bytes;
	} else if (m->stacks != 0 && block.stack < m->stack_count) {
		fiber->low = stack_low(m, block.stack);
		fiber->bytes = m->stack_bytes;
	} else {
		return false;
	}
	fiber->block = address;
	fiber->sp = block.sp;
	fiber->stack = block.stack;
	fiber->state = (enum inside_fiber_state)block.state;
	body_text(body, block.name, fiber->name, sizeof(fiber->name));
	return true;
}

static bool read_fibers(const struct body *body, struct inside_fibers *fibers)
{
	uint64_t address = body_inside(body, INSIDE_FIBERS, sizeof(*fibers));

	return address != 0 && body->read(body->self, address, fibers, sizeof(*fibers));
}

/* An image that doesn't know fibers has one nevertheless. */
static void fill_main(const struct body *body, struct body_fiber *fiber)
{
	*fiber = (struct body_fiber){ .name = "main",
		.low = body->boot->memory.main_stack,
		.bytes = body->boot->memory.main_stack_bytes,
		.stack = INSIDE_STACK_NONE,
		.is_running = true };
}

bool body_fiber_running(const struct body *body, struct body_fiber *fiber)
{
	struct inside_fibers fibers;

	if (image_inside_find(body->image, INSIDE_FIBERS) == NULL) {
		fill_main(body, fiber);
		return true;
	}
	if (!read_fibers(body, &fibers) || !fill(body, fibers.running, fiber))
		return false;
	fiber->is_running = true;
	return true;
}

static bool next_main(const struct body *body, const struct inside_fibers *fibers, bool has_fibers,
	struct body_fiber *fiber)
{
	if (image_inside_find(body->image, INSIDE_FIBERS) == NULL) {
		fill_main(body, fiber);
		return true;
	}
	if (!has_fibers || !fill(body, fibers->main, fiber) || fiber->stack != INSIDE_STACK_NONE)
		return false;
	fiber->is_running = fibers->running == fibers->main;
	return true;
}

bool body_fiber_next(const struct body *body, struct body_fibers *walk, struct body_fiber *fiber)
{
	const struct boot_memory *m = &body->boot->memory;
	struct inside_fibers fibers;
	bool has_fibers = read_fibers(body, &fibers);

	if (walk->next == 0) {
		walk->next = 1;
		if (next_main(body, &fibers, has_fibers, fiber))
			return true;
	}
	for (; has_fibers && m->stacks != 0 && walk->next <= m->stack_count; walk->next++) {
		uint64_t stack = walk->next - 1, top;

		if (!body->read(body->self, stack_low(m, stack) + m->stack_bytes - 8, &top, 8))
			continue;
		if (top == 0)
			break;
		if ((top & INSIDE_STACK_FREE) != 0 || !fill(body, top, fiber) ||
			fiber->stack != stack)
			continue;
		fiber->is_running = top == fibers.running;
		walk->next++;
		return true;
	}
	walk->next = UINT64_MAX;
	return false;
}

bool body_fiber_registers(
	const struct body *body, const struct body_fiber *fiber, struct debug_registers *registers)
{
	struct inside_switch saved;
	const uint64_t within = fiber->sp - fiber->low;

	if (fiber->is_running || within > fiber->bytes || fiber->bytes - within < sizeof(saved) ||
		!body->read(body->self, fiber->sp, &saved, sizeof(saved)))
		return false;
	memset(registers, 0, sizeof(*registers));
	registers->value[15] = saved.r15;
	registers->value[14] = saved.r14;
	registers->value[13] = saved.r13;
	registers->value[12] = saved.r12;
	registers->value[DEBUG_RBX] = saved.rbx;
	registers->value[DEBUG_RBP] = saved.rbp;
	registers->value[DEBUG_RIP] = saved.rip;
	registers->value[DEBUG_RSP] = fiber->sp + sizeof(saved);
	registers->known =
		0xfu << 12 | 1u << DEBUG_RBX | 1u << DEBUG_RBP | 1u << DEBUG_RIP | 1u << DEBUG_RSP;
	return true;
}
