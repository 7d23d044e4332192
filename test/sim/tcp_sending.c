/*
 * What TCP sends, segment by segment: windows, timers, recovery, the path's MTU. See test/sim/sim_peer.h for
 * who answers.
 */
#include "diatom/counter.h"
#include "test/check.h"
#include "test/sim/sim_peer.h"
#include "wire/icmp.h"

/* --- sending --- */

/* 3.7.4, 3.8.6.2.1: Nagle, and TCP_NO_DELAY. */
static void small_segments_wait(void)
{
	start();
	establish();
	queue(10);
	CHECK_EQUAL(sent_count, 1);
	queue(10);
	CHECK_EQUAL(sent_count, 1); /* one small segment is out */
	inject(from_peer(0, 0, 0));
	CHECK_EQUAL(sent_count, 2);
	CHECK_EQUAL(sent_text, 10);
	c->is_no_delay = true;
	queue(10);
	CHECK_EQUAL(sent_count, 3);
	stop();
}

/* RFC 6928, RFC 5681: ten segments at the start; and then as ACKs come. */
static void initial_window(void)
{
	start();
	establish();
	queue(20000);
	CHECK_EQUAL(sent_count, 10);
	CHECK_EQUAL(c->snd_nxt - c->snd_una, 14600);
	CHECK_EQUAL(sent_pushes, 1); /* the last one, which uses up the window */
	CHECK(sent.flags & TCP_PSH);
	stop();
}

/* A referenced piece as large as the send limit gives room back as it is acknowledged, not at its end. */
static void acknowledged_part_makes_room(void)
{
	static const uint8_t bytes[10000] = { 'x' };
	struct segment s;

	start();
	establish();
	c->send_limit = sizeof(bytes);
	tcp_connection_queue(c, packet_refer(view_of(bytes, sizeof(bytes)), NULL, NULL));
	tcp_output(c);
	CHECK_EQUAL(tcp_connection_room(c), 0);
	for (uint32_t done = 1460; done <= 8760; done += 1460) {
		s = from_peer(0, 0, 0);
		s.acknowledgment = c->snd_una + 1460;
		inject(s);
		CHECK_EQUAL(tcp_connection_room(c), done);
	}
	s = from_peer(0, 0, 0);
	s.acknowledgment = c->snd_end;
	inject(s);
	CHECK_EQUAL(c->send_charged, 0);
	stop();
}

/* 3.8.6.1: the window is closed; probes of one byte, further and further apart, for ever. */
static void zero_window_is_probed(void)
{
	struct segment s;
	unsigned before;

	start();
	establish();
	s = from_peer(0, 0, 0);
	s.window = 1; /* one byte, so that "0: the default" can be told */
	inject(s);
	queue(1);
	CHECK_EQUAL(sent_count, 1);
	queue(2000);
	CHECK_EQUAL(sent_count, 1);
	pass(SECONDS(3));
	CHECK(sent_count > 1);
	for (unsigned i = 0; i < 40; i++) { /* the peer answers, and takes nothing */
		s = from_peer(0, 0, 0);
		s.acknowledgment = c->snd_una + 1;
		s.window = 1;
		pass(SECONDS(60));
		inject(s);
	}
	CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
	before = sent_count;
	s = from_peer(0, 0, 0);
	inject(s); /* it opens */
	CHECK(sent_count > before);
	CHECK(sent_text > 1000);
	stop();
}

/* RFC 6298 5.4 to 5.7, and RFC 9293 3.8.3: the user timeout. */
static void unanswered_data_is_repeated(void)
{
	uint32_t una;

	start();
	establish();
	c->user_timeout_ms = 20000;
	una = c->snd_una;
	queue(100);
	pass(SECONDS(5));
	CHECK(sent_count >= 4 && sent_count <= 7);
	CHECK_EQUAL(sent.sequence, una);
	pass(SECONDS(40));
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	CHECK_EQUAL(c->error, UNREACHABLE);
	CHECK(sent.flags & TCP_RST);
	stop();
}

