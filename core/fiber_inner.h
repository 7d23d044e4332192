/*
 * A fiber's control block, shared by fiber.c (waiting and switching) and fiber_life.c (start and
 * end).
 *
 * It is an object of a pool, not the top of the fiber's stack: a buffer on the stack that overflows
 * upwards can't reach it, and a fiber that has ended but was not joined yet keeps 128 bytes instead
 * of a stack.
 *
 *     READY ---> RUNNING ---> WAITING ---> READY        the scheduler has those that are READY
 *                   \--> ENDED                          until it is joined or detached
 */
#ifndef DIATOM_CORE_FIBER_INNER_H
#define DIATOM_CORE_FIBER_INNER_H

#include <stddef.h>

#include "abi/inside.h"
#include "diatom/fiber.h"
#include "diatom/sched.h"
#include "diatom/task.h"

enum fiber_state { FIBER_RUNNING, FIBER_READY, FIBER_WAITING, FIBER_ENDED };

struct fiber {
	struct sched_node node;
	void *sp; /* while it doesn't run */
	const char *name;
	void (*main)(void *argument);
	void *argument;
	/* While it waits: in `queue` (NULL: just for time), with a timer if there is a deadline. */
	struct wait_queue *queue;
	struct fiber *next, *previous;
	struct task timer;
	struct fiber *joiner; /* waits for its end */
	void *hook;	      /* plat/hooks.h */
	uint32_t stack;	      /* core/stack.h; STACK_NONE: main's */
	uint8_t state;	      /* enum fiber_state */
	uint8_t result;	      /* enum status that its wait returns */
	bool is_cancelled;
	bool is_detached;
};

_Static_assert(sizeof(struct fiber) == 128, "two cache lines");
/* A host finds these by struct inside_fiber. */
_Static_assert(offsetof(struct fiber, sp) == offsetof(struct inside_fiber, sp), "abi/inside.h");
_Static_assert(offsetof(struct fiber, name) == offsetof(struct inside_fiber, name), "abi/inside.h");
_Static_assert(
	offsetof(struct fiber, main) == offsetof(struct inside_fiber, entry), "abi/inside.h");
_Static_assert(
	offsetof(struct fiber, stack) == offsetof(struct inside_fiber, stack), "abi/inside.h");
_Static_assert(
	offsetof(struct fiber, state) == offsetof(struct inside_fiber, state), "abi/inside.h");
_Static_assert(FIBER_ENDED == (int)INSIDE_FIBER_ENDED, "abi/inside.h");

/* Blocks the running fiber, in no queue, until fiber_wake. */
enum status fiber_wait(instant deadline);
/* Ends the wait of a waiting fiber: it becomes ready and its wait returns `result`. */
void fiber_wake(struct fiber *fiber, enum status result);
/* Makes a fiber ready that is not waiting: a new one. */
void fiber_make_ready(struct fiber *fiber);
/* Leaves the running fiber, which has ended. `bury` runs on the next fiber's stack. */
_Noreturn void fiber_leave(void (*bury)(struct fiber *fiber));
/* To be called first on a new stack. */
void fiber_arrived(void);

#endif
