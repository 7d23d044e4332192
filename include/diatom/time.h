/*
 * Time: instants on the monotonic clock and durations, both signed 64-bit nanoseconds.
 *
 * The monotonic clock starts near zero at boot and never steps. Protocol code takes `now` as an
 * argument; only core and programs ask the clock.
 */
#ifndef DIATOM_TIME_H
#define DIATOM_TIME_H

#include <stdint.h>

typedef int64_t instant;  /* ns on the monotonic clock */
typedef int64_t duration; /* ns */

#define NANOSECONDS(n)	((duration)(n))
#define MICROSECONDS(n) ((duration)(n) * 1000)
#define MILLISECONDS(n) ((duration)(n) * 1000000)
#define SECONDS(n)	((duration)(n) * 1000000000)

/* A deadline that never comes. */
#define FOREVER INT64_MAX
/* A deadline that has passed: "only if it can be done now". */
#define AT_ONCE INT64_MIN

/* The monotonic clock. Never blocks; about 10 ns. */
instant time_now(void);

/* Wall-clock time, ns since 1970-01-01 UTC, as the host told it at boot plus time run since. */
int64_t time_wall_ns(void);

/* `after` a given instant, saturating at FOREVER. */
instant instant_after(instant start, duration length);

static inline instant in_ns(duration length)
{
	return instant_after(time_now(), length);
}

/* `count` units from now, saturating at FOREVER: the count may come from anywhere. */
static inline instant in_units(int64_t count, duration unit)
{
	duration length;

	if (__builtin_mul_overflow(count, unit, &length))
		return count > 0 ? FOREVER : AT_ONCE;
	return in_ns(length);
}

static inline instant in_ms(int64_t milliseconds)
{
	return in_units(milliseconds, MILLISECONDS(1));
}

static inline instant in_seconds(int64_t seconds)
{
	return in_units(seconds, SECONDS(1));
}

#endif
