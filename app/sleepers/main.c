/*
 * Sleepers: how many can sleep at once, at what cost, and how late they wake.
 *
 *     diatom run sleepers tasks 1000000      stackless tasks
 *     diatom run sleepers fibers 100000      fibers, each on a stack of 4 KiB
 *
 * Two rounds, as the paper has them. Creation: all are made, each to sleep 0.5..1.5 s and end; how
 * long does making them take? Lateness: all sleep 1..4 s; how long after its time does each run?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <diatom/app.h>
#include <diatom/fiber.h>
#include <diatom/memory.h>
#include <diatom/random.h>
#include <diatom/task.h>

#define BUCKET_NS     1000 /* the lateness histogram's step */
#define BUCKETS	      100000
#define COUNT_DEFAULT 100000

DIATOM_IMAGE(.name = "sleepers", .memory_mib = 1024);
DIATOM_FIBERS(.stack_bytes = 4096, .count_max = 100000);

struct sleeper {
	struct task task;
	instant until;
};

static struct {
	size_t left; /* still asleep */
	struct wait_queue all_awake;
	uint32_t late[BUCKETS]; /* how many woke [i, i+1) us late; the last: or later */
	duration latest;
} round_state;

/* One woke up that wanted to at `until`. */
static void awake(instant until)
{
	duration late = time_now() - until;
	size_t bucket = late > 0 ? (size_t)(late / BUCKET_NS) : 0;

	round_state.late[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (late > round_state.latest)
		round_state.latest = late;
	if (--round_state.left == 0)
		wake_all(&round_state.all_awake);
}

static void task_wakes(struct task *task)
{
	awake(task->when);
}

static void fiber_sleeps(void *argument)
{
	const struct sleeper *sleeper = argument;

	sleep_until(sleeper->until);
	awake(sleeper->until);
}

/* A sleeper's own time, `least`..`most` from now. */
static instant some_time(duration least, duration most)
{
	static uint64_t state;

	if (!state)
		state = random_u64() | 1;
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return in_ns(least + (duration)((state >> 33) * (uint64_t)(most - least) >> 31));
}

static bool start_all(
	struct sleeper *sleepers, size_t n, bool as_fibers, duration least, duration most)
{
	for (size_t i = 0; i < n; i++) {
		instant until = some_time(least, most);
		struct fiber *fiber;

		if (!as_fibers) {
			sleepers[i].task = (struct task)TASK(task_wakes);
			task_at(&sleepers[i].task, until);
			continue;
		}
		sleepers[i].until = until;
		fiber = fiber_start("sleeper", fiber_sleeps, &sleepers[i]);
		if (!fiber) {
			printf("sleepers: fiber %zu of %zu could not start: give the image more memory\n",
				i + 1, n);
			return false;
		}
		fiber_detach(fiber);
	}
	if (as_fibers)
		fiber_yield(); /* each runs until it sleeps */
	return true;
}

/* The lateness that `share` of all stayed below, in us. */
static double late_us(size_t n, double share)
{
	size_t below = 0, i = 0;

	while (i < BUCKETS - 1 && (below += round_state.late[i]) < (size_t)((double)n * share))
		i++;
	return (double)(i + 1) * BUCKET_NS / 1000;
}

static bool run_round(const char *name, struct sleeper *sleepers, size_t n, bool as_fibers,
	duration least, duration most)
{
	size_t used_before = memory_usage().used_bytes;
	instant start = time_now();

	memset(round_state.late, 0, sizeof(round_state.late));
	round_state.latest = 0;
	round_state.left = n;
	if (!start_all(sleepers, n, as_fibers, least, most))
		return false;
	printf("%s: created %zu in %.1f ms, %.0f ns each, %.1f MB more\n", name, n,
		(double)(time_now() - start) / 1e6, (double)(time_now() - start) / (double)n,
		(double)(memory_usage().used_bytes - used_before + n * sizeof(*sleepers)) / 1e6);
	while (round_state.left > 0)
		if (wait_on(&round_state.all_awake, FOREVER) == CANCELLED)
			return false;
	printf("%s: late by p50 %.0f us, p99 %.0f us, max %.0f us; all awake after %.3f s\n", name,
		late_us(n, 0.5), late_us(n, 0.99), (double)round_state.latest / 1000,
		(double)(time_now() - start) / 1e9);
	return true;
}

int main(int argc, char **argv)
{
	bool as_fibers = argc > 1 && strcmp(argv[1], "fibers") == 0;
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : COUNT_DEFAULT;
	struct sleeper *sleepers;

	if (argc < 2 || n == 0 || (!as_fibers && strcmp(argv[1], "tasks") != 0)) {
		printf("usage: sleepers tasks|fibers [COUNT]\n");
		return 2;
	}
	sleepers = n > SIZE_MAX / sizeof(*sleepers) ? NULL : extent_alloc(n * sizeof(*sleepers));
	if (!sleepers) {
		printf("sleepers: no memory for %zu: give the image more (--mem)\n", n);
		return 1;
	}
	return !run_round(
		       "create", sleepers, n, as_fibers, MILLISECONDS(500), MILLISECONDS(1500)) ||
	       !run_round("jitter", sleepers, n, as_fibers, SECONDS(1), SECONDS(4));
}
