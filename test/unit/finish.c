/*
 * A program that never asks for the request to finish: INT or TERM cancels main().
 */
#include "core/loop.h"
#include "diatom/fiber.h"
#include "diatom/task.h"
#include "plat/hosted.h"
#include "test/check.h"

static void request(struct task *task)
{
	plat_hosted_request_finish();
}

static void works_on(void *argument)
{
	CHECK_EQUAL(sleep_for(SECONDS(2)), OK);
}

static void main_is_cancelled(void)
{
	struct wait_queue queue = { 0 };
	struct task task = TASK(request);
	struct fiber *other = fiber_start("other", works_on, NULL);
	instant start = time_now();

	task_at(&task, start + SECONDS(1));
	CHECK_EQUAL(wait_on(&queue, FOREVER), CANCELLED);
	CHECK(time_now() - start <= SECONDS(1) + 10000);
	CHECK(finish_is_requested() && fiber_is_cancelled());
	CHECK_EQUAL(sleep_for(SECONDS(1)), CANCELLED);
	CHECK_EQUAL(fiber_join(other), CANCELLED);
	fiber_detach(other);
}

static unsigned polls, sleeps, serves;
static bool has_news;

static bool poll_counted(struct poller *poller)
{
	polls++;
	return false;
}

static bool prepare_counted(struct poller *poller)
{
	return has_news;
}

static instant slow_now(void)
{
	static instant now = SECONDS(10);

	return now += 1000; /* each look takes 1 us */
}

static void count_sleep(instant deadline)
{
	sleeps += deadline != AT_ONCE;
	serves += deadline == AT_ONCE;
}

/* The loop polls for spin_ns after the last work, then sleeps; not while a device has news. */
static void spins_before_it_sleeps(void)
{
	static struct poller poller = { .poll = poll_counted, .prepare_sleep = prepare_counted };
	struct task work = TASK(request);

	plat_hosted_set_clock(slow_now, count_sleep);
	plat_hosted_boot()->spin_ns = MICROSECONDS(50);
	loop_add_poller(&poller);
	task_post(&work);
	loop_turn(true);
	while (sleeps == 0 && polls < 1000)
		loop_turn(true);
	CHECK(polls >= 40 && polls <= 60);
	has_news = true;
	loop_turn(true);
	CHECK_EQUAL(sleeps, 1);
	has_news = false;
	loop_turn(false);
	CHECK_EQUAL(sleeps, 1);
	loop_turn(true); /* still idle: no second spin */
	CHECK_EQUAL(sleeps, 2);
}

/* Busy on our own monitor, the host gets to serve the devices: here each 100 turns of 1 us. */
static void busy_body_serves_devices(void)
{
	plat_hosted_boot()->target = BOOT_MONITOR;
	plat_hosted_boot()->device_count = 1;
	sleeps = serves = 0;
	for (unsigned i = 0; i < 1000; i++)
		loop_turn(false);
	CHECK_EQUAL(sleeps, 0);
	CHECK(serves >= 8 && serves <= 12);
}

int main(void)
{
	plat_hosted_use_virtual_time(0);
	return RUN(TEST(main_is_cancelled), TEST(spins_before_it_sleeps),
		TEST(busy_body_serves_devices));
}
