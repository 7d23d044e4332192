/*
 * TCP and a hostile peer: floods, blind injection, numbers that wrap, segments of every odd kind, and who
 * only wants to hold memory. What is refused is counted, memory stays below its limits, and a good
 * connection beside all that goes on. See test/sim/sim_peer.h for the peer.
 */
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "test/check.h"
#include "test/sim/sim_peer.h"

/* The good connection takes text, and what we write to it leaves. */
static void check_well(void)
{
	uint32_t received = c->received_bytes;

	CHECK_EQUAL(c->flow.ends.state, TCP_ESTABLISHED);
	inject(from_peer(0, 0, 100));
	CHECK_EQUAL(c->received_bytes, received + 100);
	caught_none();
	queue(50);
	CHECK_EQUAL(sent_text, 50);
	inject(from_peer(0, 0, 0));
	CHECK_EQUAL(c->snd_una, c->snd_nxt);
}

/* --- floods --- */

/* From everywhere, of every kind, to a port that listens and one that doesn't: each segment is counted,
 * answers are limited, and nothing is held. */
static void floods(void)
{
	enum { FLOOD = 5000 };
	static const struct {
		uint8_t flags;
		uint16_t to;
		const char *counted;
	} rows[] = {
		{ TCP_ACK, 7, "tcp.rx_ignored" },
		{ TCP_RST, 7, "tcp.rx_ignored" },
		{ TCP_RST | TCP_ACK, 7, "tcp.rx_ignored" },
		{ TCP_FIN, 7, "tcp.rx_ignored" },
		{ TCP_FIN | TCP_ACK, 7, "tcp.rx_ignored" },
		{ TCP_SYN | TCP_FIN, 7, "tcp.rx_ignored" },
		{ TCP_SYN | TCP_ACK, 7, "tcp.rx_ignored" },
		{ TCP_FIN | TCP_PSH | TCP_URG, 7, "tcp.rx_ignored" },
		{ 0, 7, "tcp.rx_ignored" },
		{ TCP_SYN, 8, "tcp.rx_no_port" },
		{ TCP_ACK, 8, "tcp.rx_no_port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = counter_value(rows[i].counted), limited;

		start();
		establish();
		limited = counter_value("tcp.tx_resets_limited");
		for (uint32_t n = 0; n < FLOOD; n++)
			inject((struct segment){ .sequence = n * 0x9e3779b1,
				.acknowledgment = n,
				.flags = rows[i].flags,
				.to = rows[i].to,
				.from = (uint16_t)(6000 + n) });
		CHECK_EQUAL(counter_value(rows[i].counted) - before, FLOOD);
		if (sent_count > 1500 ||
			(sent_count > 0 &&
				sent_count + counter_value("tcp.tx_resets_limited") - limited !=
					FLOOD))
			CHECK_FAIL("row %zu: %u answers", i, sent_count);
		CHECK_EQUAL(host.tcp.flow_count, 1);
		check_well();
		stop();
	}
}

/* SYNs that come again don't hold a half-open flow, nor do odd segments; all are counted. */
static void half_open_flows_end(void)
{
	static const uint8_t flags[] = { TCP_RST, TCP_ACK, TCP_FIN, 0, TCP_SYN | TCP_ACK };
	uint64_t before = counter_value("tcp.rx_ignored");

	start();
	for (unsigned second = 0; second < 80; second++) {
		inject((struct segment){ .sequence = IRS, .flags = TCP_SYN });
		CHECK(second > 60 || host.tcp.half_open == 1);
		for (unsigned i = 0; i < sizeof(flags) && second == 5; i++)
			inject((struct segment){ .sequence = IRS + 100, .flags = flags[i] });
		pass(MILLISECONDS(900));
	}
	CHECK_EQUAL(counter_value("tcp.rx_ignored") - before, 5);
	CHECK(counter_value("tcp.half_open_expired") > 0);
	stop();
}

/* --- injection by who doesn't see the numbers --- */

/* Segments at every 60,000th number of all four billion: one of them lies in the window. RFC 5961. */
static void blind_injection(void)
{
	static const struct {
		uint8_t flags;
		size_t text;
		uint32_t ack_ahead;
	} rows[] = {
		{ TCP_RST, 0, 0 },
		{ TCP_SYN, 0, 0 },
		{ TCP_ACK, 1000, 0x40000000 },
		{ TCP_ACK | TCP_FIN, 0, 0x80000000 },
		{ TCP_ACK | TCP_RST, 0, 0xc0000000 },
	};
	enum { STEP = 60000 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t at = 0x12345;

		start();
		establish();
		pass(SECONDS(1));
		for (unsigned n = 0; n <= UINT32_MAX / STEP; n++, at += STEP)
			if (at != c->rcv_nxt)
				inject((struct segment){ .sequence = at,
					.acknowledgment = c->snd_nxt + rows[i].ack_ahead,
					.flags = rows[i].flags,
					.text = rows[i].text });
		/* What has text outside the window is told so each time, as the RFC wants it. */
		if (c->received_bytes != 0 || (sent_count > 2 && rows[i].text == 0))
			CHECK_FAIL(
				"row %zu: %u received, %u sent", i, c->received_bytes, sent_count);
		pass(SECONDS(1));
		check_well();
		stop();
	}
}

/* --- numbers that wrap --- */

/* Both ends' numbers go through 2^32 in the middle of a transfer, with holes and repeats there. */
static void numbers_wrap(void)
{
	static const uint32_t numbers[] = { 0xffffffff, 0xfffffffe, 0xffffff00, 0xfffff000,
		0x7fffffff, 0x7ffffff0 };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct segment s;
		uint32_t una, at;

		start();
		wrap_soon(10000);
		establish_at(numbers[i],
			(struct tcp_options){ .mss = 1460, .has_sack_permitted = true });
		at = numbers[i] + 1;
		una = c->snd_una;
		CHECK(una > 0xffffd000);
		inject(from_peer(3000, 0, 1000));
		CHECK(sent_options.block_count == 1 && sent_options.blocks[0].start == at + 3000);
		inject(from_peer(1000, 0, 1000));
		inject(from_peer(-100, 0, 100)); /* old */
		CHECK_EQUAL(c->received_bytes, 0);
		inject(from_peer(500, 0, 2600)); /* what overlaps both */
		inject(from_peer(0, 0, 1000));
		CHECK_EQUAL(c->received_bytes, 4000);
		CHECK_EQUAL(sent.acknowledgment, at + 4000);
		queue(14600);
		CHECK(c->snd_nxt < una);
		for (uint32_t n = 2; n <= 4; n++) {
			s = from_peer(0, 0, 0);
			s.acknowledgment = una;
			s.options.block_count = 1;
			s.options.blocks[0] = (struct tcp_block){ una + 1460, una + 1460 * n };
			inject(s);
		}
		CHECK_EQUAL(c->recoveries, 1);
		CHECK_EQUAL(c->retransmissions, 1);
		inject(from_peer(0, 0, 0));
		CHECK_EQUAL(c->snd_una, una + 14600);
		for (const struct packet *p = c->received.first; p != NULL; p = p->next)
			for (uint32_t n = 0; n < p->length; n++, at++)
				CHECK(p->data[n] == (uint8_t)at);
		check_well();
		stop();
	}
}

