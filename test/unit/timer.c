/*
 * Tasks and timers under a virtual clock, against what they promise: never early, at most 10 us
 * late when the loop comes in time, each exactly once, in any mix of set, move and cancel.
 */
#include <stdlib.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/timer.h"
#include "diatom/task.h"
#include "plat/hosted.h"
#include "test/check.h"

static uint64_t dice_state = 88172645463325252u;

static uint64_t dice(uint64_t bound)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return dice_state % bound;
}

struct alarm {
	struct task task;
	instant wanted; /* FOREVER: not set */
};

static unsigned rang;
static duration latest;

static void ring(struct task *task)
{
	struct alarm *alarm = CONTAINER_OF(task, struct alarm, task);
	instant now = time_now();

	CHECK(alarm->wanted != FOREVER);
	CHECK(now >= alarm->wanted);
	if (now - alarm->wanted > latest)
		latest = now - alarm->wanted;
	alarm->wanted = FOREVER;
	rang++;
}

/* A duration from any scale: us to days. */
static duration any_duration(void)
{
	static const duration scales[] = { 1000, 100000, 5000000, 300000000, 5000000000,
		90000000000, 9000000000000, 400000000000000 };

	return (duration)dice((uint64_t)scales[dice(8)]);
}

/* Turns until no timer is set; the virtual clock jumps from one to the next. */
static void run_out(void)
{
	while (timer_next() != FOREVER || task_is_any_posted())
		loop_turn(true);
}

static void none_early_none_late_none_lost(void)
{
	enum { N = 20000 };
	static struct alarm alarms[N];
	unsigned set = 0, cancelled = 0;

	rang = 0;
	latest = 0;
	for (unsigned i = 0; i < N; i++)
		alarms[i] = (struct alarm){ TASK(ring), FOREVER };
	for (unsigned step = 0; step < 200000; step++) {
		struct alarm *alarm = &alarms[dice(N)];

		if (dice(4) == 0) {
			cancelled += alarm->wanted != FOREVER;
			task_cancel(&alarm->task);
			alarm->wanted = FOREVER;
		} else {
			set += alarm->wanted == FOREVER;
			alarm->wanted = instant_after(time_now(), any_duration());
			task_at(&alarm->task, alarm->wanted);
		}
		CHECK_EQUAL(task_is_set(&alarm->task), alarm->wanted != FOREVER);
		if (dice(3) == 0)
			loop_turn(true);
	}
	run_out();
	CHECK_EQUAL(rang + cancelled, set);
	CHECK(latest <= MICROSECONDS(10));
	for (unsigned i = 0; i < N; i++)
		CHECK(alarms[i].wanted == FOREVER && !task_is_set(&alarms[i].task));
}

/* The clock may jump far while the program is busy: everything due then runs, nothing else. */
static void survives_jumps_of_the_clock(void)
{
	enum { N = 3000 };
	static struct alarm alarms[N];
	unsigned left = N;

	rang = 0;
	for (unsigned i = 0; i < N; i++) {
		alarms[i] = (struct alarm){ TASK(ring), instant_after(time_now(), any_duration()) };
		task_at(&alarms[i].task, alarms[i].wanted);
	}
	while (left > 0) {
		plat_hosted_set_time(instant_after(time_now(), any_duration()));
		while (timer_expire(time_now()) || task_is_any_posted())
			task_run_posted(1000);
		left = 0;
		for (unsigned i = 0; i < N; i++) {
			left += alarms[i].wanted != FOREVER;
			CHECK(alarms[i].wanted > time_now() - MICROSECONDS(5));
		}
		if (check_failed)
			return;
	}
	CHECK_EQUAL(rang, N);
}

static void a_million_at_once(void)
{
	enum { N = 1000000 };
	static struct alarm alarms[N];

	rang = 0;
	latest = 0;
	for (unsigned i = 0; i < N; i++) {
		alarms[i] = (struct alarm){ TASK(ring),
			time_now() + SECONDS(1) + (duration)dice(3000000000) };
		task_at(&alarms[i].task, alarms[i].wanted);
	}
	for (unsigned i = 0; i < N; i += 2) {
		task_cancel(&alarms[i].task);
		alarms[i].wanted = FOREVER;
	}
	run_out();
	CHECK_EQUAL(rang, N / 2);
	CHECK(latest <= MICROSECONDS(10));
}

