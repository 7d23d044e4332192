/*
 * The body's clock (boot_clock), and the one-shot timer that ends a sleep.
 */
#ifndef DIATOM_SHIM_CLOCK_H
#define DIATOM_SHIM_CLOCK_H

#include <stdint.h>

#include "abi/boot.h"

/* The first look at the counters. The local APIC must be on. */
void clock_begin(void);

/* The second: sets the clock, which reads 0 now. `wall_ns`: wall time as the loader told it, or 0. */
void clock_set(struct boot_clock *clock, int64_t wall_ns);

/* The body's monotonic time. */
int64_t clock_now(const struct boot_clock *clock);

/* Raises the timer's interrupt once, in `ns` (more than 0) or somewhat earlier. */
void timer_start(int64_t ns);
void timer_stop(void);

#endif
