/*
 * TCP over hostile links: streams in both directions between two hosts, thousands of seeds.
 *
 *     opener 10.0.0.1 ---- link ---- 10.0.0.2 listener, port 7        every third seed: fd00::1, fd00::2
 *
 * Whatever the link does, each end reads what the other wrote, to the last byte; both end; nothing is
 * left; at every step the books of every connection balance and something is going to happen (sim_tcp.c).
 *
 *     build/test/sim/tcp SEED [COUNT [trace]]     one seed, or some from it on; a failing one prints its
 *                                          packets, with `trace` all do
 */
#include <stdlib.h>
#include <time.h>

#include "test/check.h"
#include "test/sim/sim_tcp.h"

#define SEEDS_DEFAULT 1000
#define SEEDS_SOAK    40000 /* others each time */
#define PAIRS_MAX     4
#define WRAP_SEEDS    60

struct world {
	struct sim_link link;
	struct sim_tcp opener, listener;
	struct tcp_port port;
	struct sim_talker here[PAIRS_MAX], there[PAIRS_MAX];
	unsigned pairs, accepted;
	bool is_v6;
};

static struct world w;
static uint64_t first_seed = 1, seed_count = SEEDS_DEFAULT;

/* The talker whose opener has that port. */
static struct sim_talker *talker_for(const struct tcp_connection *c)
{
	for (unsigned i = 0; i < w.pairs; i++)
		if (w.here[i].c != NULL &&
			w.here[i].c->flow.ends.local_port == c->flow.ends.remote_port)
			return &w.there[i];
	return NULL;
}

static void accept_all(struct tcp_port *port)
{
	struct tcp_connection *c;

	while ((c = tcp_port_accept(port)) != NULL) {
		struct sim_talker *t = talker_for(c);

		if (t == NULL) { /* its opener has given up */
			tcp_connection_abort(c);
			tcp_connection_release(c);
			continue;
		}
		w.accepted++;
		sim_talker_join(t, &w.listener, c);
	}
}

static void start(const struct sim_link *link)
{
	memset(&w.link, 0, sizeof(w.link));
	memset(&w.port, 0, sizeof(w.port));
	w.link = *link;
	w.pairs = w.accepted = 0;
	sim_talkers_forget();
	sim_tcp_start(&w.opener, &w.link, 1, w.is_v6 ? "fd00::1/64" : "10.0.0.1/24");
	sim_tcp_start(&w.listener, &w.link, 2, w.is_v6 ? "fd00::2/64" : "10.0.0.2/24");
	w.opener.tcp.is_ecn_asked = sim_chance(500000);
	w.opener.tcp.is_stamp_spared = sim_chance(300000); /* then F-RTO has to do without */
	w.port.ready = accept_all;
	CHECK(tcp_port_listen(&w.listener.tcp, &w.port, 7) == OK);
	sim_check_always(sim_talkers_check);
}

static void stop(void)
{
	sim_check_always(NULL);
	tcp_port_close(&w.port);
	sim_tcp_end(&w.opener);
	sim_tcp_end(&w.listener);
	sim_end();
}

static void open_pair(void *argument)
{
	unsigned i = (unsigned)(uintptr_t)argument;
	struct endpoint to = { address_v4(0x0a000002), 7 };
	struct address v6 = { { 0xfd, [15] = 2 } };
	struct tcp_connection *c;

	net_stack_set_time(&w.opener.host.stack, sim_now());
	if (w.is_v6)
		to.address = v6;
	CHECK(tcp_connection_open(&w.opener.tcp, &to, &c) == OK);
	sim_talker_join(&w.here[i], &w.opener, c);
}

/* No first numbers but such as wrap within a stream: the port is known before, for a while. */
static uint32_t no_chance(void)
{
	return 0;
}

static void open_wrapping(void *argument)
{
	struct tcp_ends ends = {
		.local = address_v4(0x0a000001), .remote = address_v4(0x0a000002), .remote_port = 7
	};
	struct net_stack *stack = &w.opener.host.stack;
	uint32_t (*random)(void) = stack->random;
	struct tcp_ends back;

	net_stack_set_time(stack, sim_now());
	net_stack_set_time(&w.listener.host.stack, sim_now());
	stack->random = no_chance;
	do {
		w.opener.tcp.secret.k1++;
		CHECK(tcp_port_choose(&w.opener.tcp, &ends));
	} while (-tcp_sequence_first(&w.opener.tcp, &ends) > 60000);
	back = (struct tcp_ends){ .local = ends.remote,
		.remote = ends.local,
		.local_port = 7,
		.remote_port = ends.local_port };
	sim_tcp_wrap_soon(&w.listener, &back, 60000);
	open_pair(argument);
	stack->random = random;
}

static void add_pair(unsigned i, void (*open)(void *argument))
{
	w.pairs = i + 1;
	sim_talker_random(&w.here[i], 2 * i, 2 * i + 1);
	sim_talker_random(&w.there[i], 2 * i + 1, 2 * i);
	w.here[i].reopen = open;
	w.here[i].argument = (void *)(uintptr_t)i;
	sim_at(sim_now() + MICROSECONDS(sim_between(0, 20000)), open, (void *)(uintptr_t)i);
}

/* Each pair's ends await what the other sends. */
static void agree_on_lengths(void)
{
	for (unsigned i = 0; i < w.pairs; i++) {
		sim_talker_await(&w.here[i], w.there[i].to_send);
		sim_talker_await(&w.there[i], w.here[i].to_send);
	}
}

static void add_pairs(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		add_pair(i, open_pair);
	agree_on_lengths();
}

static bool all_done(void *argument)
{
	for (unsigned i = 0; i < w.pairs; i++)
		if (!w.here[i].is_done || !w.there[i].is_done)
			return false;
	return w.opener.tcp.connections == 0 && w.listener.tcp.connections == 0;
}

