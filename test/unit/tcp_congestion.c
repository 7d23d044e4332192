/*
 * The curves of congestion controllers, by themselves: HyStart++'s two slow starts, CUBIC's cubic, NewReno's
 * lines. A network that acknowledges a window in each round trip drives them.
 */
#include <math.h>

#include "diatom/tcp_congestion.h"
#include "test/check.h"

enum { MSS = 1000 };

static instant now;

static struct tcp_congestion begin(void)
{
	now = SECONDS(100);
	return (struct tcp_congestion){
		.window = 10 * MSS, .threshold = TCP_THRESHOLD_NONE, .mss = MSS
	};
}

/* One round trip: every segment of the window is acknowledged. */
static void round_trip(
	const struct tcp_congestion_ops *ops, struct tcp_congestion *c, uint32_t rtt_us)
{
	uint32_t segments = c->window / MSS;

	c->rtt_us = c->rtt_last_us = rtt_us;
	for (uint32_t i = 0; i < segments; i++) {
		now += MICROSECONDS(rtt_us) / segments;
		ops->acknowledged(c, MSS, now);
	}
}

/* RFC 5681 3.1: while nothing queues, twice the window in each round trip. */
static void slow_start_doubles(void)
{
	const struct tcp_congestion_ops *all[] = { &tcp_cubic, &tcp_reno };

	for (unsigned k = 0; k < 2; k++) {
		struct tcp_congestion c = begin();

		for (unsigned i = 1; i <= 8; i++) {
			round_trip(all[k], &c, 50000 + 10 * i);
			CHECK_EQUAL(c.window, (10u << i) * MSS);
		}
		CHECK_EQUAL(c.threshold, TCP_THRESHOLD_NONE);
	}
}

/* RFC 9406 4.2: the RTT grows by an eighth; five slower rounds, and then no slow start any more. */
static void growing_rtt_ends_slow_start(void)
{
	struct tcp_congestion c = begin();
	uint32_t before;

	round_trip(&tcp_cubic, &c, 50000);
	round_trip(&tcp_cubic, &c, 50000);
	CHECK_EQUAL(c.window, 40 * MSS);
	round_trip(&tcp_cubic, &c, 50000 + 50000 / 8 + 1);
	/* Eight samples at full speed, for they have to be had; the others at a quarter of it. */
	CHECK_EQUAL(c.window, 40 * MSS + 7 * MSS + 33 * MSS / 4);
	for (unsigned i = 1; i < 5; i++) { /* the one in which it began counts */
		before = c.window;
		CHECK_EQUAL(c.threshold, TCP_THRESHOLD_NONE);
		round_trip(&tcp_cubic, &c, 60000);
		CHECK(c.window <= before + before / 4 + MSS);
	}
	round_trip(&tcp_cubic, &c, 60000); /* a rest of the window that is no whole segment */
	CHECK(c.threshold != TCP_THRESHOLD_NONE && c.window >= c.threshold);
	before = c.window;
	round_trip(&tcp_cubic, &c, 60000);
	CHECK(c.window <= before + 2 * MSS);
}

/* ... 4.2: it was jitter: as fast as before. And a step below 4 ms is none. */
static void jitter_does_not(void)
{
	struct tcp_congestion c = begin();
	uint32_t before;

	round_trip(&tcp_cubic, &c, 50000);
	round_trip(&tcp_cubic, &c, 50000);
	round_trip(&tcp_cubic, &c, 60000);
	round_trip(&tcp_cubic, &c, 50000);
	before = c.window;
	round_trip(&tcp_cubic, &c, 50000);
	CHECK(c.window >= 2 * before - MSS);
	c = begin();
	round_trip(&tcp_cubic, &c, 1000);
	round_trip(&tcp_cubic, &c, 4900);
	CHECK_EQUAL(c.window, 40 * MSS);
}

/* A loss or an undone one in the middle of it leaves nothing behind that the cubic would take for its own. */
static void loss_in_slow_start(void)
{
	struct tcp_congestion c = begin();

	round_trip(&tcp_cubic, &c, 50000);
	round_trip(&tcp_cubic, &c, 60000);
	tcp_cubic.reduced(&c, c.window, false, now);
	CHECK_EQUAL(c.threshold, c.window * 7 / 10);
	c.window = 40 * MSS;
	c.threshold = TCP_THRESHOLD_NONE;
	tcp_cubic.undone(&c, now);
	round_trip(&tcp_cubic, &c, 50000);
	CHECK_EQUAL(c.window, 80 * MSS);
}

/* RFC 9438 4.2: W(t) = 0.4 (t - K)^3 + W_max, K = cbrt((W_max - cwnd) / 0.4), in segments and seconds. */
static void cubic_curve(void)
{
	const double most = 1000, k = cbrt(most * 0.3 / 0.4);
	struct tcp_congestion c = begin();
	instant start;

	c.window = (uint32_t)most * MSS;
	c.threshold = c.window;
	tcp_cubic.reduced(&c, c.window, false, now);
	CHECK_EQUAL(c.threshold, 700 * MSS);
	c.window = c.threshold;
	start = now;
	while (now - start < SECONDS(15)) {
		double t, wanted, got;

		round_trip(&tcp_cubic, &c, 100000);
		t = (double)(now - start) / 1e9;
		wanted = 0.4 * pow(t - k, 3) + most;
		got = c.window / (double)MSS;
		if (fabs(got - wanted) > 0.02 * wanted)
			CHECK_FAIL("after %.1f s: %.0f segments, not %.0f", t, got, wanted);
	}
}

/* RFC 9438 4.6, 4.7: a second loss below the first one's height makes room for others. */
static void fast_convergence(void)
{
	struct tcp_congestion c = begin();

	c.window = c.threshold = 1000 * MSS;
	tcp_cubic.reduced(&c, c.window, false, now);
	c.window = 800 * MSS;
	tcp_cubic.reduced(&c, c.window, false, now);
	c.window = c.threshold;
	CHECK_EQUAL(c.window, 560 * MSS);
	for (unsigned i = 0; i < 60;
		i++) /* K is cbrt((680 - 560) / 0.4) = 6.7 s: it stands at 680 */
		round_trip(&tcp_cubic, &c, 100000);
	CHECK(c.window > 670 * MSS && c.window < 690 * MSS);
}

/* RFC 5681 3.1: a segment in a round trip; half at a loss. */
static void reno_lines(void)
{
	struct tcp_congestion c = begin();

	c.window = c.threshold = 100 * MSS;
	for (unsigned i = 0; i < 10; i++)
		round_trip(&tcp_reno, &c, 100000);
	CHECK_EQUAL(c.window, 110 * MSS);
	tcp_reno.reduced(&c, c.window, false, now);
	CHECK_EQUAL(c.threshold, 55 * MSS);
}

int main(void)
{
	return RUN(TEST(slow_start_doubles), TEST(growing_rtt_ends_slow_start),
		TEST(jitter_does_not), TEST(loss_in_slow_start), TEST(cubic_curve),
		TEST(fast_convergence), TEST(reno_lines));
}
