/*
 * NewReno's window (RFC 5681 3.1, 3.2; RFC 6582): one segment more in a round trip, half at a loss.
 */
#include "diatom/tcp_congestion.h"

#define WINDOW_MOST (1u << 30)

/* own[0]: bytes acknowledged towards the next segment of growth. */
static void acknowledged(struct tcp_congestion *c, uint32_t bytes, instant now)
{
	if (c->window >= WINDOW_MOST)
		return;
	if (c->window < c->threshold) {
		c->window += bytes;
		return;
	}
	c->own[0] += bytes;
	while (c->own[0] >= c->window) {
		c->own[0] -= c->window;
		c->window += c->mss;
	}
}

static uint32_t half(const struct tcp_congestion *c, uint32_t in_flight)
{
	uint32_t window = in_flight < c->window ? in_flight : c->window;

	return window / 2 > 2 * c->mss ? window / 2 : 2 * c->mss;
}

static void reduced(struct tcp_congestion *c, uint32_t in_flight, bool is_mark, instant now)
{
	c->threshold = half(c, in_flight);
	c->own[0] = 0;
}

static void timed_out(struct tcp_congestion *c, uint32_t in_flight, instant now)
{
	reduced(c, in_flight, false, now);
}

/* RFC 5681 4.1: not more than at the start. */
static void idled(struct tcp_congestion *c, duration idle, instant now)
{
	uint32_t first = 10 * c->mss;

	if (c->window > first)
		c->window = first;
}

const struct tcp_congestion_ops tcp_reno = {
	.name = "reno",
	.acknowledged = acknowledged,
	.reduced = reduced,
	.timed_out = timed_out,
	.idled = idled,
};
