/*
 * Fibers under a virtual clock: order of running, waits with deadlines, every way in which start,
 * cancel, join, detach and end can follow each other, small stacks and many of them.
 */
#include "core/loop.h"
#include "diatom/counter.h"
#include "diatom/fiber.h"
#include "diatom/memory.h"
#include "diatom/sched.h"
#include "diatom/task.h"
#include "plat/hosted.h"
#include "test/check.h"

static char trace[256];

static void note(const char *text)
{
	strncat(trace, text, sizeof(trace) - strlen(trace) - 1);
}

static size_t fibers_alive(void)
{
	for (const struct pool *pool = pool_first(); pool; pool = pool->next_pool)
		if (strcmp(pool->name, "fibers") == 0)
			return pool->used;
	return 0;
}

static struct fiber *start(void (*main)(void *), void *argument)
{
	struct fiber *fiber = fiber_start("test", main, argument);

	CHECK(fiber != NULL);
	return fiber;
}

static void write_thrice(void *text)
{
	for (unsigned i = 0; i < 3; i++) {
		note(text);
		fiber_yield();
	}
}

static void yield_takes_turns(void)
{
	struct fiber *a = start(write_thrice, "a"), *b = start(write_thrice, "b");

	trace[0] = '\0';
	fiber_yield();
	note("-");
	CHECK_EQUAL(fiber_join(a), OK);
	CHECK_EQUAL(fiber_join(b), OK);
	CHECK_TEXT(trace, "ab-abab");
	CHECK_EQUAL(fibers_alive(), 0);
}

static void sleeper(void *text)
{
	CHECK_EQUAL(sleep_for(SECONDS(*(char *)text - '0')), OK);
	note(text);
}

static void sleepers_wake_in_order(void)
{
	static char names[] = "3\0001\0002";
	struct fiber *fibers[3];
	instant begin = time_now();

	trace[0] = '\0';
	for (unsigned i = 0; i < 3; i++)
		fibers[i] = start(sleeper, names + 2 * i);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQUAL(fiber_join(fibers[i]), OK);
	CHECK_TEXT(trace, "123");
	CHECK(time_now() - begin >= SECONDS(3) && time_now() - begin < SECONDS(3) + 10000);
}

/* --- wait queues --- */

struct waiter {
	struct wait_queue *queue;
	instant deadline;
	enum status status;
	char name[2];
};

static void wait_and_note(void *argument)
{
	struct waiter *waiter = argument;

	waiter->status = wait_on(waiter->queue, waiter->deadline);
	note(waiter->name);
}

static void queue_wakes_the_longest_waiting(void)
{
	struct wait_queue queue = { 0 };
	struct waiter waiters[4];
	struct fiber *fibers[4];

	trace[0] = '\0';
	for (unsigned i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){ &queue, FOREVER, EMPTY, { (char)('a' + i) } };
		fibers[i] = start(wait_and_note, &waiters[i]);
	}
	wake_one(&queue); /* nobody there yet */
	fiber_yield();
	wake_one(&queue);
	fiber_yield();
	CHECK_TEXT(trace, "a");
	fiber_cancel(fibers[2]); /* leaves from the middle */
	wake_all(&queue);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQUAL(fiber_join(fibers[i]), OK);
		CHECK_EQUAL(waiters[i].status, i == 2 ? CANCELLED : OK);
	}
	CHECK_TEXT(trace, "acbd");
	CHECK(queue.first == NULL && queue.last == NULL);
}

static void waits_end_at_their_deadline(void)
{
	struct wait_queue queue = { 0 };
	instant begin = time_now();

	CHECK_EQUAL(wait_on(&queue, AT_ONCE), TIMED_OUT);
	CHECK_EQUAL(wait_on(&queue, begin), TIMED_OUT);
	CHECK_EQUAL(time_now(), begin);
	CHECK_EQUAL(wait_on(&queue, begin + MILLISECONDS(5)), TIMED_OUT);
	CHECK(time_now() >= begin + MILLISECONDS(5) &&
		time_now() <= begin + MILLISECONDS(5) + 10000);
	CHECK(queue.first == NULL);
}

static struct wait_queue task_queue;

static void wake_from_task(struct task *task)
{
	wake_one(&task_queue);
}

static void tasks_wake_fibers(void)
{
	struct task task = TASK(wake_from_task);
	instant begin = time_now();

	task_at(&task, begin + MILLISECONDS(3));
	CHECK_EQUAL(wait_on(&task_queue, begin + MILLISECONDS(4)), OK);
	CHECK(time_now() - begin <= MILLISECONDS(3) + 10000);
}

/* --- cancellation --- */