/* 3.8.4 */
static void keep_alive(void)
{
	uint32_t next;

	start();
	establish();
	next = c->snd_nxt;
	c->keep_alive_ms = 10000;
	c->keep_interval_ms = 1000;
	tcp_idle_restart(c);
	pass(SECONDS(9));
	CHECK_EQUAL(sent_count, 0);
	pass(SECONDS(2));
	CHECK_EQUAL(sent_count, 1);
	CHECK_EQUAL(sent.sequence, next - 1);
	inject(from_peer(0, 0, 0)); /* alive */
	pass(SECONDS(9));
	CHECK(sent_count <= 2);
	CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
	pass(SECONDS(30));
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	stop();
}

/* RFC 6675, 8985: three SACKed segments beyond a hole, and it is sent again at once. */
static void hole_is_filled(void)
{
	struct segment s;
	uint32_t una;

	start();
	establish();
	una = c->snd_una;
	queue(14600);
	CHECK_EQUAL(sent_count, 10);
	pass(MILLISECONDS(1));
	for (uint32_t i = 2; i <= 4; i++) {
		s = from_peer(0, 0, 0);
		s.acknowledgment = una;
		s.options.block_count = 1;
		s.options.blocks[0] = (struct tcp_block){ una + 1460, una + 1460 * i };
		inject(s);
	}
	CHECK(sent_count >= 11);
	CHECK_EQUAL(c->recoveries, 1);
	CHECK_EQUAL(c->retransmissions, 1);
	CHECK(c->congestion.threshold < 14600);
	s.acknowledgment = c->snd_nxt;
	s.options.block_count = 0;
	inject(s);
	CHECK_EQUAL(c->congestion.window, c->congestion.threshold);
	stop();
}

/* RFC 9438 4.6: a tenth of the window in flight for a moment is no reason to fall to a tenth of it. */
static void cubic_reduces_the_window(void)
{
	struct tcp_congestion cubic = { .window = 100000, .threshold = 50000, .mss = 1000 };

	tcp_cubic.reduced(&cubic, 10000, false, SECONDS(1));
	CHECK_EQUAL(cubic.threshold, 70000);
	cubic.window = 2000;
	tcp_cubic.reduced(&cubic, 2000, false, SECONDS(2));
	CHECK_EQUAL(cubic.threshold, 2000);
}

/* RFC 6582: without SACK, three duplicate ACKs. */
static void duplicate_acks(void)
{
	struct segment s;
	uint32_t una;

	start();
	establish_with((struct tcp_options){ .mss = 1460 });
	una = c->snd_una;
	queue(14600);
	s = from_peer(0, 0, 0);
	s.acknowledgment = una;
	inject(s);
	inject(s);
	CHECK_EQUAL(c->retransmissions, 0);
	inject(s);
	CHECK_EQUAL(c->retransmissions, 1);
	s.acknowledgment = una + 1460 * 3; /* partial: the next one is missing, too */
	inject(s);
	CHECK_EQUAL(c->retransmissions, 2);
	CHECK_EQUAL(c->timeouts, 0);
	stop();
}

/* RFC 8985 7: the end of a burst was lost, and nothing would tell. */
static void tail_is_probed(void)
{
	start();
	establish();
	queue(1460);
	inject(from_peer(0, 0, 0)); /* a round trip is known */
	queue(2920);
	caught_none();
	pass(MILLISECONDS(150));
	CHECK(sent_count >= 1);
	CHECK_EQUAL(c->timeouts, 0);
	stop();
}

/* Eifel (RFC 3522): the ACK of the first sending comes after the timeout; the window is as before. */
static void needless_timeout_is_undone(void)
{
	struct segment s;
	uint32_t stamp, window;

	start();
	establish_with((struct tcp_options){ .mss = 1460, .has_timestamp = true, .timestamp = 1 });
	queue(14000);
	stamp = sent_options.timestamp;
	window = c->congestion.window;
	pass(SECONDS(3));
	CHECK(c->timeouts > 0 && c->congestion.window < window);
	s = from_peer(0, 0, 0);
	s.options.has_timestamp = true;
	s.options.timestamp = 2;
	s.options.timestamp_echo = stamp;
	inject(s);
	CHECK_EQUAL(c->spurious, 1);
	CHECK(c->congestion.window >= window);
	stop();
}

/* F-RTO (RFC 5682 2.1, 3.1), without time stamps: what was sent only once is acknowledged after new text
 * left, or isn't. */
