/*
 * TCP's end, segment by segment: half-close, resets, TIME-WAIT. See test/sim/sim_peer.h for who answers.
 */
#include "test/check.h"
#include "test/sim/sim_peer.h"

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

int main(void)
{
	return RUN(TEST(closing), TEST(unread_text_resets), TEST(fin_wait_2_ends),
		TEST(time_wait_rows));
}