static void waits_thrice(void *argument)
{
	enum status *statuses = argument;
	struct wait_queue queue = { 0 };

	statuses[0] = sleep_for(SECONDS(100));
	statuses[1] = wait_on(&queue, FOREVER);
	statuses[2] = sleep_for(0);
}

static void cancel_is_for_good(void)
{
	enum status statuses[3] = { EMPTY, EMPTY, EMPTY };
	struct fiber *fiber = start(waits_thrice, statuses);
	instant begin = time_now();

	fiber_yield();
	fiber_cancel(fiber);
	fiber_cancel(fiber);
	fiber_cancel(NULL);
	CHECK_EQUAL(fiber_join(fiber), OK);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQUAL(statuses[i], CANCELLED);
	CHECK_EQUAL(time_now(), begin);
}

static void cancelled_before_it_ran(void)
{
	enum status statuses[3] = { EMPTY, EMPTY, EMPTY };
	struct fiber *fiber = start(waits_thrice, statuses);

	fiber_cancel(fiber);
	CHECK_EQUAL(fiber_join(fiber), OK);
	CHECK_EQUAL(statuses[0], CANCELLED);
}

/* Woken and cancelled in the same moment: the wake counts, the next wait is cancelled. */
static void woken_then_cancelled(void)
{
	struct wait_queue queue = { 0 };
	struct waiter waiter = { &queue, FOREVER, EMPTY, "w" };
	struct fiber *fiber = start(wait_and_note, &waiter);

	fiber_yield();
	wake_one(&queue);
	fiber_cancel(fiber);
	CHECK_EQUAL(fiber_join(fiber), OK);
	CHECK_EQUAL(waiter.status, OK);
}

/* --- join, detach, end: every order --- */

static void ends_at_once(void *argument)
{
}

static void sleeps_a_second(void *argument)
{
	sleep_for(SECONDS(1));
}

static void detaches_itself(void *argument)
{
	fiber_detach(fiber_self());
	fiber_yield();
}

static void joins(void *argument)
{
	struct waiter *waiter = argument;

	waiter->status = fiber_join((struct fiber *)waiter->queue);
}

static void lives_end_in_every_order(void)
{
	struct fiber *fiber;

	fiber = start(ends_at_once, NULL); /* ended, then joined */
	fiber_yield();
	CHECK_EQUAL(fiber_join(fiber), OK);
	fiber = start(sleeps_a_second, NULL); /* joined, then ended */
	CHECK_EQUAL(fiber_join(fiber), OK);
	fiber = start(ends_at_once, NULL); /* detached before it ran */
	fiber_detach(fiber);
	fiber_yield();
	fiber = start(ends_at_once, NULL); /* ended, then detached */
	fiber_yield();
	CHECK_EQUAL(fibers_alive(), 1);
	fiber_detach(fiber);
	start(detaches_itself, NULL);
	fiber_yield();
	fiber_yield();
	fiber = start(sleeps_a_second, NULL); /* cancelled, then detached */
	fiber_yield();
	fiber_cancel(fiber);
	fiber_detach(fiber);
	fiber_yield();
	CHECK_EQUAL(fibers_alive(), 0);
}

/* The joiner is cancelled; `same_moment`: the joined fiber ends before the joiner runs again. */
static void cancel_a_joiner(bool same_moment)
{
	struct fiber *fiber = start(sleeps_a_second, NULL), *joiner;
	struct waiter waiter = { (struct wait_queue *)fiber, FOREVER, EMPTY, "j" };

	joiner = start(joins, &waiter);
	fiber_yield();
	if (same_moment) {
		fiber_cancel(fiber);  /* ready first, so it ends first ... */
		fiber_cancel(joiner); /* ... while this one is ready, but hasn't run */
	} else {
		fiber_cancel(joiner);
		fiber_yield();
	}
	CHECK_EQUAL(fiber_join(joiner), OK);
	CHECK_EQUAL(waiter.status, CANCELLED);
	CHECK_EQUAL(fiber_join(fiber), OK); /* the handle stayed valid */
	CHECK_EQUAL(fibers_alive(), 0);
}

static void joiner_is_cancelled(void)
{
	cancel_a_joiner(false);
	cancel_a_joiner(true);
}

/* The joined fiber ends, and its joiner is cancelled before it runs: the join has happened. */
static void joiner_is_cancelled_too_late(void)
{
	struct fiber *fiber = start(ends_at_once, NULL), *joiner;
	struct waiter waiter = { (struct wait_queue *)fiber, FOREVER, EMPTY, "j" };

	fiber_yield();
	joiner = start(joins, &waiter);
	fiber_cancel(joiner);
	CHECK_EQUAL(fiber_join(joiner), OK);
	CHECK_EQUAL(waiter.status, OK);
	CHECK_EQUAL(fibers_alive(), 0);
}