static char order[16];

struct letter {
	struct task task;
	char name;
};

static void write_letter(struct task *task)
{
	size_t n = strlen(order);

	order[n] = CONTAINER_OF(task, struct letter, task)->name;
	order[n + 1] = '\0';
}

static void posted_run_in_order(void)
{
	struct letter a = { TASK(write_letter), 'a' }, b = { TASK(write_letter), 'b' },
		      c = { TASK(write_letter), 'c' };

	order[0] = '\0';
	task_post(&a.task);
	task_post(&b.task);
	task_post(&c.task);
	task_post(&a.task); /* to the end */
	task_cancel(&c.task);
	task_cancel(&c.task);
	task_post(&c.task);
	task_cancel(&c.task); /* the last one: the queue's end moves back */
	task_at(&c.task, AT_ONCE);
	loop_turn(false);
	loop_turn(false);
	CHECK_TEXT(order, "bac");
}

static struct letter again = { .name = 'x' };

static void write_again(struct task *task)
{
	write_letter(task);
	if (strlen(order) < 5)
		task_at(task, time_now());
}

/* A task that sets itself to now each time doesn't stop the loop from turning. */
static void may_set_itself(void)
{
	order[0] = '\0';
	again.task.run = write_again;
	task_post(&again.task);
	for (unsigned i = 0; i < 20 && strlen(order) < 5; i++)
		loop_turn(true);
	CHECK_TEXT(order, "xxxxx");
	task_at(&again.task, FOREVER);
	CHECK(!task_is_set(&again.task));
}

/* Sleeping until one timer takes few turns, however far away it is. */
static void sleeps_straight_to_the_next(void)
{
	static const duration distances[] = { MICROSECONDS(1), MICROSECONDS(500), MILLISECONDS(7),
		SECONDS(1), SECONDS(10), SECONDS(3600), SECONDS(86400) };

	for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
		struct alarm alarm = { TASK(ring), time_now() + distances[i] };
		unsigned turns = 0;

		rang = 0;
		task_at(&alarm.task, alarm.wanted);
		for (; !rang && turns < 1000; turns++)
			loop_turn(true);
		CHECK(rang == 1 && turns <= (distances[i] > SECONDS(7000) ? 80 : 12));
	}
}

static void counts(struct task *task)
{
	rang++;
}

/* The past runs at once, the end of time never, and what is too far to count is the end of time. */
static void extreme_instants(void)
{
	static const instant past[] = { AT_ONCE, AT_ONCE + 1, -1, 0 };
	static const instant future[] = { FOREVER - 1, FOREVER - 4096, FOREVER / 2 };
	struct task tasks[4];

	rang = 0;
	for (unsigned i = 0; i < 4; i++) {
		tasks[i] = (struct task)TASK(counts);
		task_at(&tasks[i], past[i]);
	}
	loop_turn(false);
	CHECK_EQUAL(rang, 4);
	for (unsigned i = 0; i < 3; i++)
		task_at(&tasks[i], future[i]);
	loop_turn(false);
	CHECK(rang == 4 && timer_next() > time_now());
	for (unsigned i = 0; i < 3; i++)
		task_cancel(&tasks[i]);
	CHECK(in_seconds(INT64_MAX / 2) == FOREVER && in_ms(INT64_MAX) == FOREVER);
	CHECK(in_seconds(INT64_MIN) == AT_ONCE && in_ns(INT64_MAX) == FOREVER);
}

int main(void)
{
	plat_hosted_use_virtual_time(0);
	return RUN(TEST(posted_run_in_order), TEST(may_set_itself),
		TEST(sleeps_straight_to_the_next), TEST(none_early_none_late_none_lost),
		TEST(survives_jumps_of_the_clock), TEST(extreme_instants), TEST(a_million_at_once));
}
