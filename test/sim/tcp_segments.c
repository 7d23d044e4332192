/*
 * TCP, segment by segment: what RFC 9293 and its companions demand, by rows. See test/sim/sim_peer.h for
 * who sends them.
 */
#include "diatom/counter.h"
#include "net/linear.h"
#include "test/check.h"
#include "test/sim/sim_peer.h"
#include "wire/icmp.h"

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

static void open_to_peer(void)
{
	struct endpoint to = { address_v4(THEM), 99 };

	CHECK(tcp_connection_open(&host.tcp, &to, &c) == OK);
	CHECK_EQUAL(sent.flags, TCP_SYN);
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

/* --- synchronized states --- */

/* "First, check sequence number", RST, SYN, and ACK, with RFC 5961. */
static void established_rows(void)
{
	static const struct {
		int32_t ahead, ack;
		uint8_t flags;
		size_t text;
		unsigned answers; /* ACKs sent at once */
		uint8_t state;
		uint32_t received;
	} rows[] = {
		{ 0, 0, TCP_ACK, 10, 0, TCP_ESTABLISHED, 10 },
		{ 0, 0, TCP_ACK | TCP_PSH | TCP_URG, 10, 0, TCP_ESTABLISHED, 10 },
		{ -10, 0, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 },	  /* old */
		{ -5, 0, TCP_ACK, 10, 0, TCP_ESTABLISHED, 5 },	  /* half of it old */
		{ 10, 0, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 },	  /* a hole */
		{ 65540, 0, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 }, /* beyond the window */
		{ 1 << 30, 0, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 },
		{ -1, 0, TCP_ACK, 0, 1, TCP_ESTABLISHED, 0 },	   /* a keep-alive */
		{ -1, 0, TCP_ACK, 1, 1, TCP_ESTABLISHED, 0 },	   /* one of old kind */
		{ 0, 0, 0, 10, 0, TCP_ESTABLISHED, 0 },		   /* no ACK bit */
		{ 0, 1, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 },	   /* ACK of what wasn't sent */
		{ 0, -70000, TCP_ACK, 10, 1, TCP_ESTABLISHED, 0 }, /* far too old: RFC 5961 5.2 */
		{ 0, 0, TCP_RST, 0, 0, TCP_CLOSED, 0 },
		{ 0, 0, TCP_RST | TCP_ACK, 0, 0, TCP_CLOSED, 0 },
		{ 1, 0, TCP_RST, 0, 1, TCP_ESTABLISHED, 0 },  /* in the window: RFC 5961 3.2 */
		{ -1, 0, TCP_RST, 0, 0, TCP_ESTABLISHED, 0 }, /* outside it */
		{ 0, 0, TCP_SYN, 0, 1, TCP_ESTABLISHED, 0 },  /* RFC 5961 4.2 */
		{ 100, 0, TCP_SYN | TCP_ACK, 0, 1, TCP_ESTABLISHED, 0 },
		{ 0, 0, TCP_FIN | TCP_ACK, 0, 1, TCP_CLOSE_WAIT, 0 },
		{ 0, 0, TCP_FIN | TCP_ACK, 10, 1, TCP_CLOSE_WAIT, 10 },
		{ 10, 0, TCP_FIN | TCP_ACK, 0, 1, TCP_ESTABLISHED, 0 }, /* before its turn */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		establish();
		pass(SECONDS(1));
		inject((struct segment){ .sequence = c->rcv_nxt + (uint32_t)rows[i].ahead,
			.acknowledgment = c->snd_nxt + (uint32_t)rows[i].ack,
			.flags = rows[i].flags,
			.text = rows[i].text });
		if (sent_count != rows[i].answers || c->flow.ends.state != rows[i].state ||
			c->received_bytes != rows[i].received)
			CHECK_FAIL("row %zu: %u sent, %s, %u received", i, sent_count,
				tcp_state_text((enum tcp_state)c->flow.ends.state),
				c->received_bytes);
		if (sent_count > 0)
			CHECK_EQUAL(sent.flags & ~TCP_ECE, TCP_ACK);
		stop();
	}
}

/* 3.10.7.4: our window is zero: text is dropped, but its ACK counts, and a reset is believed (MUST-66). */
static void zero_window_hears(void)
{
	uint64_t before = counter_value("tcp.rx_window_closed");

	start();
	establish();
	queue(100);
	c->rcv_edge = c->rcv_nxt;
	c->receive_space = 0;
	caught_none();
	inject(from_peer(0, TCP_FIN, 10));
	CHECK_EQUAL(c->received_bytes, 0);
	CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
	CHECK_EQUAL(c->snd_una, c->snd_nxt);
	CHECK_EQUAL(sent_count, 1);
	CHECK_EQUAL(counter_value("tcp.rx_window_closed"), before + 1);
	inject(from_peer(0, TCP_RST, 10)); /* a reset may carry text (SHLD-2) */
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	stop();
}

/* RFC 6528, RFC 9293 3.4.1 (MUST-8, -9): for the same ends it grows with a clock of 4 us; what others' are
 * tells nothing. */
static void first_numbers(void)
{
	struct tcp_ends ends = {
		.local = address_v4(US), .remote = address_v4(THEM), .local_port = 7
	};
	uint32_t first, apart[200], last = 0;

	start();
	first = tcp_sequence_first(&host.tcp, &ends);
	pass(SECONDS(1));
	CHECK_EQUAL(tcp_sequence_first(&host.tcp, &ends) - first, 250000);
	for (unsigned i = 0; i < ARRAY_LEN(apart); i++) {
		ends.remote_port = (uint16_t)(1000 + i);
		first = tcp_sequence_first(&host.tcp, &ends);
		apart[i] = first - last;
		last = first;
		for (unsigned k = 0; k < i; k++)
			CHECK(apart[k] != apart[i]);
	}
	stop();
}

/* RFC 5961 7: one challenge in half a second for a connection, and a secret limit for all. */
static void challenges_are_limited(void)
{
	start();
	establish();
	pass(SECONDS(1));
	for (unsigned i = 0; i < 1000; i++)
		inject(from_peer(1, TCP_RST, 0));
	CHECK_EQUAL(sent_count, 1);
	pass(MILLISECONDS(600));
	inject(from_peer(1, TCP_RST, 0));
	CHECK_EQUAL(sent_count, 2);
	stop();
}

/* RFC 7323 5.3: PAWS, the echo rule, and segments without the option. */
static void stamps(void)
{
	struct segment s;

	start();
	establish_with(
		(struct tcp_options){ .mss = 1460, .has_timestamp = true, .timestamp = 500 });
	pass(SECONDS(1));
	s = from_peer(0, 0, 10);
	inject(s); /* lacks it */
	CHECK_EQUAL(c->received_bytes, 0);
	s.options.has_timestamp = true;
	s.options.timestamp = 400; /* old: an ACK, and no text */
	inject(s);
	CHECK_EQUAL(c->received_bytes, 0);
	CHECK_EQUAL(sent_count, 1);
	s.options.timestamp = 600;
	inject(s);
	CHECK_EQUAL(c->received_bytes, 10);
	CHECK_EQUAL(c->stamp_recent, 600);
	s = from_peer(100, 0, 10); /* beyond a hole: not what is echoed */
	s.options.has_timestamp = true;
	s.options.timestamp = 700;
	inject(s);
	CHECK_EQUAL(sent_options.timestamp_echo, 600);
	s = from_peer(0, TCP_RST, 0); /* a reset needs none */
	inject(s);
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	stop();
}

/* RFC 9293 3.8.6.3, RFC 5681 4.2: within 40 ms, or with every second full segment; at once for holes. */
static void acks_are_delayed(void)
{
	start();
	establish();
	inject(from_peer(0, 0, 100));
	CHECK_EQUAL(sent_count, 0);
	pass(MILLISECONDS(39));
	CHECK_EQUAL(sent_count, 0);
	pass(MILLISECONDS(2));
	CHECK_EQUAL(sent_count, 1);
	CHECK_EQUAL(sent.acknowledgment, c->rcv_nxt);
	inject(from_peer(0, 0, 1460));
	CHECK_EQUAL(sent_count, 1);
	inject(from_peer(0, 0, 1460));
	CHECK_EQUAL(sent_count, 2);
	inject(from_peer(0, 0, 10));
	queue(5); /* what we send carries it */
	CHECK_EQUAL(sent_count, 3);
	pass(MILLISECONDS(100));
	CHECK(sent_count <= 4); /* perhaps a tail loss probe */
	stop();
}

/* At the start full segments are acknowledged at once, and short ones soon, if no answer carries the ACK. */
static void early_acks(void)
{
	start();
	establish();
	c->quick_acks = 16;
	inject(from_peer(0, 0, 1460));
	CHECK_EQUAL(sent_count, 1);
	inject(from_peer(0, 0, 100));
	CHECK_EQUAL(sent_count, 1);
	queue(5);
	CHECK_EQUAL(sent_count, 2);
	CHECK_EQUAL(sent.acknowledgment, c->rcv_nxt);
	inject(from_peer(0, 0, 100));
	CHECK_EQUAL(sent_count, 2);
	pass(MILLISECONDS(2));
	CHECK_EQUAL(sent_count, 3);
	CHECK_EQUAL(sent.acknowledgment, c->rcv_nxt);
	stop();
}

/* RFC 2018 4: the latest block first; RFC 2883: what came twice before it. */
static void sack_blocks(void)
{
	uint32_t start_at;

	start();
	establish();
	start_at = c->rcv_nxt;
	inject(from_peer(100, 0, 100));
	CHECK(sent_options.block_count == 1 && sent_options.blocks[0].start == start_at + 100 &&
		sent_options.blocks[0].end == start_at + 200);
	inject(from_peer(300, 0, 100));
	CHECK(sent_options.block_count == 2 && sent_options.blocks[0].start == start_at + 300 &&
		sent_options.blocks[1].start == start_at + 100);
	inject(from_peer(200, 0, 100)); /* they grow together */
	CHECK(sent_options.block_count == 1 && sent_options.blocks[0].start == start_at + 100 &&
		sent_options.blocks[0].end == start_at + 400);
	inject(from_peer(150, 0, 50)); /* twice */
	CHECK(sent_options.block_count == 2 && sent_options.blocks[0].start == start_at + 150 &&
		sent_options.blocks[0].end == start_at + 200 &&
		sent_options.blocks[1].end == start_at + 400);
	inject(from_peer(0, 0, 100));
	CHECK(sent_options.block_count == 0 && sent.acknowledgment == start_at + 400);
	inject(from_peer(-400, 0, 50)); /* old */
	CHECK(sent_options.block_count == 1 && sent_options.blocks[0].start == start_at &&
		sent_options.blocks[0].end == start_at + 50);
	CHECK_EQUAL(c->received_bytes, 400);
	for (const struct packet *p = c->received.first; p != NULL; p = p->next)
		for (uint32_t i = 0; i < p->length; i++, start_at++)
			CHECK(p->data[i] == (uint8_t)start_at);
	stop();
}

/* The end of a burst is acknowledged at once where nobody answers; a question's ACK waits for the answer. */
static void bursts_are_acknowledged(void)
{
	start();
	establish();
	for (int i = 0; i < 6; i++)
		inject(from_peer(0, 0, 1000));
	caught_none();
	inject(from_peer(0, 0, 1000));
	CHECK_EQUAL(sent_count, 0);
	inject(from_peer(0, 0, 1000));
	CHECK_EQUAL(sent_count, 1);
	inject(from_peer(0, TCP_PSH, 1000));
	CHECK_EQUAL(sent_count, 2);
	queue(100);
	CHECK(sent_text == 100 && sent.acknowledgment == c->rcv_nxt);
	inject(from_peer(0, TCP_PSH, 1000));
	CHECK_EQUAL(sent_count, 3);
	pass(MILLISECONDS(50));
	CHECK_EQUAL(sent_count, 4);
	stop();
}

static bool was_told(uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < sent_block_count; i++)
		if (sent_blocks[i].start == start && sent_blocks[i].end == end)
			return true;
	return false;
}