/* --- odd segments --- */

/* Far ahead, huge, overlapping: what lies in the window is taken, once; what doesn't is counted. */
static void huge_segments(void)
{
	static const struct {
		int32_t ahead;
		size_t text;
		uint32_t received, held, beyond; /* bytes */
	} rows[] = {
		{ 0, 60000, 60000, 0, 0 },
		{ 0, 65400, 65400, 0, 0 },
		{ 10000, 65400, 0, 0, 9329 }, /* the window, and a segment more */
		{ 1 << 20, 65400, 0, 0, 0 },
		{ INT32_MAX, 65400, 0, 0, 0 },
		{ INT32_MIN, 65400, 0, 0, 0 },
		{ -65000, 65400, 400, 0, 0 },
		{ -65400, 65400, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t beyond = counter_value("tcp.rx_beyond_bytes");
		uint64_t unacceptable = counter_value("tcp.rx_unacceptable");

		start();
		establish();
		inject(from_peer(rows[i].ahead, 0, rows[i].text));
		if (c->received_bytes != rows[i].received ||
			counter_value("tcp.rx_beyond_bytes") - beyond != rows[i].beyond)
			CHECK_FAIL("row %zu: %u received, %llu beyond", i, c->received_bytes,
				(unsigned long long)(counter_value("tcp.rx_beyond_bytes") -
						     beyond));
		CHECK(c->received_bytes > 0 || c->reorder != NULL ||
			counter_value("tcp.rx_unacceptable") == unacceptable + 1);
		while (c->received_bytes > 0)
			tcp_connection_consume(c, c->received_bytes);
		check_well();
		stop();
	}
}

#define BYTES(...)                                                                                 \
	view_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Options of wrong lengths, unknown and repeated ones: the segment counts, they don't. */
static void odd_options(void)
{
	const struct {
		struct view options;
		bool is_malformed;
	} rows[] = {
		{ BYTES(1, 1, 1, 1), false },
		{ BYTES(0, 255, 255, 255), false }, /* after the end */
		{ BYTES(77, 4, 1, 2), false },	    /* unknown */
		{ BYTES(2, 0, 0, 0), true },	    /* no length */
		{ BYTES(2, 1, 0, 0), true },
		{ BYTES(77, 40, 0, 0), true },			       /* too long */
		{ BYTES(1, 1, 1, 8), true },			       /* cut */
		{ BYTES(5, 2, 1, 1), false },			       /* SACK without blocks */
		{ BYTES(5, 6, 1, 2, 3, 4, 1, 1), false },	       /* half a block */
		{ BYTES(5, 10, 0, 0, 0, 9, 0, 0, 0, 1, 1, 1), false }, /* backwards */
		{ BYTES(8, 10, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1), false }, /* stamps not agreed on */
		{ BYTES(3, 3, 255, 1), false },
		{ BYTES(2, 4, 0, 0), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = counter_value("tcp.rx_malformed");
		struct segment s;

		start();
		establish();
		s = from_peer(0, 0, 10);
		s.raw_options = rows[i].options;
		inject(s);
		if (c->received_bytes != 10 ||
			(counter_value("tcp.rx_malformed") > before) != rows[i].is_malformed)
			CHECK_FAIL("row %zu: %u received, malformed %d", i, c->received_bytes,
				counter_value("tcp.rx_malformed") > before);
		CHECK_EQUAL(c->send_scale, 0);
		CHECK_EQUAL(c->mss, 1460);
		check_well();
		stop();
	}
}

/* --- holding memory --- */

/* Peers that open, let us write, and close their window for ever: what they hold is bounded, a good
 * connection goes on at once, and when memory is short they are ended. */
static void zero_windows(void)
{
	enum { HOGS = 60 };
	struct tcp_connection *hogs[HOGS];
	uint64_t before = counter_value("tcp.evicted");
	static const uint8_t bytes[65536];

	start();
	host.tcp.limits.memory = MEBIBYTES(1);
	establish();
	for (unsigned i = 0; i < HOGS; i++) {
		struct tcp_connection *hog = hogs[i] = establish_from((uint16_t)(2000 + i));
		size_t room = tcp_connection_room(hog);

		inject((struct segment){ .sequence = hog->rcv_nxt,
			.acknowledgment = hog->snd_nxt,
			.flags = TCP_ACK,
			.from = (uint16_t)(2000 + i),
			.is_window_closed = true });
		tcp_connection_copy(
			hog, view_of(bytes, room < sizeof(bytes) ? room : sizeof(bytes)));
		tcp_output(hog);
		CHECK(host.tcp.memory <= host.tcp.limits.memory);
	}
	CHECK(tcp_memory_is_short(&host.tcp));
	check_well();
	for (unsigned second = 0; second < 120; second++) { /* they answer each probe */
		pass(SECONDS(1));
		for (unsigned i = 0; i < HOGS; i++)
			if (hogs[i]->error == OK)
				inject((struct segment){ .sequence = hogs[i]->rcv_nxt,
					.acknowledgment = hogs[i]->snd_una,
					.flags = TCP_ACK,
					.from = (uint16_t)(2000 + i),
					.is_window_closed = true });
	}
	CHECK(counter_value("tcp.evicted") > before);
	CHECK(!tcp_memory_is_short(&host.tcp));
	CHECK(counter_value("tcp.evicted") - before < HOGS); /* no more than need be */
	check_well();
	for (unsigned i = 0; i < HOGS; i++)
		tcp_connection_release(hogs[i]);
	stop();
}

/* Peers that leave a hole open for ever, and send all that the window takes behind it, in small pieces. */
static void holes(void)
{
	enum { HOGS = 40 };
	struct tcp_connection *hogs[HOGS];
	size_t taken = 0;
	uint64_t refused = counter_value("tcp.rx_no_memory"),
		 before = counter_value("tcp.reorder_evicted");

	start();
	host.tcp.limits.memory = MEBIBYTES(1);
	establish();
	for (unsigned i = 0; i < HOGS; i++) {
		hogs[i] = establish_from((uint16_t)(2000 + i));
		for (uint32_t n = 1; n < 200; n++)
			inject((struct segment){ .sequence = hogs[i]->rcv_nxt + 2 * n,
				.acknowledgment = hogs[i]->snd_nxt,
				.flags = TCP_ACK,
				.text = 1,
				.from = (uint16_t)(2000 + i) });
		CHECK(host.tcp.memory <= host.tcp.limits.memory);
	}
	CHECK(counter_value("tcp.rx_no_memory") > refused);
	check_well();
	pass(SECONDS(10));
	for (unsigned n = 0; n < 100; n++) {
		inject(from_peer(0, 0, 1000));
		taken += c->received_bytes;
		tcp_connection_consume(c, c->received_bytes);
	}
	CHECK_EQUAL(taken, 100000 + 100);
	CHECK(counter_value("tcp.reorder_evicted") > before);
	for (unsigned i = 0; i < HOGS; i++)
		tcp_connection_release(hogs[i]);
	stop();
}

/* --- what runs out --- */

/* TIME-WAIT: at the limit the oldest makes room, and is counted. */
static void time_wait_is_full(void)
{
	uint64_t before = counter_value("tcp.waiting_evicted");
	uint32_t last = 0;

	start();
	host.tcp.limits.waiting = 3;
	for (uint16_t i = 0; i < 5; i++) {
		struct tcp_connection *gone = establish_from((uint16_t)(2000 + i));

		tcp_connection_release(gone);
		last = sent.sequence;
		inject((struct segment){ .sequence = IRS + 1,
			.acknowledgment = last + 1,
			.flags = TCP_ACK | TCP_FIN,
			.from = (uint16_t)(2000 + i) });
		CHECK(host.tcp.waiting <= 3);
	}
	CHECK_EQUAL(counter_value("tcp.waiting_evicted") - before, 2);
	for (uint16_t i = 0; i < 5; i++) { /* the FIN again: only the younger three know of it */
		caught_none();
		inject((struct segment){ .sequence = IRS + 1,
			.acknowledgment = last + 1,
			.flags = TCP_ACK | TCP_FIN,
			.from = (uint16_t)(2000 + i) });
		CHECK_EQUAL(sent.flags, i < 2 ? TCP_RST : TCP_ACK);
	}
	stop();
}

/* Connections: one too many is counted, waits half-open, and comes in when another has ended. */
static void connections_run_out(void)
{
	uint64_t before = counter_value("tcp.refused_limit");
	struct segment last;

	start();
	host.tcp.limits.connections = 1;
	establish();
	inject((struct segment){ .sequence = IRS, .flags = TCP_SYN, .from = 2000 });
	last = (struct segment){ .sequence = IRS + 1,
		.acknowledgment = sent.sequence + 1,
		.flags = TCP_ACK,
		.from = 2000 };
	inject(last);
	CHECK_EQUAL(counter_value("tcp.refused_limit"), before + 1);
	CHECK_EQUAL(host.tcp.half_open, 1);
	check_well();
	tcp_connection_abort(c);
	tcp_connection_release(c);
	c = NULL;
	inject(last);
	CHECK(c != NULL && c->flow.ends.state == TCP_ESTABLISHED);
	stop();
}

/* Takes all packet buffers that there are. */
static struct packet_queue take_buffers(void)
{
	struct packet_queue taken = { 0 };
	struct packet *packet;

	while ((packet = packet_alloc()) != NULL)
		packet_queue_put(&taken, packet);
	return taken;
}

/* Packet buffers: what can't be sent is counted, and leaves when there are some again. */
static void buffers_run_out(void)
{
	uint64_t before = counter_value("tcp.tx_no_buffer");
	struct packet_queue taken;
	struct packet *packet;

	start();
	establish();
	CHECK_EQUAL(tcp_connection_copy(c, view_of((const uint8_t *)"0123456789", 10)), 10);
	taken = take_buffers();
	tcp_output(c);
	CHECK_EQUAL(sent_count, 0);
	CHECK(counter_value("tcp.tx_no_buffer") > before);
	CHECK(c->alarm_at != FOREVER);
	CHECK_EQUAL(tcp_connection_copy(c, view_of((const uint8_t *)"x", 1)), 1); /* in the tail */
	while ((packet = packet_queue_take(&taken)) != NULL)
		packet_free(packet);
	pass(MILLISECONDS(100));
	CHECK(sent_count > 0 && sent_text == 11);
	inject(from_peer(0, 0, 0));
	check_well();
	stop();
}

int main(void)
{
	return RUN(TEST(floods), TEST(half_open_flows_end), TEST(blind_injection),
		TEST(numbers_wrap), TEST(huge_segments), TEST(odd_options), TEST(zero_windows),
		TEST(holes), TEST(time_wait_is_full), TEST(connections_run_out),
		TEST(buffers_run_out));
}
