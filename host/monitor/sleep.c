/*
 * The deadline is compared with the clock that the body reads, by the same arithmetic on the same
 * counter, and becomes a relative wait: host and guest can't disagree about the time.
 */
#include "host/monitor/sleep.h"

#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/monitor/signals.h"
#include "host/monitor/watch.h"
#include "host/observe/sampler.h"

int64_t sleep_now(const struct guest *guest)
{
	const struct boot_clock *clock = &guest->boot->clock;
	uint32_t low, high;
	uint64_t tsc;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	tsc = ((uint64_t)high << 32 | low) + (uint64_t)guest->vcpu.tsc_offset - clock->tsc_base;
	return (int64_t)(uint64_t)((unsigned __int128)tsc * clock->mult >> clock->shift);
}

bool sleep_serve(struct guest *guest)
{
	int64_t started = watch_begin(guest);
	bool has_news = false;

	for (unsigned i = 0; i < guest->device_count; i++)
		has_news |= device_serve(guest->devices[i]);
	if (has_news)
		watch_end(guest, TRACE_HOST_SERVE, started, 0);
	return has_news;
}

/* The raw call: signals_arm needs the kernel to read this very timeout. */
static long wait(struct pollfd *polled, unsigned count, struct timespec *timeout)
{
	long result;

	watch_place = WATCH_SLEEP;
	result = syscall(SYS_ppoll, polled, count, timeout, sampler_mask(), _NSIG / 8);
	watch_place = WATCH_MONITOR;
	return result;
}

/* Waits for input of any device, `left_ns` at most. */
static void wait_for_input(struct guest *guest, int64_t left_ns)
{
	struct pollfd polled[BOOT_DEVICES_MAX];
	struct device *owners[BOOT_DEVICES_MAX];
	struct timespec *timeout;
	int64_t started = watch_begin(guest);
	unsigned count = 0;

	for (unsigned i = 0; i < guest->device_count; i++) {
		int fd = device_input(guest->devices[i]);

		if (fd < 0)
			continue;
		polled[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
		owners[count++] = guest->devices[i];
	}
	timeout = signals_arm(left_ns);
	if (timeout != NULL && wait(polled, count, timeout) > 0) {
		for (unsigned i = 0; i < count; i++)
			owners[i]->input_ready |= polled[i].revents != 0;
	}
	watch_end(guest, TRACE_HOST_SLEEP, started, 0);
}

/* Polls for a while before waiting: waking from a wait takes longer. True: news. */
static bool spin(struct guest *guest, int64_t deadline)
{
	int64_t now = sleep_now(guest), end = now + guest->spin_ns;

	if (end > deadline)
		end = deadline;
	while (now < end) {
		if (sleep_serve(guest) || signals_wake())
			return true;
		now = sleep_now(guest);
	}
	return false;
}

void sleep_until(struct guest *guest, int64_t deadline)
{
	int64_t left;

	guest->sleeps++;
	if (sleep_serve(guest) || signals_wake() || deadline == INT64_MIN)
		return;
	if (guest->spin_ns > 0 && spin(guest, deadline))
		return;
	left = INT64_MAX;
	if (deadline != INT64_MAX && __builtin_sub_overflow(deadline, sleep_now(guest), &left))
		left = deadline < 0 ? 0 : INT64_MAX;
	if (left <= 0)
		return;
	wait_for_input(guest, left);
	sleep_serve(guest);
	signals_wake();
}