/* RFC 2018 4: a block that grows by a whole batch doesn't push the others out. */
static void blocks_survive_a_batch(void)
{
	uint32_t first;

	start();
	establish();
	first = c->rcv_nxt;
	for (unsigned block = 0; block < 3; block++) {
		for (int32_t i = 0; i < 20; i++)
			inject_later(from_peer((int32_t)block * 3000 + 100 + i * 100, 0, 100));
		inject_batch();
		CHECK_EQUAL(sent_count, 1);
		CHECK_EQUAL(sent_options.block_count, block + 1);
		for (uint32_t i = 0; i <= block; i++)
			CHECK(was_told(first + i * 3000 + 100, first + i * 3000 + 2100));
		CHECK_EQUAL(sent_options.blocks[0].start, first + block * 3000 + 100);
	}
	stop();
}

/* More blocks than one ACK carries, all of one batch: each is told of. */
static void all_blocks_are_told(void)
{
	uint32_t first;

	start();
	establish_with((struct tcp_options){
		.mss = 1460, .has_sack_permitted = true, .has_timestamp = true, .timestamp = 1 });
	first = c->rcv_nxt;
	for (int32_t i = 0; i < 9; i++) {
		struct segment s = from_peer(100 + i * 200, 0, 100);

		s.options = (struct tcp_options){ .has_timestamp = true, .timestamp = 2 };
		inject_later(s);
	}
	inject_batch();
	for (uint32_t i = 0; i < 9; i++)
		CHECK(was_told(first + 100 + i * 200, first + 200 + i * 200));
	CHECK(sent_count <= 5);
	stop();
}

