/*
 * CUBIC (RFC 9438): after a loss the window grows along a cubic of time, fast back towards where the loss
 * was, slowly around it, fast beyond.
 *
 *     window  |                         .'
 *      W_max  |- - - - - - - ....---'''         W(t) = C (t - K)^3 + W_max
 *             |       ..--''                    C = 0.4, beta = 0.7
 *             |   .'                            K: when W(t) is W_max again
 *             +---------------|-------------> t since the loss
 *                             K
 *
 * Before the first loss HyStart++ (RFC 9406) looks whether the round-trip time grows, for then a queue does:
 *
 *     slow start ----- the least RTT of a round is an eighth longer ----> conservative slow start
 *                <---- it is as short again as before ------------------   | a quarter as fast
 *                                           five rounds: threshold = window '----> CUBIC
 *
 * Integers throughout: bytes and milliseconds. Where NewReno would be faster (4.3) its estimate is taken.
 */
#include "diatom/tcp_congestion.h"

#define WINDOW_MOST (1u << 30)
#define AGE_MOST_MS 100000 /* the cubic of it, times a segment, fits 64 bits */

/* What stands in c->own. */
struct cubic {
	uint32_t began_ms; /* when this epoch did; 0: it begins with the next ACK */
	uint32_t most;	   /* W_max */
	uint32_t estimate; /* W_est */
	uint32_t estimate_credit, window_credit; /* bytes on the way to the next step */
	uint32_t crest_ms;			 /* K */
	uint32_t before;    /* cwnd_prior: the window before the last reduction */
	uint32_t undo_most; /* W_max before it */
};

/* The same, while the threshold is none. */
struct slow_start {
	uint32_t
		round_left; /* bytes to be acknowledged until the round is over; 0: a new one begins */
	uint32_t least_us, least_before_us; /* of this round and of the last one; 0: no sample */
	uint32_t baseline_us; /* conservative: what the RTT must fall below again; 0: it isn't */
	uint32_t samples, rounds; /* in this round; of conservative slow start */
};

/* RFC 9406 4.3. No limit of growth by one ACK: we pace. */
#define RTT_GROWTH_LEAST_US  4000
#define RTT_GROWTH_MOST_US   16000
#define RTT_GROWTH_DIVISOR   8
#define RTT_SAMPLES	     8
#define CONSERVATIVE_DIVISOR 4
#define CONSERVATIVE_ROUNDS  5

_Static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_congestion *)0)->own), "it fits");
_Static_assert(sizeof(struct slow_start) <= sizeof(((struct tcp_congestion *)0)->own), "it fits");

static struct cubic *cubic_of(struct tcp_congestion *c)
{
	return (struct cubic *)(void *)c->own;
}

/* What stands in `own` is of the other kind after this. */
static void forget(struct tcp_congestion *c)
{
	for (unsigned i = 0; i < sizeof(c->own) / sizeof(c->own[0]); i++)
		c->own[i] = 0;
}

/* --- slow start --- */

static bool has_grown(const struct slow_start *s)
{
	uint32_t step = s->least_before_us / RTT_GROWTH_DIVISOR;

	if (step < RTT_GROWTH_LEAST_US)
		step = RTT_GROWTH_LEAST_US;
	if (step > RTT_GROWTH_MOST_US)
		step = RTT_GROWTH_MOST_US;
	return s->least_before_us != 0 && s->least_us >= s->least_before_us + step;
}

static void look_at_rtt(struct tcp_congestion *c, struct slow_start *s)
{
	if (s->samples++ == 0 || c->rtt_last_us < s->least_us)
		s->least_us = c->rtt_last_us;
	if (s->samples < RTT_SAMPLES)
		return;
	if (s->baseline_us == 0 && has_grown(s)) {
		s->baseline_us = s->least_us;
		s->rounds = 0;
	} else if (s->least_us < s->baseline_us) {
		s->baseline_us = 0;
	}
}

static void round_over(struct tcp_congestion *c, struct slow_start *s)
{
	s->least_before_us = s->least_us;
	s->least_us = s->samples = 0;
	s->round_left = c->window;
	if (s->baseline_us != 0 && ++s->rounds >= CONSERVATIVE_ROUNDS) {
		c->threshold = c->window;
		forget(c);
	}
}

/* The first one: the threshold is none yet. */
static void slow_start(struct tcp_congestion *c, uint32_t bytes)
{
	struct slow_start *s = (struct slow_start *)(void *)c->own;

	if (s->round_left == 0)
		s->round_left = c->window;
	look_at_rtt(c, s);
	c->window += s->baseline_us != 0 ? bytes / CONSERVATIVE_DIVISOR : bytes;
	if (s->round_left > bytes)
		s->round_left -= bytes;
	else
		round_over(c, s);
}

/* --- afterwards --- */

/* The integer part of the cube root: bit by bit, 21 steps. */
static uint32_t cube_root(uint64_t x)
{
	uint64_t root = 0;

	for (int shift = 63; shift >= 0; shift -= 3) {
		uint64_t part;

		root *= 2;
		part = 3 * root * (root + 1) + 1;
		if (x >> shift >= part) {
			x -= part << shift;
			root++;
		}
	}
	return (uint32_t)root;
}

