/*
 * A body's fibers: who runs, and all the others with the registers that they will go on with.
 */
#ifndef DIATOM_HOST_BODY_FIBERS_H
#define DIATOM_HOST_BODY_FIBERS_H

#include "host/body/body.h"
#include "host/debug/debug.h"

#define BODY_FIBER_NAME_BYTES 40

struct body_fiber {
	char name[BODY_FIBER_NAME_BYTES]; /* "main", or what fiber_start was given; may be empty */
	uint64_t block;	     /* the address of its control block; 0: main without one */
	uint64_t sp;	     /* while it doesn't run */
	uint64_t low, bytes; /* its stack */
	uint32_t stack;	     /* its stack's number; INSIDE_STACK_NONE: the main stack */
	enum inside_fiber_state state;
	bool is_running;
};

/* The fiber that has the CPU. In an image without fibers, that is main. False: the body's own record
 * is damaged. */
bool body_fiber_running(const struct body *body, struct body_fiber *fiber);

/*
 * All fibers that have a stack: main first, then by the stacks' numbers. What is not plausible is
 * passed over.
 *
 *     struct body_fibers walk = { 0 };
 *
 *     while (body_fiber_next(body, &walk, &fiber)) ...
 */
struct body_fibers {
	uint64_t next; /* 0: main; else the stack with that number, less one */
};
bool body_fiber_next(const struct body *body, struct body_fibers *walk, struct body_fiber *fiber);

/* Where a fiber that doesn't run goes on: the registers that a call preserves, rsp and rip. False:
 * it runs, or its saved registers are not in its stack. */
bool body_fiber_registers(
	const struct body *body, const struct body_fiber *fiber, struct debug_registers *registers);

#endif