/* RFC 2883 4: so is all that came twice in one batch; what hangs together by one block. */
static void all_repeats_are_told(void)
{
	uint32_t first;

	start();
	establish();
	first = c->rcv_nxt;
	for (int32_t i = 0; i < 10; i++)
		inject(from_peer(0, 0, 100));
	inject_later(from_peer(-1000, 0, 100));
	inject_later(from_peer(-900, 0, 100));
	inject_later(from_peer(-500, 0, 100));
	inject_later(from_peer(-100, 0, 100));
	inject_batch();
	CHECK(was_told(first, first + 200));
	CHECK(was_told(first + 500, first + 600));
	CHECK(was_told(first + 900, first + 1000));
	CHECK_EQUAL(sent_count, 3);
	stop();
}

/* Overlaps of every kind: each byte is there once, and what came first stays. */
static void overlaps(void)
{
	static const struct {
		int32_t start;
		size_t text;
	} rows[] = { { 50, 50 }, { 40, 100 }, { 10, 35 }, { 120, 100 }, { 45, 10 }, { 5, 300 },
		{ 0, 20 } };
	uint32_t first;

	start();
	establish();
	first = c->rcv_nxt;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		inject(from_peer(rows[i].start, 0, rows[i].text));
	CHECK_EQUAL(c->received_bytes, 305);
	CHECK(c->reorder == NULL);
	for (const struct packet *p = c->received.first; p != NULL; p = p->next)
		for (uint32_t i = 0; i < p->length; i++, first++)
			CHECK(p->data[i] == (uint8_t)first);
	stop();
}

