/*
 * The scheduler: which ready fiber runs next. core/sched.c is first come, first served; a program
 * that defines these three functions itself replaces it (app/edf is an example), for core/sched.c is
 * then never linked. Define all three.
 */
#ifndef DIATOM_SCHED_H
#define DIATOM_SCHED_H

#include <stdbool.h>

#include "diatom/fiber.h"

/* What a scheduler may use of a fiber: a link of its own and a number that the program sets. */
struct sched_node {
	struct fiber *next;
	int64_t key; /* fiber_set_key: a deadline, a priority; 0 by default */
};
struct sched_node *fiber_sched_node(struct fiber *fiber);
/* Sets the key, and asks the scheduler anew where a fiber that is ready belongs. */
void fiber_set_key(struct fiber *fiber, int64_t key);

/* The fiber became ready: it is in no queue now. */
void sched_add(struct fiber *fiber);
/* Takes the fiber to run next, or NULL if none is ready. */
struct fiber *sched_next(void);
/* Takes a ready fiber out again: its key is about to change, sched_add follows. */
void sched_remove(struct fiber *fiber);

#endif
