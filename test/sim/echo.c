/*
 * The stack over hostile links: two hosts, one that echoes, thousands of seeds.
 *
 *     asker 10.0.0.1 ---- link (loss, delay, reordering, duplication, damage, any MTU) ---- 10.0.0.2
 *     every third seed:   fd00::1 ---- link, MTU of 1280 at least ---- fd00::2
 *
 * Whatever the link does, an echo that arrives is one that was asked for, byte for byte; with retries
 * every question is answered; nothing leaks; and a seed gives the same run twice.
 */
#include "net/ipv4.h"
#include "net/linear.h"
#include "test/sim/sim_seeds.h"

#define QUESTIONS     12
#define RETRY_AFTER   MILLISECONDS(400)
#define SEEDS_DEFAULT 5000
#define SEEDS_SOAK    200000

struct question {
	uint32_t length, tries;
	bool is_answered;
};

struct echo {
	struct sim_link link;
	struct sim_host asker, echoer;
	struct udp_port from, to;
	struct question questions[QUESTIONS];
	unsigned answered, strangers;
};

static bool is_v6; /* of the next world */

static struct echo e; /* the hosts are too large for a stack */

static struct endpoint echo_at(void)
{
	struct endpoint at = { address_v4(0x0a000002), 7 };

	if (is_v6)
		at.address = (struct address){ { 0xfd, [15] = 2 } };
	return at;
}

/* The bytes of question `n`, which names itself. */
static uint8_t byte_of(uint32_t n, uint32_t i)
{
	return i == 0 ? (uint8_t)n : (uint8_t)(n * 31 + i * 7 + (i >> 8));
}

static void ask(uint32_t n)
{
	struct question *q = &e.questions[n];
	struct packet *packet = linear_alloc(q->length);
	struct endpoint from = { .port = e.from.number }, to = echo_at();

	for (uint32_t i = 0; i < q->length; i++)
		packet->data[i] = byte_of(n, i);
	q->tries++;
	net_stack_set_time(&e.asker.stack, sim_now());
	udp_port_note_peer(&e.from, &to);
	udp_output(&e.asker.stack, packet, &from, &to);
}

static void ask_until_answered(void *argument)
{
	uint32_t n = (uint32_t)(uintptr_t)argument;

	if (e.questions[n].is_answered)
		return;
	ask(n);
	sim_at(sim_now() + RETRY_AFTER, ask_until_answered, argument);
}

static bool is_as_asked(struct view answer)
{
	uint32_t n = answer.length > 0 ? answer.data[0] : QUESTIONS;

	if (n >= QUESTIONS || answer.length != e.questions[n].length)
		return false;
	for (uint32_t i = 0; i < answer.length; i++)
		if (answer.data[i] != byte_of(n, i))
			return false;
	return true;
}

static void take_answers(struct udp_port *port)
{
	struct endpoint source, local;
	struct packet *packet;

	while (udp_port_take_error(port, &source))
		;
	while ((packet = udp_port_take(port, &source, &local)) != NULL) {
		if (!is_as_asked(packet_view(packet))) {
			e.strangers++;
		} else if (!e.questions[packet->data[0]].is_answered) {
			e.questions[packet->data[0]].is_answered = true;
			e.answered++;
		}
		packet_free(packet);
	}
}

static void echo_all(struct udp_port *port)
{
	struct endpoint source, local;
	struct packet *packet;

	while ((packet = udp_port_take(port, &source, &local)) != NULL)
		udp_output(&e.echoer.stack, packet, &local, &source);
}

static void start(const struct sim_link *link)
{
	memset(&e, 0, sizeof(e));
	e.link = *link;
	sim_host_start(&e.asker, &e.link, 1, is_v6 ? "fd00::1/64" : "10.0.0.1/24");
	sim_host_start(&e.echoer, &e.link, 2, is_v6 ? "fd00::2/64" : "10.0.0.2/24");
	e.from.ready = take_answers;
	e.to.ready = echo_all;
	CHECK(udp_port_bind(&e.asker.stack, &e.from, 0) == OK);
	CHECK(udp_port_bind(&e.echoer.stack, &e.to, 7) == OK);
}

static void stop(void)
{
	udp_port_unbind(&e.asker.stack, &e.from);
	udp_port_unbind(&e.echoer.stack, &e.to);
	sim_host_end(&e.asker);
	sim_host_end(&e.echoer);
	sim_end();
}

static bool all_answered(void *argument)
{
	return e.answered == QUESTIONS;
}

/*
 * Two damaged fragments of one datagram can cancel out in its checksum, a single flipped bit never
 * does: so damage is only done to datagrams in one piece. Long ones hardly get through much loss.
 */
static uint32_t longest_question(const struct sim_link *link)
{
	if (link->damage > 0)
		return link->mtu - (is_v6 ? 48u : 28u);
	return link->loss < 40000 && sim_chance(250000) ? 20000 : 3000;
}