/* A segment that begins in the window may overrun it by a segment; one that begins beyond it is none. */
static void window_is_overrun(void)
{
	static const struct {
		uint32_t ahead, text, received;
	} rows[] = { { 0, 100, 100 }, { 0, 168, 168 }, { 0, 100 + TCP_MSS_DEFAULT + 1, 636 },
		{ 100, 10, 0 }, { 101, 10, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		establish();
		c->rcv_edge = c->rcv_nxt + 100;
		inject(from_peer((int32_t)rows[i].ahead, 0, rows[i].text));
		CHECK_EQUAL(c->received_bytes, rows[i].received);
		CHECK(c->reorder == NULL && !sequence_after(c->rcv_nxt, c->rcv_edge));
		stop();
	}
}

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

/* --- the end --- */

/* 3.6: all the ways, by states. */
static void closing(void)
{
	start(); /* we first, figure 12 */
	establish();
	tcp_connection_shut(c);
	CHECK_EQUAL(sent.flags, TCP_FIN | TCP_ACK);
	CHECK_EQUAL(c->flow.ends.state, TCP_FIN_WAIT_1);
	inject(from_peer(0, 0, 0));
	CHECK_EQUAL(c->flow.ends.state, TCP_FIN_WAIT_2);
	inject(from_peer(0, 0, 100)); /* half-closed: they may still send */
	CHECK_EQUAL(c->received_bytes, 100);
	inject(from_peer(0, TCP_FIN, 0));
	CHECK_EQUAL(c->flow.ends.state, TCP_TIME_WAIT);
	CHECK_EQUAL(host.tcp.waiting, 1);
	CHECK_EQUAL(c->received_bytes, 100);
	pass(SECONDS(61));
	CHECK_EQUAL(host.tcp.waiting, 0);
	stop();
	start(); /* they first */
	establish();
	inject(from_peer(0, TCP_FIN, 0));
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSE_WAIT);
	queue(10);
	CHECK_EQUAL(sent_text, 10);
	tcp_connection_shut(c);
	CHECK_EQUAL(c->flow.ends.state, TCP_LAST_ACK);
	inject(from_peer(0, 0, 0));
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSED);
	CHECK_EQUAL(c->error, CLOSED);
	stop();
	start(); /* both at once, figure 13 */
	establish();
	tcp_connection_shut(c);
	{
		struct segment s = from_peer(0, TCP_FIN, 0);

		s.acknowledgment = c->snd_una;
		inject(s);
	}
	CHECK_EQUAL(c->flow.ends.state, TCP_CLOSING);
	inject(from_peer(0, 0, 0));
	CHECK_EQUAL(c->flow.ends.state, TCP_TIME_WAIT);
	stop();
}

