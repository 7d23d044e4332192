/*
 * The monitor under observation: the sampler's ticks (`diatom profile`), and what the monitor does
 * itself, as records beside the body's (`diatom trace`). Without an observer each of these is a store
 * or a test.
 */
#ifndef DIATOM_MONITOR_WATCH_H
#define DIATOM_MONITOR_WATCH_H

#include <signal.h>
#include <stddef.h>

#include "abi/trace.h"
#include "host/monitor/guest.h"
#include "host/monitor/sleep.h"
#include "host/run.h"

/* What the monitor's one thread is at: where a tick of the sampler falls. */
enum watch_place { WATCH_MONITOR, WATCH_GUEST, WATCH_SLEEP };

extern volatile sig_atomic_t watch_place;

/* Starts what config->observer asks for, if anything. 0 or a negative errno. */
int watch_start(struct guest *guest, const struct run_config *config);

/* Adds a record of something that began at `start`. */
void watch_note(const struct guest *guest, enum trace_type type, int64_t start, uint32_t detail);

/* Around what is to be a record: */
static inline int64_t watch_begin(const struct guest *guest)
{
	return guest->trace != NULL ? sleep_now(guest) : 0;
}

static inline void watch_end(
	const struct guest *guest, enum trace_type type, int64_t start, uint32_t detail)
{
	if (guest->trace != NULL)
		watch_note(guest, type, start, detail);
}

#endif