static void late_acks_after_a_timeout(void)
{
	static const struct {
		bool has_sack;
		bool is_lost;
	} rows[] = { { false, false }, { true, false }, { false, true }, { true, true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct segment s;
		uint32_t una, window, sent_before;

		start();
		establish_with((struct tcp_options){
			.mss = 1460, .has_sack_permitted = rows[i].has_sack });
		queue(20000);
		una = c->snd_una;
		window = c->congestion.window;
		pass(MILLISECONDS(350)); /* the first one, and nothing else, leaves again */
		CHECK_EQUAL(c->timeouts, 1);
		CHECK_EQUAL(sent.sequence, una);
		sent_before = c->snd_nxt;
		s = from_peer(0, 0, 0);
		s.acknowledgment = una + 1460;
		inject(s);
		CHECK_EQUAL(
			c->snd_nxt, sent_before + 2 * 1460); /* two new ones instead of repeats */
		CHECK_EQUAL(c->retransmissions, 1);
		if (!rows[i].is_lost) {
			s.acknowledgment = una + 3 * 1460;
			inject(s);
			CHECK_EQUAL(c->spurious, 1);
			CHECK(c->congestion.window >= window);
			CHECK_EQUAL(c->retransmissions, 1);
		} else {
			if (rows[i].has_sack) {
				s.options.block_count = 1;
				s.options.blocks[0] =
					(struct tcp_block){ sent_before, sent_before + 1460 };
			}
			inject(s);
			CHECK_EQUAL(c->spurious, 0);
			CHECK(c->congestion.window < window);
			CHECK(c->retransmissions >= 3);
		}
		stop();
	}
}

/* RFC 3168 6.1: a mark is echoed until CWR; an echo cuts the window once. */
static void ecn(void)
{
	struct segment s;
	uint32_t window;

	start();
	inject((struct segment){ .sequence = IRS,
		.flags = TCP_SYN | TCP_ECE | TCP_CWR,
		.options = { .mss = 1460 } });
	CHECK_EQUAL(sent.flags, TCP_SYN | TCP_ACK | TCP_ECE);
	CHECK_EQUAL(sent_ip.type_of_service & 3, 0);
	inject((struct segment){
		.sequence = IRS + 1, .acknowledgment = sent.sequence + 1, .flags = TCP_ACK });
	queue(14600);
	CHECK_EQUAL(sent_ip.type_of_service & 3, 2);
	s = from_peer(0, 0, 100);
	s.acknowledgment = c->snd_una;
	s.is_marked = true;
	inject(s);
	CHECK(sent.flags & TCP_ECE);
	s = from_peer(0, TCP_CWR, 1460);
	inject(s);
	inject(from_peer(0, 0, 1460));
	CHECK(!(sent.flags & TCP_ECE));
	queue(14600);
	window = c->congestion.window;
	s = from_peer(0, TCP_ECE, 0);
	s.acknowledgment = c->snd_una + 1460;
	inject(s);
	CHECK(c->congestion.window < window);
	window = c->congestion.window;
	s.acknowledgment = c->snd_una + 1460;
	inject(s);
	CHECK_EQUAL(c->congestion.window, window);
	stop();
}

/* --- path MTU --- */

static void send_error(uint8_t type, uint8_t code, uint32_t sequence, uint16_t mtu)
{
	uint8_t frame[14 + 20 + 8 + 28], *icmp = frame + 34;
	struct ipv4_header ip = { .source = THEM,
		.destination = US,
		.ttl = 64,
		.protocol = IP_ICMP,
		.total_length = 56 };
	struct ipv4_header quoted = { .source = US,
		.destination = THEM,
		.ttl = 64,
		.protocol = IP_TCP,
		.total_length = 1500,
		.dont_fragment = true };
	struct icmp_header header = { type, code, mtu };

	ethernet_emit(
		frame, host.host.device.mac, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, ETHERNET_IPV4);
	ipv4_emit(frame + 14, &ip);
	icmp_emit(icmp, &header);
	ipv4_emit(icmp + 8, &quoted);
	be16_to(icmp + 28, c->flow.ends.local_port);
	be16_to(icmp + 30, c->flow.ends.remote_port);
	be32_to(icmp + 32, sequence);
	checksum_store(icmp + 2, checksum_add(0, icmp, 36));
	sim_inject(&host.host, frame, sizeof(frame));
}

static void send_too_long(uint32_t sequence, uint16_t mtu)
{
	send_error(ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, sequence, mtu);
}

/* RFC 9293 3.9.2.2, RFC 5927 5.2: an error ends an opening if it is hard, and an open connection never. */
static void errors_by_state(void)
{
	static const struct {
		uint8_t type, code, opening; /* what becomes of one: enum status */
	} rows[] = {
		{ ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, UNREACHABLE },
		{ ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, UNREACHABLE },
		{ ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, REFUSED },
		{ ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, REFUSED },
		{ ICMP_UNREACHABLE, 5, OK }, /* source route failed */
		{ ICMP_SOURCE_QUENCH, 0, OK },
		{ ICMP_TIME_EXCEEDED, 0, OK },
		{ ICMP_PARAMETER_PROBLEM, 0, OK },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t bad = counter_value("tcp.rx_bad_error");

		start();
		open_to_peer();
		send_error(rows[i].type, rows[i].code, c->iss + 1, 0); /* was never sent */
		CHECK_EQUAL(c->error, OK);
		CHECK(rows[i].type == ICMP_SOURCE_QUENCH ||
			counter_value("tcp.rx_bad_error") == bad + 1);
		send_error(rows[i].type, rows[i].code, c->iss, 0);
		if (c->error != rows[i].opening)
			CHECK_FAIL("row %zu: %s", i, status_text((enum status)c->error));
		stop();
		start();
		establish();
		queue(5000);
		send_error(rows[i].type, rows[i].code, c->snd_una, 0);
		CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
		CHECK_EQUAL(c->error, OK);
		stop();
	}
}

/* RFC 9293 3.9.2.3 (MUST-46). */
static void groups_are_not_opened(void)
{
	static const uint32_t rows[] = { 0x0a0000ff, 0xffffffff, 0xe0000001, 0 };

	start();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint to = { address_v4(rows[i]), 99 };

		CHECK_EQUAL(tcp_connection_open(&host.tcp, &to, &c), UNREACHABLE);
	}
	CHECK_EQUAL(sent_count, 0);
	stop();
}