/* RFC 1122 4.2.2.13: text for who has closed, or was never read, is answered by a reset. */
static void unread_text_resets(void)
{
	struct tcp_connection *gone;

	start();
	establish();
	inject(from_peer(0, 0, 10));
	gone = c;
	c = NULL;
	tcp_connection_release(gone);
	CHECK(sent.flags & TCP_RST);
	CHECK_EQUAL(host.tcp.connections, 0);
	stop();
	start();
	establish();
	gone = c;
	c = NULL;
	tcp_connection_release(gone);
	CHECK_EQUAL(sent.flags, TCP_FIN | TCP_ACK);
	inject((struct segment){ .sequence = IRS + 1,
		.acknowledgment = sent.sequence + 1,
		.flags = TCP_ACK,
		.text = 10 });
	CHECK(sent.flags & TCP_RST);
	CHECK_EQUAL(host.tcp.connections, 0);
	stop();
}

/* A peer that never ends its half holds nothing for ever. */
static void fin_wait_2_ends(void)
{
	struct tcp_connection *gone;

	start();
	establish();
	gone = c;
	c = NULL;
	tcp_connection_release(gone);
	inject((struct segment){
		.sequence = IRS + 1, .acknowledgment = sent.sequence + 1, .flags = TCP_ACK });
	CHECK_EQUAL(host.tcp.connections, 1);
	pass(SECONDS(61));
	CHECK_EQUAL(host.tcp.connections, 0);
	stop();
}

