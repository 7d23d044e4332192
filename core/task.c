/*
 * Posted tasks: one first-in first-out queue. Each task also knows the pointer that points to it, so
 * it leaves the queue, or a timer's list, in a few instructions wherever it stands.
 */
#include "core/task.h"

#include <stddef.h>

#include "diatom/assert.h"

static struct task *posted;
static struct task **posted_end = &posted;

void task_cancel(struct task *task)
{
	if (!task->link)
		return;
	if (posted_end == &task->next)
		posted_end = task->link;
	task_unlink(task);
}

void task_post(struct task *task)
{
	ASSERT(task->run != NULL);
	task_cancel(task);
	task->next = NULL;
	task->link = posted_end;
	*posted_end = task;
	posted_end = &task->next;
}

void task_post_list(struct task *first)
{
	struct task *last = first;

	while (last->next)
		last = last->next;
	first->link = posted_end;
	*posted_end = first;
	posted_end = &last->next;
}

bool task_is_any_posted(void)
{
	return posted != NULL;
}

bool task_run_posted(unsigned most)
{
	unsigned ran = 0;

	for (; posted && ran < most; ran++) {
		struct task *task = posted;

		task_cancel(task);
		task->run(task);
	}
	return ran > 0;
}