/* RFC 1191, RFC 5927 7.2: only about what is in flight. */
static void too_long_is_cut(void)
{
	start();
	establish();
	queue(5000);
	send_too_long(c->snd_nxt + 5, 1000);
	CHECK_EQUAL(c->mss, 1460);
	send_too_long(c->snd_una, 1000);
	CHECK_EQUAL(c->mss, 960);
	CHECK(sent_text <= 960 && c->retransmissions > 0);
	send_too_long(c->snd_una, 60); /* below what is sane */
	CHECK(c->mss >= 500);
	stop();
}

/* RFC 4821 7.7: no ICMP comes, but full segments vanish. */
static void black_hole_is_found(void)
{
	start();
	establish();
	queue(14600);
	pass(SECONDS(10));
	CHECK(c->mss < 1460);
	CHECK(sent_text < 1460);
	stop();
}

/* A path that has carried full segments, and is silent for a while, is none. */
static void silence_is_no_black_hole(void)
{
	start();
	establish();
	queue(1460);
	inject(from_peer(0, 0, 0));
	queue(14600);
	pass(SECONDS(2));
	CHECK(c->timeouts >= 2);
	CHECK_EQUAL(c->mss, 1460);
	pass(SECONDS(60)); /* it may have changed, though */
	CHECK(c->mss < 1460);
	stop();
}

int main(void)
{
	return RUN(TEST(small_segments_wait), TEST(initial_window),
		TEST(acknowledged_part_makes_room), TEST(zero_window_is_probed),
		TEST(unanswered_data_is_repeated), TEST(keep_alive), TEST(hole_is_filled),
		TEST(cubic_reduces_the_window), TEST(duplicate_acks), TEST(tail_is_probed),
		TEST(needless_timeout_is_undone), TEST(late_acks_after_a_timeout), TEST(ecn),
		TEST(errors_by_state), TEST(groups_are_not_opened), TEST(too_long_is_cut),
		TEST(black_hole_is_found), TEST(silence_is_no_black_hole));
}
