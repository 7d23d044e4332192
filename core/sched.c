/*
 * The scheduler that images have by default: first come, first served.
 */
#include "diatom/sched.h"

#include <stddef.h>

static struct fiber *first, *last;

void sched_add(struct fiber *fiber)
{
	fiber_sched_node(fiber)->next = NULL;
	if (first)
		fiber_sched_node(last)->next = fiber;
	else
		first = fiber;
	last = fiber;
}

struct fiber *sched_next(void)
{
	struct fiber *fiber = first;

	if (fiber)
		first = fiber_sched_node(fiber)->next;
	return fiber;
}

void sched_remove(struct fiber *fiber)
{
	struct fiber *before = NULL, *at = first;

	while (at && at != fiber) {
		before = at;
		at = fiber_sched_node(at)->next;
	}
	if (!at)
		return;
	if (before)
		fiber_sched_node(before)->next = fiber_sched_node(fiber)->next;
	else
		first = fiber_sched_node(fiber)->next;
	if (last == fiber)
		last = before;
}
