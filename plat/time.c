/*
 * The clock: one multiplication on the time-stamp counter, or a call of Linux's vDSO where the host
 * says that the counter can't be trusted.
 *
 *     now = (rdtsc - tsc_base) * mult >> shift
 *
 * Both read zero near the body's start; wall time is an offset that the host gave.
 */
#include <time.h>

#include "plat/call.h"
#include "plat/plat.h"

static instant counter_now(const struct boot_clock *clock)
{
	uint64_t ticks = __builtin_ia32_rdtsc() - clock->tsc_base;

	return (instant)(((unsigned __int128)ticks * clock->mult) >> (clock->shift & 127));
}

static instant called_now(const struct boot_clock *clock)
{
	struct timespec t = { 0 };

	call_entry(clock->call, CLOCK_MONOTONIC, (uint64_t)&t, 0);
	return SECONDS(t.tv_sec) + t.tv_nsec - clock->mono_base;
}

instant time_now(void)
{
	const struct boot_clock *clock = &plat_boot->clock;

	if (__builtin_expect(clock->kind == BOOT_CLOCK_TSC, 1))
		return counter_now(clock);
	return called_now(clock);
}

int64_t time_wall_ns(void)
{
	return plat_boot->clock.wall_ns + time_now();
}
