/*
 * Goodput of one flow on a link that loses: virtual time, so figures are exact for a seed.
 *
 *     sender 10.0.0.1 ---- delay, loss of what it sends ---- 10.0.0.2 receiver
 *
 *     build/test/sim/goodput                         the tests
 *     build/test/sim/goodput RTT_MS LOSS_PERCENT SEEDS      Mbit/s of each seed, for bench/loss.py
 *
 * What to expect is Mathis's law for AIMD: a window of sqrt(1.5 / p) segments in the mean for NewReno with an ACK
 * for each segment; CUBIC's friendly region is made to reach the same (RFC 9438 4.3).
 */
#include <math.h>
#include <stdlib.h>

#include "test/check.h"
#include "test/sim/sim_tcp.h"

#define TEXT	      1448	  /* of a segment, with time stamps */
#define VIRTUAL	      SECONDS(20) /* of each seed */
#define MUCH	      (UINT64_C(1) << 40)
#define SEEDS_OF_TEST 6

static struct sim_link link;
static struct sim_tcp sender, receiver;
static struct tcp_port port;
static struct sim_talker from, to;
static uint32_t loss; /* in a million */

/* Loses segments with text only, as the relay's lossy direction does. */
static bool lose(struct sim_link *on, const uint8_t *frame, size_t length)
{
	return length < 1000 || !sim_chance(loss);
}

static void accept_one(struct tcp_port *ready)
{
	struct tcp_connection *c = tcp_port_accept(ready);

	if (c != NULL)
		sim_talker_join(&to, &receiver, c);
}

static void start(duration rtt, uint64_t seed)
{
	const struct endpoint there = { address_v4(0x0a000002), 7 };
	struct tcp_connection *c;

	sim_start(seed);
	sim_talkers_forget();
	sim_link_perfect(&link);
	link.delay_least = link.delay_most = rtt / 2;
	link.features = NETDEV_CHECKSUM | NETDEV_SEGMENT_TCP;
	link.tap = lose;
	memset(&port, 0, sizeof(port));
	sim_tcp_start(&sender, &link, 1, "10.0.0.1/24");
	sim_tcp_start(&receiver, &link, 2, "10.0.0.2/24");
	port.ready = accept_one;
	CHECK(tcp_port_listen(&receiver.tcp, &port, 7) == OK);
	from = (struct sim_talker){
		.stream = 1, .peer_stream = 2, .to_send = MUCH, .write_most = 60000
	};
	to = (struct sim_talker){
		.stream = 2, .peer_stream = 1, .to_read = MUCH, .read_most = 1 << 20
	};
	/* Its half stays open: a talker with nothing to send would shut it. */
	to.is_shut = true;
	net_stack_set_time(&sender.host.stack, sim_now());
	CHECK(tcp_connection_open(&sender.tcp, &there, &c) == OK);
	sim_talker_join(&from, &sender, c);
}

static void stop(void)
{
	tcp_port_close(&port);
	sim_tcp_end(&sender);
	sim_tcp_end(&receiver);
	sim_end();
}

/* Mbit/s of what was read. */
static double goodput(duration rtt, uint64_t seed)
{
	double rate;

	start(rtt, seed);
	sim_run(sim_now() + VIRTUAL, NULL, NULL);
	CHECK(!to.is_wrong && from.c != NULL && from.c->error == OK);
	rate = (double)to.read * 8 / ((double)VIRTUAL / 1e9) / 1e6;
	stop();
	return rate;
}

static double mathis(duration rtt)
{
	return TEXT * 8 * sqrt(1.5 / ((double)loss / 1e6)) / ((double)rtt / 1e9) / 1e6;
}

static void reaches_its_share(duration rtt)
{
	double sum = 0, law;

	loss = 10000;
	law = mathis(rtt);
	for (uint64_t seed = 1; seed <= SEEDS_OF_TEST; seed++)
		sum += goodput(rtt, seed);
	if (sum / SEEDS_OF_TEST < 0.85 * law)
		CHECK_FAIL("%.2f Mbit/s, not 0.85 of %.2f", sum / SEEDS_OF_TEST, law);
}

static void one_percent_20_ms(void)
{
	reaches_its_share(MILLISECONDS(20));
}

static void one_percent_100_ms(void)
{
	reaches_its_share(MILLISECONDS(100));
}

/* Pacing must not stop slow start: what it holds back is no want of data. */
static void slow_start_goes_on(void)
{
	loss = 0;
	start(MILLISECONDS(100), 1);
	sim_run(sim_now() + MILLISECONDS(1000), NULL, NULL);
	CHECK(from.c->congestion.window >= 512 * 1448);
	stop();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return RUN(TEST(one_percent_20_ms), TEST(one_percent_100_ms),
			TEST(slow_start_goes_on));
	loss = (uint32_t)(atof(argv[2]) * 10000);
	for (int seed = 1; seed <= atoi(argv[3]); seed++)
		printf("%.3f\n", goodput(MILLISECONDS(atoi(argv[1])), (uint64_t)seed));
	return check_failed;
}
