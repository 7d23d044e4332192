/*
 * The host's clocks, in nanoseconds.
 */
#ifndef DIATOM_HOST_CLOCK_H
#define DIATOM_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * CLOCK_MONOTONIC or CLOCK_REALTIME, by a system call: the vDSO is quicker only from the twentieth
 * reading on, for its first one costs page faults. A filter must allow clock_gettime.
 */
int64_t clock_ns(clockid_t clock);

#endif
