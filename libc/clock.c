/*
 * Clocks and sleeping.
 *
 * A program without fibers sleeps in the platform; one with fibers must let the others run, so there
 * it is sleep_for. Which of the two is decided by the linker: the reference is weak, and never brings
 * the scheduler into an image on its own.
 */
#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "diatom/fiber.h"
#include "diatom/time.h"
#include "libc/calls.h"
#include "plat/plat.h"

__attribute__((weak)) enum status sleep_until(instant deadline);

static bool is_duration(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

static duration duration_of(const struct timespec *t)
{
	int64_t ns;

	if (__builtin_mul_overflow(t->tv_sec, INT64_C(1000000000), &ns) ||
		__builtin_add_overflow(ns, t->tv_nsec, &ns))
		return FOREVER;
	return ns;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* The clocks of Linux by what they measure here: one that steps, one that doesn't, and the time spent
 * running, which is all the time. -1 for an unknown one. */
static int64_t clock_read(long clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		return time_wall_ns();
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return time_now();
	default:
		return -1;
	}
}

long libc_clock_gettime(long clock, long out)
{
	int64_t ns = clock_read(clock);

	if (ns < 0)
		return -EINVAL;
	*(struct timespec *)out = timespec_of(ns);
	return 0;
}

long libc_clock_getres(long clock, long out)
{
	if (clock_read(clock) < 0)
		return -EINVAL;
	if (out)
		*(struct timespec *)out = timespec_of(1);
	return 0;
}

long libc_gettimeofday(long out, long zone)
{
	int64_t ns = time_wall_ns();

	if (out)
		*(struct timeval *)out = (struct timeval){ .tv_sec = ns / 1000000000,
			.tv_usec = ns % 1000000000 / 1000 };
	return 0;
}

/* 0, or -EINTR when the fiber was cancelled. */
static long sleep_to(instant deadline)
{
	if (sleep_until)
		return sleep_until(deadline) == OK ? 0 : -EINTR;
	while (time_now() < deadline)
		plat_sleep(deadline);
	return 0;
}

static void write_rest(struct timespec *rest, instant deadline)
{
	duration left = deadline - time_now();

	if (rest)
		*rest = timespec_of(left > 0 ? left : 0);
}

long libc_clock_nanosleep(long clock, long flags, long wanted, long rest)
{
	const struct timespec *t = (const struct timespec *)wanted;
	instant deadline;
	long result;

	if (!is_duration(t) || clock_read(clock) < 0)
		return -EINVAL;
	if (flags & TIMER_ABSTIME)
		deadline = in_ns(duration_of(t) - clock_read(clock));
	else
		deadline = in_ns(duration_of(t));
	result = sleep_to(deadline);
	if (result != 0 && !(flags & TIMER_ABSTIME))
		write_rest((struct timespec *)rest, deadline);
	return result;
}

long libc_nanosleep(long wanted, long rest)
{
	return libc_clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, rest);
}
