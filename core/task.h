/*
 * The queue of posted tasks, as the run loop and the timers use it.
 */
#ifndef DIATOM_CORE_TASK_H
#define DIATOM_CORE_TASK_H

#include <stdbool.h>

#include "diatom/task.h"

/* Runs posted tasks, at most `most`; those posted meanwhile come after them. True if any ran. */
bool task_run_posted(unsigned most);
bool task_is_any_posted(void);

/* Appends a list of tasks, linked by `next` and each one's `link` but the first's, to the queue. */
void task_post_list(struct task *first);

/* Puts an idle task in front of a list. */
static inline void task_link(struct task *task, struct task **list)
{
	task->next = *list;
	task->link = list;
	if (task->next)
		task->next->link = &task->next;
	*list = task;
}

/* Takes it out of a list that keeps no end. */
static inline void task_unlink(struct task *task)
{
	*task->link = task->next;
	if (task->next)
		task->next->link = task->link;
	task->link = 0;
}

#endif
