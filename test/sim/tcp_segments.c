/*
 * TCP in the synchronized states, segment by segment: what RFC 9293 3.10.7.4 and its companions demand of
 * what comes, by rows. See test/sim/sim_peer.h for who sends them.
 */
#include "diatom/counter.h"
#include "test/check.h"
#include "test/sim/sim_peer.h"

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

/* A push in a merged frame is no odd segment's: each second frame is acknowledged, as without. */
static void merged_bursts_are_not(void)
{
	start();
	establish();
	for (int i = 0; i < 8; i++)
		inject(from_peer(0, 0, 5000));
	caught_none();
	inject(from_peer(0, TCP_PSH, 5000));
	CHECK_EQUAL(sent_count, 0);
	inject(from_peer(0, TCP_PSH, 5000));
	CHECK_EQUAL(sent_count, 1);
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

int main(void)
{
	return RUN(TEST(established_rows), TEST(challenges_are_limited), TEST(stamps),
		TEST(acks_are_delayed), TEST(bursts_are_acknowledged), TEST(merged_bursts_are_not),
		TEST(sack_blocks), TEST(blocks_survive_a_batch), TEST(all_blocks_are_told),
		TEST(all_repeats_are_told), TEST(overlaps), TEST(window_is_overrun),
		TEST(zero_window_hears), TEST(first_numbers), TEST(early_acks));
}
