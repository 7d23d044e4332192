/*
 * Timers, as the run loop drives them. Programs set them with task_at (diatom/task.h).
 */
#ifndef DIATOM_CORE_TIMER_H
#define DIATOM_CORE_TIMER_H

#include <stdbool.h>

#include "diatom/time.h"

/* Posts every task that is due at `now`. True if there was one. */
bool timer_expire(instant now);

/*
 * Does part of the wheel's housekeeping ahead of time; true if there is more. The loop calls it when
 * it has nothing else to do, so that no burst of it delays a task later.
 */
bool timer_tidy(void);

/* When timer_expire must be called next; FOREVER: no timer is set. Exact after timer_tidy said
 * false, but for timers some seconds away, which it may announce early. */
instant timer_next(void);

#endif