static void tcp_link_random(struct sim_link *link)
{
	sim_link_random(link);
	if (sim_chance(300000)) {
		link->burst = sim_between(1, 5000);
		link->burst_most = MILLISECONDS(sim_between(1, 200));
	}
	if (sim_chance(300000)) {
		link->late = sim_between(1, 100000);
		link->late_by = MICROSECONDS(sim_between(1, 30000));
	}
	if (sim_chance(500000)) {
		link->bytes_a_second = sim_between(50000, 20000000);
		link->queue_bytes = sim_between(link->mtu * 5u, 300000);
	}
	if (sim_chance(400000))
		link->features = NETDEV_CHECKSUM | NETDEV_SEGMENT_TCP;
}

/* The network changes under the connections: cut for a while, narrower, slower, lossier. */
static void change_link(void *argument)
{
	switch (sim_between(0, 5)) {
	case 0:
		w.link.is_cut = true;
		break;
	case 1:
		w.link.mtu_through = (uint16_t)sim_between(w.is_v6 ? 1280 : 576, 1400);
		break;
	case 2:
		w.link.bytes_a_second = sim_between(20000, 2000000);
		w.link.queue_bytes = sim_between(20000, 200000);
		break;
	case 3:
		w.link.delay_least += MICROSECONDS(sim_between(1, 50000));
		w.link.delay_most = w.link.delay_least;
		break;
	case 4:
		w.link.loss = sim_between(0, 200000);
		break;
	}
}

/* A partition ends; heavy loss, too. */
static void mend_link(void *argument)
{
	w.link.is_cut = false;
	if (w.link.loss > 50000)
		w.link.loss = 10000;
}

static void add_changes(void)
{
	unsigned changes = sim_chance(500000) ? sim_between(1, 4) : 0;

	for (unsigned i = 0; i < changes; i++) {
		instant when = sim_now() + MILLISECONDS(sim_between(1, 3000));

		sim_at(when, change_link, NULL);
		sim_at(when + MILLISECONDS(sim_between(1, 20000)), mend_link, NULL);
	}
}

static void judge(uint64_t seed, bool is_done)
{
	for (unsigned i = 0; i < w.pairs; i++) {
		const struct sim_talker *both[2] = { &w.here[i], &w.there[i] };

		for (unsigned k = 0; k < 2; k++) {
			const struct sim_talker *t = both[k];

			if (t->is_wrong)
				CHECK_FAIL("seed %llu: stream %u is wrong at %llu",
					(unsigned long long)seed, t->peer_stream,
					(unsigned long long)t->read);
			if (!t->is_done || t->ended != OK || t->read != t->to_read)
				CHECK_FAIL(
					"seed %llu: %u wrote %llu of %llu, read %llu of %llu: %s, %s",
					(unsigned long long)seed, t->stream,
					(unsigned long long)t->sent, (unsigned long long)t->to_send,
					(unsigned long long)t->read, (unsigned long long)t->to_read,
					status_text(t->ended),
					t->c ? tcp_state_text((enum tcp_state)t->c->flow.ends.state)
					     : "no connection");
		}
	}
	if (!is_done)
		CHECK_FAIL("seed %llu: not over", (unsigned long long)seed);
}

static uint64_t run_seed(uint64_t seed)
{
	struct sim_link link;
	uint64_t digest;
	bool is_done;

	sim_start(seed);
	tcp_link_random(&link);
	w.is_v6 = seed % 3 == 0;
	if (w.is_v6 && link.mtu < IPV6_MTU_MIN)
		link.mtu = IPV6_MTU_MIN;
	start(&link);
	add_pairs(sim_chance(700000) ? 1 : sim_between(2, PAIRS_MAX));
	add_changes();
	is_done = sim_run(sim_now() + SECONDS(3000), all_done, NULL);
	judge(seed, is_done);
	digest = sim_digest();
	stop();
	return digest;
}

static void streams_over_hostile_links(void)
{
	size_t packets = sim_packets();

	for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
		run_seed(seed);
		if (sim_packets() != packets)
			CHECK_FAIL("seed %llu: %zu packets leaked", (unsigned long long)seed,
				sim_packets() - packets);
		if (check_failed) {
			printf("the packets of seed %llu:\n", (unsigned long long)seed);
			sim_trace(true);
			run_seed(seed);
			sim_trace(false);
			return;
		}
	}
}

/* Both ends' numbers go through 2^32, on links of every kind. */
static void numbers_wrap(void)
{
	for (uint64_t seed = 1; seed <= WRAP_SEEDS; seed++) {
		struct sim_link link;

		sim_start(seed);
		tcp_link_random(&link);
		start(&link);
		add_pair(0, open_wrapping);
		w.here[0].to_send = w.there[0].to_send = 100000;
		w.here[0].write_most = w.there[0].write_most = 1448;
		agree_on_lengths();
		add_changes();
		judge(seed, sim_run(sim_now() + SECONDS(3000), all_done, NULL));
		stop();
		if (check_failed)
			return;
	}
}

static void same_seed_same_run(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		CHECK(run_seed(seed) == run_seed(seed));
}

int main(int argc, char **argv)
{
	if (getenv("SIM_SOAK") != NULL) {
		first_seed = (uint64_t)time(NULL) * SEEDS_SOAK;
		seed_count = SEEDS_SOAK;
	}
	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 0);
		seed_count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
		sim_trace(argc > 3);
	}
	if (argc > 1)
		return RUN(TEST(streams_over_hostile_links));
	return RUN(TEST(streams_over_hostile_links), TEST(numbers_wrap), TEST(same_seed_same_run));
}
