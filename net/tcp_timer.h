/*
 * TCP's timers: one for each flow, in a timing wheel of the host's own, so that it runs in virtual time
 * and needs no clock.
 *
 *     level   a slot lasts   256 slots reach
 *     0       131 us         34 ms
 *     1       34 ms          8.6 s
 *     2       8.6 s          37 min
 *     3       37 min         6.5 days; what is later waits in its last slot
 *
 * A timer that is set later than it stands is left where it is, by its owner: it expires early, its owner
 * looks at the time and sets it anew. So the retransmission timer, which moves with each ACK, costs one
 * expiry in a round of it and nothing else.
 */
#ifndef DIATOM_NET_TCP_TIMER_H
#define DIATOM_NET_TCP_TIMER_H

#include <stdbool.h>

#include "diatom/time.h"

#define TCP_WHEEL_LEVELS 4
#define TCP_WHEEL_SLOTS	 256

struct tcp_timer {
	struct tcp_timer *next, **link; /* link NULL: not set */
	instant when;
};

struct tcp_wheel {
	uint64_t tick; /* all up to it have expired */
	struct tcp_timer *slots[TCP_WHEEL_LEVELS][TCP_WHEEL_SLOTS];
	uint64_t words[TCP_WHEEL_LEVELS][TCP_WHEEL_SLOTS / 64]; /* bit: the slot may have timers */
};

/* `wheel` is zeroed. */
void tcp_wheel_start(struct tcp_wheel *wheel, instant now);

/* Expires at `when` or up to 131 us later; moves it if it is set. FOREVER: tcp_timer_cancel. */
void tcp_timer_set(struct tcp_wheel *wheel, struct tcp_timer *timer, instant when);
void tcp_timer_cancel(struct tcp_timer *timer);

static inline bool tcp_timer_is_set(const struct tcp_timer *timer)
{
	return timer->link != 0;
}

/* The next timer that is due at `now`, taken out; NULL: none is left. */
struct tcp_timer *tcp_wheel_take(struct tcp_wheel *wheel, instant now);

/* When tcp_wheel_take should be called next; FOREVER: no timer is set. */
instant tcp_wheel_next(const struct tcp_wheel *wheel);

#endif
