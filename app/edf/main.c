/*
 * A scheduler of the program's own: earliest deadline first.
 *
 * The three functions of diatom/sched.h are defined here, so the linker never takes core's first
 * come, first served. Each fiber's key is its deadline; the ready fiber whose deadline is nearest
 * runs next. The list is kept sorted: fine for the handful of fibers that have deadlines.
 *
 * The demonstration starts jobs in the wrong order and shows in which order they run.
 */
#include <stddef.h>
#include <stdio.h>

#include <diatom/app.h>
#include <diatom/fiber.h>
#include <diatom/sched.h>

DIATOM_IMAGE(.name = "edf");

static struct fiber *ready; /* nearest deadline first */

void sched_add(struct fiber *fiber)
{
	struct sched_node *node = fiber_sched_node(fiber);
	struct fiber **at = &ready;

	while (*at && fiber_sched_node(*at)->key <= node->key) /* equal: first come */
		at = &fiber_sched_node(*at)->next;
	node->next = *at;
	*at = fiber;
}

struct fiber *sched_next(void)
{
	struct fiber *fiber = ready;

	if (fiber)
		ready = fiber_sched_node(fiber)->next;
	return fiber;
}

void sched_remove(struct fiber *fiber)
{
	struct fiber **at = &ready;

	while (*at && *at != fiber)
		at = &fiber_sched_node(*at)->next;
	if (*at)
		*at = fiber_sched_node(fiber)->next;
}

struct job {
	const char *name;
	duration deadline; /* from the start */
};

static void run_job(void *argument)
{
	const struct job *job = argument;

	printf("%s: deadline in %lld ms\n", job->name, (long long)(job->deadline / 1000000));
}

int main(void)
{
	static struct job jobs[] = {
		{ "report", MILLISECONDS(900) },
		{ "control", MILLISECONDS(5) },
		{ "archive", SECONDS(60) },
		{ "video", MILLISECONDS(40) },
		{ "audio", MILLISECONDS(10) },
	};
	struct fiber *fibers[ARRAY_LEN(jobs)];
	instant start = time_now();

	fiber_set_key(fiber_self(), FOREVER); /* main waits for all of them anyway */
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		fibers[i] = fiber_start(jobs[i].name, run_job, &jobs[i]);
		if (!fibers[i])
			return 1;
		fiber_set_key(fibers[i], instant_after(start, jobs[i].deadline));
	}
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (fiber_join(fibers[i]) != OK)
			return 1;
	return 0;
}