/* One seed's run; its digest. */
static uint64_t run_seed(uint64_t seed)
{
	struct sim_link link;
	uint64_t digest;

	sim_start(seed);
	sim_link_random(&link);
	is_v6 = seed % 3 == 0;
	if (is_v6 && link.mtu < IPV6_MTU_MIN)
		link.mtu = IPV6_MTU_MIN;
	start(&link);
	for (uint32_t n = 0; n < QUESTIONS; n++) {
		e.questions[n].length = sim_between(1, longest_question(&link));
		sim_at(sim_now() + MICROSECONDS(sim_between(0, 20000)), ask_until_answered,
			(void *)(uintptr_t)n);
	}
	if (!sim_run(sim_now() + SECONDS(200), all_answered, NULL))
		CHECK_FAIL("seed %llu: only %u answered", (unsigned long long)seed, e.answered);
	if (e.strangers > 0)
		CHECK_FAIL("seed %llu: %u wrong answers", (unsigned long long)seed, e.strangers);
	digest = sim_digest();
	stop();
	is_v6 = false;
	return digest;
}

static void echoes_over_hostile_links(void)
{
	sim_seeds_run(run_seed);
}

static void same_seed_same_run(void)
{
	sim_seeds_repeat(run_seed, 50);
}

/* Over a perfect link nothing is lost, so nothing is asked twice: ARP and fragments included. */
static void one_needs_no_retry(void)
{
	struct sim_link link;

	sim_start(1);
	sim_link_perfect(&link);
	start(&link);
	sim_run(sim_now() + SECONDS(2), NULL, NULL); /* IPv6: until addresses are decided */
	for (uint32_t n = 0; n < QUESTIONS; n++) {
		e.questions[n].length = n == 0 ? 1 : n * 5950;
		ask(n);
		sim_run(sim_now() + MILLISECONDS(1), NULL, NULL);
	}
	CHECK_EQUAL(e.answered, QUESTIONS);
	stop();
}

static void perfect_link_needs_no_retry(void)
{
	one_needs_no_retry();
	is_v6 = true;
	one_needs_no_retry();
	is_v6 = false;
}

static void silent_neighbour_is_reported(void)
{
	struct endpoint nobody = { address_v4(0x0a000009), 7 }, remote = { 0 };
	struct endpoint from = { 0 };
	size_t packets = sim_packets();
	struct sim_link link;

	sim_start(1);
	sim_link_perfect(&link);
	start(&link);
	e.from.ready = echo_all; /* takes no errors */
	from.port = e.from.number;
	udp_port_note_peer(&e.from, &nobody);
	CHECK(udp_output(&e.asker.stack, linear_alloc(10), &from, &nobody) == OK);
	sim_run(sim_now() + MILLISECONDS(2900), NULL, NULL);
	CHECK(e.from.error_count == 0);
	sim_run(sim_now() + MILLISECONDS(200), NULL, NULL);
	CHECK(udp_port_take_error(&e.from, &remote));
	CHECK(address_equal(&remote.address, &nobody.address) && remote.port == 7);
	/* In the hold-down the failure is known at once; then it is tried again. */
	CHECK(udp_output(&e.asker.stack, linear_alloc(10), &from, &nobody) == UNREACHABLE);
	sim_run(sim_now() + SECONDS(2), NULL, NULL);
	CHECK(udp_output(&e.asker.stack, linear_alloc(10), &from, &nobody) == OK);
	stop();
	CHECK_EQUAL(sim_packets(), packets);
}

static void closed_port_is_reported(void)
{
	struct endpoint closed = { address_v4(0x0a000002), 9 }, from = { 0 }, remote;
	struct sim_link link;

	sim_start(1);
	sim_link_perfect(&link);
	start(&link);
	e.from.ready = echo_all;
	from.port = e.from.number;
	/* A reply's failure is not news; that of something sent is. */
	udp_output(&e.asker.stack, linear_alloc(10), &from, &closed);
	sim_run(sim_now() + MILLISECONDS(10), NULL, NULL);
	CHECK(!udp_port_take_error(&e.from, &remote));
	udp_port_note_peer(&e.from, &closed);
	udp_output(&e.asker.stack, linear_alloc(10), &from, &closed);
	sim_run(sim_now() + MILLISECONDS(10), NULL, NULL);
	CHECK(udp_port_take_error(&e.from, &remote));
	CHECK_EQUAL(remote.port, 9);
	stop();
}

/* A neighbour that is used is polled before it is forgotten, and traffic flows on meanwhile. */
static void neighbour_in_use_stays(void)
{
	struct sim_link link;

	sim_start(1);
	sim_link_perfect(&link);
	start(&link);
	for (unsigned i = 0; i < 300; i++) {
		e.questions[0] = (struct question){ .length = 100 };
		e.answered = 0;
		ask(0);
		sim_run(sim_now() + MILLISECONDS(1), NULL, NULL);
		CHECK_EQUAL(e.answered, 1);
		sim_run(sim_now() + SECONDS(1), NULL, NULL);
	}
	sim_run(sim_now() + SECONDS(300), NULL, NULL);
	CHECK(e.asker.stack.deadline == FOREVER); /* an idle stack has nothing to wake up for */
	stop();
}

int main(int argc, char **argv)
{
	if (sim_seeds_choose(argc, argv, SEEDS_DEFAULT, SEEDS_SOAK))
		return RUN(TEST(echoes_over_hostile_links));
	return RUN(TEST(echoes_over_hostile_links), TEST(same_seed_same_run),
		TEST(perfect_link_needs_no_retry), TEST(silent_neighbour_is_reported),
		TEST(closed_port_is_reported), TEST(neighbour_in_use_stays));
}