static uint32_t ms_of(instant now)
{
	return (uint32_t)(now / 1000000) | 1;
}

static void begin(struct tcp_congestion *c, struct cubic *u, instant now)
{
	uint64_t below;

	u->began_ms = ms_of(now);
	u->estimate = c->window;
	u->estimate_credit = u->window_credit = 0;
	if (c->window >= u->most) {
		u->most = c->window;
		u->crest_ms = 0;
		return;
	}
	/* K = cbrt((W_max - cwnd) / C), in segments and seconds. */
	below = (uint64_t)(u->most - c->window) * 10 / (4 * c->mss);
	u->crest_ms =
		cube_root(below < 8000000 ? below * 1000000000 : UINT64_C(8000000) * 1000000000);
}

/* W_cubic(age), bytes; between nothing and WINDOW_MOST. */
static uint32_t cubic_at(const struct tcp_congestion *c, const struct cubic *u, int64_t age_ms)
{
	int64_t t = age_ms - u->crest_ms, cube;

	if (t > AGE_MOST_MS)
		t = AGE_MOST_MS;
	if (t < -AGE_MOST_MS)
		t = -AGE_MOST_MS;
	cube = t * t * t / 1000 * 4 * c->mss / 10000000; /* C = 4/10, ms^3 = 10^-9 s^3 */
	cube += u->most;
	return cube < 0 ? 0 : cube > WINDOW_MOST ? WINDOW_MOST : (uint32_t)cube;
}

/* 4.3: what NewReno would have by now. */
static void estimate(struct tcp_congestion *c, struct cubic *u, uint32_t bytes)
{
	/* alpha = 3 (1 - beta) / (1 + beta) = 9/17, 1 once the old window is reached. */
	u->estimate_credit +=
		u->estimate >= u->before ? bytes : (uint32_t)((uint64_t)bytes * 9 / 17);
	while (u->estimate_credit >= c->window) {
		u->estimate_credit -= c->window;
		u->estimate += c->mss;
	}
}

static void acknowledged(struct tcp_congestion *c, uint32_t bytes, instant now)
{
	struct cubic *u = cubic_of(c);
	uint32_t target;

	if (c->window >= WINDOW_MOST)
		return;
	if (c->threshold == TCP_THRESHOLD_NONE) {
		slow_start(c, bytes);
		return;
	}
	if (c->window < c->threshold) {
		c->window += bytes;
		return;
	}
	if (u->began_ms == 0)
		begin(c, u, now);
	estimate(c, u, bytes);
	target = cubic_at(c, u, (int64_t)(ms_of(now) - u->began_ms) + c->rtt_us / 1000);
	if (target > c->window + c->window / 2)
		target = c->window + c->window / 2;
	if (target > c->window) {
		uint64_t step = (uint64_t)(target - c->window) * bytes + u->window_credit;

		u->window_credit = (uint32_t)(step % c->window);
		c->window += (uint32_t)(step / c->window);
	}
	if (u->estimate > c->window)
		c->window = u->estimate;
}

/*
 * 4.6, 4.7: beta 0.7; a flow that didn't reach its old height again makes room (fast convergence). Of the window, not
 * of what is in flight: that may be little for a moment, when a hole held the send queue or the peer's window up, and
 * a window that the program didn't fill has not grown.
 */
static void reduced(struct tcp_congestion *c, uint32_t in_flight, bool is_mark, instant now)
{
	struct cubic *u = cubic_of(c);

	if (c->threshold == TCP_THRESHOLD_NONE)
		forget(c);
	u->undo_most = u->most;
	u->before = c->window;
	u->most = c->window < u->most ? (uint32_t)((uint64_t)c->window * 17 / 20) : c->window;
	u->began_ms = 0;
	c->threshold = (uint32_t)((uint64_t)c->window * 7 / 10);
	if (c->threshold < 2 * c->mss)
		c->threshold = 2 * c->mss;
}

static void timed_out(struct tcp_congestion *c, uint32_t in_flight, instant now)
{
	reduced(c, in_flight, false, now);
}

static void undone(struct tcp_congestion *c, instant now)
{
	struct cubic *u = cubic_of(c);

	u->most = u->undo_most;
	u->began_ms = 0;
	if (c->threshold == TCP_THRESHOLD_NONE)
		forget(c);
}

/* 4.2.1: time without sending is no time of the cubic's; and the window is not kept for ever. */
static void idled(struct tcp_congestion *c, duration idle, instant now)
{
	struct cubic *u = cubic_of(c);
	uint32_t first = 10 * c->mss;

	if (c->threshold == TCP_THRESHOLD_NONE)
		forget(c);
	else
		u->began_ms = 0;
	if (c->window > first)
		c->window = first;
}

const struct tcp_congestion_ops tcp_cubic = {
	.name = "cubic",
	.acknowledged = acknowledged,
	.reduced = reduced,
	.timed_out = timed_out,
	.undone = undone,
	.idled = idled,
};
