/*
 * Fibers, from start to end.
 *
 *     fiber_start --> runs --> main returns --> ENDED --> the next fiber to run buries it:
 *                                                           its stack is free at once;
 *                                                           its control block when it is detached,
 *                                                           else in fiber_join or fiber_detach
 *
 * Nothing may free the stack that it stands on, so burying waits until another stack is used.
 */
#include <stddef.h>

#include "core/fiber_inner.h"
#include "core/stack.h"
#include "diatom/assert.h"
#include "diatom/counter.h"
#include "diatom/memory.h"

static struct pool blocks = {
	.name = "fibers", .object_bytes = sizeof(struct fiber), .alignment = 64
};

COUNTER(fiber_refused, "fiber.refused", "fibers not started: no memory for the control block");

/* Runs on the stack of the fiber that comes next. */
static void bury(struct fiber *fiber)
{
	stack_free(fiber->stack);
	fiber->stack = STACK_NONE;
	if (fiber->is_detached)
		pool_free(&blocks, fiber);
}

/* Where a new stack begins. */
static void fiber_enter(void)
{
	struct fiber *self;

	fiber_arrived();
	self = fiber_self();
	self->main(self->argument);
	self->state = FIBER_ENDED;
	/* A joiner that was cancelled just now, and has not run yet, is not waiting. */
	if (self->joiner && self->joiner->state == FIBER_WAITING)
		fiber_wake(self->joiner, OK);
	fiber_leave(bury);
}

/* What fiber_switch takes from a stack, see there; and no return address, where backtraces end. */
static void *first_frame(uint32_t stack)
{
	/* Tops at different distances from a page's end don't all compete for the same cache set. */
	size_t colour = 16 + stack % 8 * 64; /* the highest word is stack_own's */
	void **sp = (void **)(stack_low(stack) + stack_bytes() - colour);

	*--sp = NULL; /* return address; a multiple of 16 above it, as the convention has it */
	*--sp = (void *)fiber_enter;
	for (unsigned i = 0; i < 6; i++)
		*--sp = NULL; /* rbp rbx r12 r13 r14 r15 */
	return sp;
}

struct fiber *fiber_start(const char *name, void (*main)(void *argument), void *argument)
{
	struct fiber *fiber;
	uint32_t stack;

	fiber = pool_alloc_zeroed(&blocks);
	if (!fiber) {
		count(&fiber_refused);
		return NULL;
	}
	stack = stack_alloc();
	if (stack == STACK_NONE) {
		pool_free(&blocks, fiber);
		return NULL;
	}
	fiber->name = name;
	fiber->main = main;
	fiber->argument = argument;
	fiber->stack = stack;
	fiber->sp = first_frame(stack);
	stack_own(stack, fiber);
	fiber_make_ready(fiber);
	return fiber;
}

/* Ended, and off its stack. */
static bool is_buried(const struct fiber *fiber)
{
	return fiber->state == FIBER_ENDED && fiber->stack == STACK_NONE;
}

void fiber_detach(struct fiber *fiber)
{
	ASSERT(!fiber->is_detached && !fiber->joiner);
	fiber->is_detached = true;
	if (is_buried(fiber))
		pool_free(&blocks, fiber);
}

enum status fiber_join(struct fiber *fiber)
{
	enum status status = OK;

	ASSERT(!fiber->is_detached && !fiber->joiner && fiber != fiber_self());
	if (fiber->state != FIBER_ENDED) {
		if (fiber_is_cancelled())
			return CANCELLED;
		fiber->joiner = fiber_self();
		status = fiber_wait(FOREVER);
		fiber->joiner = NULL;
	}
	if (status == OK)
		pool_free(&blocks, fiber);
	return status;
}
