/*
 * TCP over hostile links: streams in both directions between two hosts, thousands of seeds.
 *
 *     opener 10.0.0.1 ---- link ---- 10.0.0.2 listener, port 7        every third seed: fd00::1, fd00::2
 *
 * Whatever the link does, each end reads what the other wrote, to the last byte; both end; nothing is
 * left; at every step the books of every connection balance and something is going to happen (sim_tcp.c).
 */
#include "test/sim/sim_pairs.h"
#include "test/sim/sim_seeds.h"

#define SEEDS_DEFAULT 1000
#define SEEDS_SOAK    40000 /* others each time */
#define PAIRS_MAX     4
#define WRAP_SEEDS    60

struct world {
	struct sim_link link;
	struct sim_tcp opener, listener;
	struct tcp_port port;
	bool is_v6;
};

static struct world w;

static void start(const struct sim_link *link)
{
	memset(&w.link, 0, sizeof(w.link));
	memset(&w.port, 0, sizeof(w.port));
	w.link = *link;
	sim_pairs_start();
	sim_tcp_start(&w.opener, &w.link, 1, w.is_v6 ? "fd00::1/64" : "10.0.0.1/24");
	sim_tcp_start(&w.listener, &w.link, 2, w.is_v6 ? "fd00::2/64" : "10.0.0.2/24");
	w.opener.tcp.is_ecn_asked = sim_chance(500000);
	w.opener.tcp.is_stamp_spared = sim_chance(300000); /* then F-RTO has to do without */
	w.port.ready = sim_pairs_accept;
	CHECK(tcp_port_listen(&w.listener.tcp, &w.port, SIM_PAIR_PORT) == OK);
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

static struct sim_pair *add_pair(void)
{
	static const struct address v6 = { { 0xfd, [15] = 2 } };

	return sim_pairs_add(&w.opener, &w.listener, w.is_v6 ? v6 : address_v4(0x0a000002));
}

/* No first numbers but such as wrap within a stream: the port is known before, for a while. */
static uint32_t no_chance(void)
{
	return 0;
}

static void open_wrapping(struct sim_pair *pair)
{
	struct tcp_ends ends = { .local = address_v4(0x0a000001),
		.remote = address_v4(0x0a000002),
		.remote_port = SIM_PAIR_PORT };
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
		.local_port = SIM_PAIR_PORT,
		.remote_port = ends.local_port };
	sim_tcp_wrap_soon(&w.listener, &back, 60000);
	sim_pair_open(pair);
	stack->random = random;
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

static void run_and_judge(uint64_t seed)
{
	const char *fault;

	sim_run(sim_now() + SECONDS(3000), sim_pairs_are_done, NULL);
	fault = sim_pairs_fault();
	if (fault != NULL)
		CHECK_FAIL("seed %llu: %s", (unsigned long long)seed, fault);
}

static uint64_t run_seed(uint64_t seed)
{
	struct sim_link link;
	unsigned pairs;
	uint64_t digest;

	sim_start(seed);
	tcp_link_random(&link);
	w.is_v6 = seed % 3 == 0;
	if (w.is_v6 && link.mtu < IPV6_MTU_MIN)
		link.mtu = IPV6_MTU_MIN;
	start(&link);
	pairs = sim_chance(700000) ? 1 : sim_between(2, PAIRS_MAX);
	for (unsigned i = 0; i < pairs; i++)
		add_pair();
	add_changes();
	run_and_judge(seed);
	digest = sim_digest();
	stop();
	return digest;
}

static void streams_over_hostile_links(void)
{
	sim_seeds_run(run_seed);
}

/* Both ends' numbers go through 2^32, on links of every kind. */
static void numbers_wrap(void)
{
	for (uint64_t seed = 1; seed <= WRAP_SEEDS; seed++) {
		struct sim_link link;
		struct sim_pair *pair;

		sim_start(seed);
		w.is_v6 = false;
		tcp_link_random(&link);
		start(&link);
		pair = add_pair();
		pair->open = open_wrapping;
		pair->here.to_send = pair->there.to_send = 100000;
		pair->here.write_most = pair->there.write_most = 1448;
		sim_pair_agree(pair);
		add_changes();
		run_and_judge(seed);
		stop();
		if (check_failed)
			return;
	}
}

static void same_seed_same_run(void)
{
	sim_seeds_repeat(run_seed, 20);
}

int main(int argc, char **argv)
{
	if (sim_seeds_choose(argc, argv, SEEDS_DEFAULT, SEEDS_SOAK))
		return RUN(TEST(streams_over_hostile_links));
	return RUN(TEST(streams_over_hostile_links), TEST(numbers_wrap), TEST(same_seed_same_run));
}