static struct fiber *of_task;

static void start_from_task(struct task *task)
{
	of_task = fiber_start("of task", ends_at_once, NULL);
}

/* A task runs while a fiber has just ended: the stack it starts a fiber on is not in use. */
static void tasks_start_fibers(void)
{
	struct task task = TASK(start_from_task);

	fiber_detach(start(ends_at_once, NULL));
	task_post(&task);
	sleep_for(1);
	CHECK(of_task != NULL);
	CHECK_EQUAL(fiber_join(of_task), OK);
}

/* Random life: fibers that start, yield, sleep, wake, cancel, join and detach each other. */
static uint64_t dice_state = 1181783497276652981u;

static uint32_t dice(uint32_t bound)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (uint32_t)(dice_state >> 32) % bound;
}

static struct wait_queue crowd_queue;

static void in_the_crowd(void *argument)
{
	for (unsigned steps = dice(20); steps > 0; steps--) {
		switch (dice(5)) {
		case 0:
			fiber_yield();
			break;
		case 1:
			sleep_for((duration)dice(3000000));
			break;
		case 2:
			wait_on(&crowd_queue, in_ns((duration)dice(2000000)));
			break;
		case 3:
			wake_one(&crowd_queue);
			break;
		default:
			if (dice(10) == 0)
				wake_all(&crowd_queue);
		}
	}
}

static void a_crowd_comes_to_its_end(void)
{
	enum { N = 300 };
	static struct fiber *crowd[N];

	for (unsigned i = 0; i < 20000; i++) {
		struct fiber **who = &crowd[dice(N)];

		if (!*who)
			*who = start(in_the_crowd, NULL);
		else if (dice(2) == 0)
			fiber_cancel(*who);
		else if (dice(2) == 0) {
			CHECK_EQUAL(fiber_join(*who), OK);
			*who = NULL;
		} else {
			fiber_detach(*who);
			*who = NULL;
		}
		if (dice(4) == 0)
			sleep_for((duration)dice(1000000));
	}
	for (unsigned i = 0; i < N; i++)
		if (crowd[i])
			fiber_join(crowd[i]);
	sleep_for(SECONDS(1));
	CHECK_EQUAL(fibers_alive(), 0);
	CHECK(crowd_queue.first == NULL);
}

static void all_stacks_can_be_used(void)
{
	static struct fiber *fibers[1000];
	uint64_t refused = counter_value("fiber.stack_refused");
	unsigned n = 0;

	while (n < 1000 && (fibers[n] = fiber_start("many", sleeps_a_second, NULL)) != NULL)
		n++;
	CHECK_EQUAL(n, 512);
	CHECK_EQUAL(counter_value("fiber.stack_refused"), refused + 1);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQUAL(fiber_join(fibers[i]), OK);
	CHECK_EQUAL(fibers_alive(), 0);
}

static void key_is_kept(void)
{
	struct fiber *fiber = start(ends_at_once, NULL);

	fiber_set_key(fiber, 42); /* while ready: taken out and put back */
	CHECK_EQUAL(fiber_sched_node(fiber)->key, 42);
	CHECK_EQUAL(fiber_join(fiber), OK);
	CHECK_TEXT(fiber_name(fiber_self()), "main");
}

static void waits_for_finish(void *argument)
{
	*(enum status *)argument = finish_wait(FOREVER);
}

static void finish_wakes_those_who_wait(void)
{
	enum status status = EMPTY;
	struct fiber *fiber = start(waits_for_finish, &status);

	CHECK_EQUAL(finish_wait(in_ms(1)), TIMED_OUT);
	CHECK(!finish_is_requested());
	plat_hosted_request_finish();
	CHECK_EQUAL(fiber_join(fiber), OK);
	CHECK_EQUAL(status, OK);
	CHECK(finish_is_requested() && !fiber_is_cancelled());
	CHECK_EQUAL(finish_wait(FOREVER), OK);
}

int main(void)
{
	plat_hosted_set_memory(MEBIBYTES(64), 65536, 512);
	plat_hosted_use_virtual_time(0);
	return RUN(TEST(yield_takes_turns), TEST(sleepers_wake_in_order),
		TEST(queue_wakes_the_longest_waiting), TEST(waits_end_at_their_deadline),
		TEST(tasks_wake_fibers), TEST(cancel_is_for_good), TEST(cancelled_before_it_ran),
		TEST(woken_then_cancelled), TEST(lives_end_in_every_order),
		TEST(joiner_is_cancelled), TEST(joiner_is_cancelled_too_late),
		TEST(tasks_start_fibers), TEST(a_crowd_comes_to_its_end),
		TEST(all_stacks_can_be_used), TEST(key_is_kept), TEST(finish_wakes_those_who_wait));
}
