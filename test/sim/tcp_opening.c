/*
 * TCP's opening, segment by segment, by rows: resets, handshakes, and floods of them. See test/sim/sim_peer.h
 * for who sends them.
 */
#include "diatom/counter.h"
#include "test/check.h"
#include "test/sim/sim_peer.h"

/* --- 3.10.7.1 CLOSED, 3.5.2 resets --- */

static void closed_port_rows(void)
{
	static const struct {
		struct segment in;
		uint8_t flags; /* of the answer; 0: none */
		uint32_t sequence, acknowledgment;
	} rows[] = {
		{ { .to = 8, .sequence = 5, .flags = TCP_SYN }, TCP_RST | TCP_ACK, 0, 6 },
		{ { .to = 8, .sequence = 5, .acknowledgment = 99, .flags = TCP_ACK }, TCP_RST, 99,
			0 },
		{ { .to = 8, .sequence = 5, .flags = TCP_FIN, .text = 10 }, TCP_RST | TCP_ACK, 0,
			16 },
		{ { .to = 8, .sequence = 5, .flags = TCP_RST }, 0, 0, 0 },
		{ { .to = 8, .sequence = 5, .flags = TCP_SYN, .is_damaged = true }, 0, 0, 0 },
		{ { .to = 8, .sequence = 5, .flags = TCP_SYN, .destination = 0x0a0000ff }, 0, 0,
			0 },
		{ { .to = 8, .sequence = 5, .flags = TCP_SYN, .destination = 0xffffffff }, 0, 0,
			0 },
		/* LISTEN, 3.10.7.2 */
		{ { .sequence = 5, .acknowledgment = 99, .flags = TCP_ACK }, TCP_RST, 99, 0 },
		{ { .sequence = 5, .acknowledgment = 99, .flags = TCP_ACK | TCP_SYN }, TCP_RST, 99,
			0 },
		{ { .sequence = 5, .flags = TCP_RST }, 0, 0, 0 },
		{ { .sequence = 5, .flags = TCP_RST | TCP_SYN }, 0, 0, 0 },
		{ { .sequence = 5, .flags = TCP_FIN }, 0, 0, 0 },
		{ { .sequence = 5, .flags = TCP_FIN | TCP_SYN }, 0, 0, 0 },
		{ { .sequence = 5, .flags = 0 }, 0, 0, 0 },
		{ { .sequence = 5, .flags = TCP_SYN, .destination = 0x0a0000ff }, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		inject(rows[i].in);
		if (sent_count != (rows[i].flags != 0) || sent.flags != rows[i].flags)
			CHECK_FAIL("row %zu: %u sent, flags %02x", i, sent_count, sent.flags);
		if (sent_count > 0)
			CHECK(sent.sequence == rows[i].sequence &&
				sent.acknowledgment == rows[i].acknowledgment);
		stop();
	}
}

/* --- the handshake --- */

/* Only what both want is used: RFC 7323 2.2, 3.2, RFC 2018 2, RFC 9293 3.7.1. */
static void options_are_agreed(void)
{
	static const struct {
		struct tcp_options in;
		uint32_t mss; /* text of a full segment afterwards */
	} rows[] = {
		{ { 0 }, 536 },
		{ { .mss = 1460 }, 1460 },
		{ { .mss = 1 }, TCP_MSS_LEAST },
		{ { .mss = 9000 }, 1460 },
		{ { .mss = 1460, .has_timestamp = true, .timestamp = 77 }, 1448 },
		{ { .mss = 1460, .has_scale = true, .scale = 14 }, 1460 },
		{ { .mss = 1460, .has_sack_permitted = true }, 1460 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tcp_options *in = &rows[i].in;

		start();
		inject((struct segment){ .sequence = IRS, .flags = TCP_SYN, .options = *in });
		CHECK_EQUAL(sent_options.mss, 1460);
		CHECK_EQUAL(sent_options.has_scale, in->has_scale);
		CHECK_EQUAL(sent_options.has_timestamp, in->has_timestamp);
		CHECK_EQUAL(sent_options.has_sack_permitted, in->has_sack_permitted);
		if (in->has_timestamp)
			CHECK_EQUAL(sent_options.timestamp_echo, 77);
		stop();
		start();
		establish_with(*in);
		CHECK_EQUAL(c->congestion.mss, rows[i].mss);
		CHECK_EQUAL(c->send_scale, in->has_scale ? in->scale : 0);
		CHECK(in->has_scale || c->receive_scale == 0);
		queue(10000);
		CHECK_EQUAL(sent_options.has_timestamp, in->has_timestamp);
		stop();
	}
}

/* RFC 9293 3.8.1, RFC 6298: 1, 2, 4, 8, 16 s; then the half-open flow is gone. */
static void syn_ack_is_repeated(void)
{
	start();
	inject((struct segment){ .sequence = IRS, .flags = TCP_SYN });
	for (unsigned i = 1; i <= 6; i++) {
		CHECK_EQUAL(sent_count, i);
		pass(SECONDS(1 << (i - 1)) + MILLISECONDS(1));
	}
	CHECK_EQUAL(sent_count, 6);
	pass(SECONDS(33));
	CHECK_EQUAL(sent_count, 6);
	CHECK_EQUAL(host.tcp.half_open, 0);
	stop();
}

/* 3.10.7.4 in SYN-RECEIVED of a passive open. */
static void half_open_rows(void)
{
	static const struct {
		int32_t ahead; /* of the peer's next number */
		int32_t ack;   /* off by that much */
		uint8_t flags;
		uint8_t answer;
		unsigned half_open, connections;
	} rows[] = {
		{ 0, 0, TCP_ACK, 0, 0, 1 },
		{ 0, 1, TCP_ACK, TCP_RST, 1, 0 }, /* acknowledges what we never sent */
		{ 0, -1, TCP_ACK, TCP_RST, 1, 0 },
		{ 0, 0, TCP_RST, 0, 0, 0 },
		{ 100, 0, TCP_RST, 0, 1, 0 },		     /* RFC 5961 3.2: not exactly there */
		{ -1, 0, TCP_SYN, TCP_SYN | TCP_ACK, 1, 0 }, /* it came again */
		{ 70000, 0, TCP_ACK, 0, 1, 0 },		     /* outside the window */
		{ 0, 0, 0, 0, 1, 0 },
		{ 0, 0, TCP_ACK | TCP_FIN, TCP_ACK, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		inject((struct segment){ .sequence = IRS, .flags = TCP_SYN });
		inject((struct segment){ .sequence = IRS + 1 + (uint32_t)rows[i].ahead,
			.acknowledgment = sent.sequence + 1 + (uint32_t)rows[i].ack,
			.flags = rows[i].flags });
		if (host.tcp.half_open != rows[i].half_open ||
			host.tcp.connections != rows[i].connections)
			CHECK_FAIL("row %zu: %u half-open, %u connections", i, host.tcp.half_open,
				host.tcp.connections);
		if (sent_count != 1u + (rows[i].answer != 0) ||
			(sent_count > 1 && sent.flags != rows[i].answer))
			CHECK_FAIL("row %zu: %u sent, flags %02x", i, sent_count, sent.flags);
		stop();
	}
}

static struct segment to_opener(uint8_t flags, uint32_t ack)
{
	return (struct segment){ .sequence = IRS,
		.acknowledgment = ack,
		.flags = flags,
		.from = 99,
		.to = c->flow.ends.local_port };
}

/* 3.10.7.3 */
static void syn_sent_rows(void)
{
	static const struct {
		uint8_t flags;
		int32_t ack; /* off by that much */
		uint8_t answer, state;
	} rows[] = {
		{ TCP_SYN | TCP_ACK, 0, TCP_ACK, TCP_ESTABLISHED },
		{ TCP_SYN | TCP_ACK, 1, TCP_RST, TCP_SYN_SENT },
		{ TCP_ACK, 0, 0, TCP_SYN_SENT },
		{ TCP_ACK, 1, TCP_RST, TCP_SYN_SENT },
		{ TCP_RST | TCP_ACK, 0, 0, TCP_CLOSED },
		{ TCP_RST | TCP_ACK, 1, 0, TCP_SYN_SENT },
		{ TCP_RST, 0, 0, TCP_SYN_SENT },
		{ TCP_SYN, 0, TCP_SYN | TCP_ACK, TCP_SYN_RECEIVED },
		{ TCP_FIN, 0, 0, TCP_SYN_SENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		open_to_peer();
		caught_none();
		inject(to_opener(rows[i].flags, c->iss + 1 + (uint32_t)rows[i].ack));
		if (c->flow.ends.state != rows[i].state || sent.flags != rows[i].answer)
			CHECK_FAIL("row %zu: %s, flags %02x", i,
				tcp_state_text((enum tcp_state)c->flow.ends.state), sent.flags);
		stop();
	}
}

/* 3.5, figure 7. */
static void simultaneous_open(void)
{
	start();
	open_to_peer();
	inject(to_opener(TCP_SYN, 0));
	CHECK_EQUAL(sent.flags, TCP_SYN | TCP_ACK);
	CHECK_EQUAL(sent.sequence, c->iss);
	inject(to_opener(TCP_SYN | TCP_ACK, c->iss + 1));
	CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
	stop();
}

/* RFC 6298 2.1, 5.5; RFC 9293 3.8.3 (R2 for SYNs: three minutes at least). */
static void syn_is_repeated_then_given_up(void)
{
	start();
	open_to_peer();
	pass(SECONDS(122));
	CHECK_EQUAL(sent_count, 7);
	CHECK_EQUAL(c->flow.ends.state, TCP_SYN_SENT);
	pass(SECONDS(65));
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	CHECK_EQUAL(c->error, UNREACHABLE);
	stop();
}

/* --- floods --- */

/* SYNs from everywhere: half-open flows are bounded, then cookies, which keep the options. */
static void syn_flood_is_answered_by_cookies(void)
{
	struct tcp_options options = { .mss = 1460,
		.has_sack_permitted = true,
		.has_scale = true,
		.scale = 9,
		.has_timestamp = true,
		.timestamp = 5 };
	struct tcp_options echo = { .has_timestamp = true, .timestamp = 6 };
	uint64_t cookies = counter_value("tcp.cookies_sent");

	start();
	host.tcp.limits.half_open = 100;
	for (uint32_t i = 0; i < 1000; i++)
		inject((struct segment){ .sequence = i,
			.flags = TCP_SYN,
			.source = 0x0b000000 + i,
			.options = { .mss = 1460 } });
	CHECK_EQUAL(host.tcp.half_open, 100);
	CHECK_EQUAL(host.tcp.connections, 0);
	CHECK_EQUAL(counter_value("tcp.cookies_sent") - cookies, 900); /* each is answered */
	caught_none();
	inject((struct segment){ .sequence = IRS, .flags = TCP_SYN, .options = options });
	CHECK_EQUAL(sent.flags, TCP_SYN | TCP_ACK);
	echo.timestamp_echo = sent_options.timestamp;
	inject((struct segment){ .sequence = IRS + 1,
		.acknowledgment = sent.sequence + 2,
		.flags = TCP_ACK,
		.options = echo }); /* a guess */
	CHECK_EQUAL(host.tcp.connections, 0);
	sent.sequence = sent.flags & TCP_RST ? sent.sequence - 2 : sent.sequence;
	inject((struct segment){ .sequence = IRS + 1,
		.acknowledgment = sent.sequence + 1,
		.flags = TCP_ACK,
		.options = echo,
		.text = 10 });
	CHECK(c != NULL && c->flow.ends.state == TCP_ESTABLISHED);
	if (c != NULL)
		CHECK(c->has_sack && c->has_stamps && c->send_scale == 9 && c->mss == 1460 &&
			c->received_bytes == 10);
	stop();
}

/* No cookie was sent: nobody can guess his way in. */
static void cookies_need_a_flood(void)
{
	start();
	for (uint32_t i = 0; i < 1000; i++)
		inject((struct segment){
			.sequence = IRS + 1, .acknowledgment = i * 4294967, .flags = TCP_ACK });
	CHECK_EQUAL(host.tcp.connections, 0);
	stop();
}

/* The backlog and the listener's limit hold; what is refused is counted. */
static void backlog_is_bounded(void)
{
	uint64_t before = counter_value("tcp.backlog_full");

	start();
	port.backlog = 3;
	for (uint16_t i = 0; i < 10; i++) {
		port.is_ready = true; /* nobody accepts */
		inject((struct segment){ .sequence = IRS, .flags = TCP_SYN, .from = 2000 + i });
		inject((struct segment){ .sequence = IRS + 1,
			.acknowledgment = sent.sequence + 1,
			.flags = TCP_ACK,
			.from = 2000 + i });
	}
	CHECK_EQUAL(port.accepting_count, 3);
	CHECK_EQUAL(host.tcp.connections, 3);
	CHECK(counter_value("tcp.backlog_full") > before);
	port.is_ready = false;
	stop();
}

/* Out of order, as much as a window takes and more, in the smallest pieces: bounded, and counted. */
static void reorder_flood_is_bounded(void)
{
	uint64_t before = counter_value("tcp.reorder_refused");

	start();
	establish();
	for (int32_t i = 0; i < 30000; i++)
		inject(from_peer(2 + 2 * i, 0, 1));
	CHECK(tcp_reorder_bytes(c) <= 2 * c->receive_limit);
	CHECK(counter_value("tcp.reorder_refused") > before);
	CHECK(host.tcp.memory <= 3 * c->receive_limit);
	stop();
}

/* SACK blocks of single bytes can't make more records than the limit. */
static void sack_flood_is_bounded(void)
{
	struct segment s;

	start();
	establish_with((struct tcp_options){ .mss = 1460, .has_sack_permitted = true });
	queue(14600);
	for (uint32_t i = 0; i < 7000; i++) {
		s = from_peer(0, 0, 0);
		s.acknowledgment = c->snd_una;
		s.options.block_count = 1;
		s.options.blocks[0] =
			(struct tcp_block){ c->snd_una + 2 * i + 1, c->snd_una + 2 * i + 2 };
		inject(s);
	}
	CHECK(c->flight->count <= TCP_RECORDS_MAX);
	stop();
}

/* Text in the smallest segments doesn't pin large memory. */
static void small_text_is_joined(void)
{
	start();
	establish();
	for (unsigned i = 0; i < 20000; i++)
		inject(from_peer(0, 0, 1));
	CHECK_EQUAL(c->received_bytes, 20000);
	CHECK(c->receive_charged <= c->receive_limit / 2);
	stop();
}

int main(void)
{
	return RUN(TEST(closed_port_rows), TEST(options_are_agreed), TEST(syn_ack_is_repeated),
		TEST(half_open_rows), TEST(syn_sent_rows), TEST(simultaneous_open),
		TEST(syn_is_repeated_then_given_up), TEST(syn_flood_is_answered_by_cookies),
		TEST(cookies_need_a_flood), TEST(backlog_is_bounded),
		TEST(reorder_flood_is_bounded), TEST(sack_flood_is_bounded),
		TEST(small_text_is_joined));
}
