/*
 * The run loop's one turn: see core/loop.h for the picture.
 *
 * "Something happened" is a task that ran, a timer that expired, a poller that had work. While
 * something happens the loop only turns. When nothing did since `active_at` for spin_ns it sleeps.
 */
#include "core/loop.h"

#include <stddef.h>

#include "core/task.h"
#include "core/timer.h"
#include "core/trace.h"
#include "plat/plat.h"

#define TASKS_PER_TURN 64

static struct poller *pollers;
static struct poller **pollers_end = &pollers;
static instant turned_at; /* when the turn began */
static instant active_at; /* when something happened last */
static instant served_at; /* when the last platform call let the host serve the devices */

void loop_add_poller(struct poller *poller)
{
	poller->next = NULL;
	*pollers_end = poller;
	pollers_end = &poller->next;
}

instant loop_now(void)
{
	return turned_at;
}

static bool poll_all(void)
{
	bool had_work = false;

	for (struct poller *poller = pollers; poller; poller = poller->next)
		had_work |= poller->poll(poller);
	return had_work;
}

/* Sleeps till the next timer or news, unless some comes while the wake-ups are being armed. */
static void sleep_armed(void)
{
	bool has_news = false;
	instant started;

	for (struct poller *poller = pollers; poller; poller = poller->next)
		has_news |= poller->prepare_sleep(poller);
	if (has_news)
		return;
	started = trace_is_on() ? time_now() : 0;
	plat_sleep(timer_next());
	if (trace_is_on())
		trace_emit(TRACE_SLEEP, NULL, started);
	if (plat_boot->target == BOOT_MONITOR)
		served_at = time_now();
}

/* Our monitor moves packets only inside platform calls: a busy body lets it, now and then. */
static void serve(instant now)
{
	if (plat_boot->target != BOOT_MONITOR || plat_boot->device_count == 0 ||
		now - served_at < LOOP_SERVE_NS)
		return;
	plat_sleep(AT_ONCE);
	served_at = now;
}

void loop_turn(bool may_sleep)
{
	bool happened = task_run_posted(TASKS_PER_TURN);
	instant now = turned_at = time_now();

	happened |= timer_expire(now);
	happened |= poll_all();
	if (happened) {
		active_at = now;
		if (trace_is_on())
			trace_emit(TRACE_TURN, NULL, now);
	}
	serve(now);
	if (happened || !may_sleep || task_is_any_posted() || timer_tidy())
		return;
	if (now - active_at >= plat_boot->spin_ns)
		sleep_armed();
}
