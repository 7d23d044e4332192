/*
 * Tasks: stackless timers and events, for millions at a time.
 *
 * A task is a function to be called by the run loop: soon (task_post), or at an instant (task_at).
 * It is memory of its owner, 32 bytes, and costs nothing while idle. Functions run on the run
 * loop, must not block, and may post, move or cancel any task, themselves included.
 */
#ifndef DIATOM_TASK_H
#define DIATOM_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diatom/time.h"

struct task {
	void (*run)(struct task *task); /* find the owner with CONTAINER_OF */
	instant when;			/* when a timer: the deadline asked for */
	struct task *next;		/* the queue it stands in; kept by core/timer.c */
	struct task **link;		/* what points to it; NULL: idle */
};

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

#define TASK(function)			    { .run = (function) }

/* Runs it soon, in order of posting. A posted task moves to the end; a timer becomes posted. */
void task_post(struct task *task);
/* Runs it at `when` or up to 10 us later plus the delay of what runs then; moves it if it is set.
 * Never early. FOREVER: the same as task_cancel. */
void task_at(struct task *task, instant when);
/* Idle again; does nothing to an idle task. O(1). */
void task_cancel(struct task *task);
static inline bool task_is_set(const struct task *task)
{
	return task->link != 0;
}

#endif