/* To TIME-WAIT: both have ended, our FIN first. Returns our next number. */
static uint32_t wait_a_while(struct tcp_options options)
{
	struct segment s;
	uint32_t next;

	establish_with(options);
	tcp_connection_shut(c);
	s = from_peer(0, TCP_FIN, 0);
	s.options.has_timestamp = options.has_timestamp;
	s.options.timestamp = options.timestamp + 2;
	inject(s);
	CHECK_EQUAL(host.tcp.waiting, 1);
	next = c->snd_nxt;
	caught_none();
	return next;
}

/* 3.6.1, RFC 6191, RFC 1337. */
static void time_wait_rows(void)
{
	static const struct {
		int32_t ahead; /* of the peer's next number */
		uint8_t flags;
		uint32_t stamp; /* 0: no stamps at all */
		uint8_t answer;
		unsigned waiting, half_open;
	} rows[] = {
		{ -1, TCP_FIN | TCP_ACK, 0, TCP_ACK, 1, 0 }, /* the FIN again */
		{ 0, TCP_RST, 0, 0, 1, 0 },		     /* RFC 1337 */
		{ 0, TCP_ACK, 0, 0, 1, 0 },
		{ 5, TCP_SYN, 0, TCP_SYN | TCP_ACK, 0, 1 },    /* a new one */
		{ -5, TCP_SYN, 0, TCP_ACK, 1, 0 },	       /* an old one */
		{ -5, TCP_SYN, 600, TCP_SYN | TCP_ACK, 0, 1 }, /* newer by its stamp */
		{ 5, TCP_SYN, 400, TCP_ACK, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tcp_options options = {
			.mss = 1460, .has_timestamp = rows[i].stamp != 0, .timestamp = 500
		};
		uint32_t next;

		start();
		next = wait_a_while(options);
		options.timestamp = rows[i].stamp;
		inject((struct segment){ .sequence = c->rcv_nxt + (uint32_t)rows[i].ahead,
			.acknowledgment = next,
			.flags = rows[i].flags,
			.options = options });
		if (sent.flags != rows[i].answer || host.tcp.waiting != rows[i].waiting ||
			host.tcp.half_open != rows[i].half_open)
			CHECK_FAIL("row %zu: flags %02x, %u wait", i, sent.flags, host.tcp.waiting);
		if (rows[i].half_open)
			CHECK(sequence_after(sent.sequence, next));
		stop();
	}
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
		TEST(syn_is_repeated_then_given_up), TEST(established_rows),
		TEST(challenges_are_limited), TEST(stamps), TEST(acks_are_delayed),
		TEST(bursts_are_acknowledged), TEST(sack_blocks), TEST(blocks_survive_a_batch),
		TEST(all_blocks_are_told), TEST(all_repeats_are_told), TEST(overlaps),
		TEST(window_is_overrun), TEST(small_segments_wait), TEST(initial_window),
		TEST(acknowledged_part_makes_room), TEST(zero_window_is_probed),
		TEST(unanswered_data_is_repeated), TEST(keep_alive), TEST(hole_is_filled),
		TEST(cubic_reduces_the_window), TEST(duplicate_acks), TEST(tail_is_probed),
		TEST(needless_timeout_is_undone), TEST(late_acks_after_a_timeout), TEST(ecn),
		TEST(errors_by_state), TEST(groups_are_not_opened), TEST(too_long_is_cut),
		TEST(zero_window_hears), TEST(first_numbers), TEST(black_hole_is_found),
		TEST(silence_is_no_black_hole), TEST(closing), TEST(unread_text_resets),
		TEST(fin_wait_2_ends), TEST(time_wait_rows), TEST(syn_flood_is_answered_by_cookies),
		TEST(cookies_need_a_flood), TEST(backlog_is_bounded),
		TEST(reorder_flood_is_bounded), TEST(sack_flood_is_bounded),
		TEST(small_text_is_joined), TEST(early_acks));
}
