/*
 * CALL_SLEEP: serve the devices, and wait when they have nothing.
 */
#ifndef DIATOM_MONITOR_SLEEP_H
#define DIATOM_MONITOR_SLEEP_H

#include "host/monitor/guest.h"

/* Serves every device once. True if any has news for its driver. */
bool sleep_serve(struct guest *guest);

/*
 * Serves devices, then waits until one has news, a signal came, or the guest's clock reaches
 * `deadline` (ns; INT64_MIN: don't wait, INT64_MAX: no deadline), and serves them again.
 */
void sleep_until(struct guest *guest, int64_t deadline);

/* The body's clock. */
int64_t sleep_now(const struct guest *guest);

#endif
