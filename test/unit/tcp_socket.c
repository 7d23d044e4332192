/*
 * TCP's blocking calls on fibers, over the wire of test/pair.h.
 */
#include "diatom/tcp.h"

#include "diatom/counter.h"
#include "diatom/memory.h"
#include "net/tcp_socket.h"
#include "test/pair.h"

static const uint8_t constant[50001] = { 1, 2, 3, [40000] = 4, 5, 6 };
static size_t in_place; /* bytes of it that came to the wire where they lie */

static void watch_constant(struct view piece)
{
	if (piece.data >= constant && piece.data < constant + sizeof(constant))
		in_place += piece.length;
}

static void echo(void *connection)
{
	struct tcp *c = connection;
	struct packet *packet;

	while (tcp_read_packet(c, &packet, in_seconds(10)) == OK)
		if (tcp_write_packet(c, packet, in_seconds(10)) != OK)
			break;
	tcp_close(c);
}

static void serve(void *listener)
{
	struct tcp *c;

	while (tcp_accept(listener, &c, FOREVER) == OK)
		fiber_detach(fiber_start("echo", echo, c));
}

static uint8_t byte_of(size_t at)
{
	return (uint8_t)(at * 7 + (at >> 8));
}

struct stream {
	struct tcp *c;
	size_t length;
};

static void write_stream(void *argument)
{
	struct stream *s = argument;
	uint8_t bytes[3000];

	for (size_t at = 0; at < s->length; at += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = byte_of(at + i);
		CHECK_EQUAL(
			tcp_write(s->c, view_part(view_of(bytes, sizeof(bytes)), 0, s->length - at),
				in_seconds(10)),
			OK);
	}
	tcp_shutdown(s->c);
}

static void echoes(void)
{
	static const size_t rows[] = { 0, 1, 3000, 100000, 5000000 };
	struct tcp_listener *listener;
	struct fiber *server;

	pair_start();
	listener = tcp_listen(&right.net, 7);
	CHECK(listener != NULL && tcp_listener_port(listener) == 7);
	server = fiber_start("server", serve, listener);
	for (size_t i = 0; i < ARRAY_LEN(rows) && !check_failed; i++) {
		struct stream s = { tcp_connect(&left.net, right_address(), 7, in_seconds(5)),
			rows[i] };
		struct fiber *writer;
		struct view bytes;
		size_t at = 0;
		enum status status;

		CHECK(s.c != NULL);
		writer = fiber_start("writer", write_stream, &s);
		while ((status = tcp_read(s.c, &bytes, in_seconds(10))) == OK)
			for (size_t k = 0; k < bytes.length; k++, at++)
				CHECK(bytes.data[k] == byte_of(at));
		CHECK_EQUAL(status, CLOSED);
		CHECK_EQUAL(at, rows[i]);
		fiber_join(writer);
		tcp_close(s.c);
	}
	tcp_unlisten(listener);
	fiber_join(server);
}

static struct tcp *accepted;

static void accept_one(void *listener)
{
	CHECK_EQUAL(tcp_accept(listener, &accepted, in_seconds(5)), OK);
}

/* Both ends of a connection to port 9 of the right side. */
static struct tcp *open_pair(struct tcp_listener **listener)
{
	struct fiber *acceptor;
	struct tcp *c;

	pair_start();
	*listener = tcp_listen(&right.net, 9);
	CHECK(*listener != NULL);
	acceptor = fiber_start("acceptor", accept_one, *listener);
	c = tcp_connect(&left.net, right_address(), 9, in_seconds(5));
	fiber_join(acceptor);
	CHECK(c != NULL && accepted != NULL);
	return c;
}

/* A parser's view: so many bytes together, however they came, and only what it took is gone. */
static void peeks(void)
{
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	uint8_t bytes[5000];
	struct view seen;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_of(i);
	CHECK_EQUAL(tcp_peek(accepted, 1, &seen, AT_ONCE), TIMED_OUT);
	CHECK_EQUAL(tcp_write(c, view_of(bytes, sizeof(bytes)), in_seconds(5)), OK);
	CHECK_EQUAL(tcp_peek(accepted, 4000, &seen, in_seconds(5)), OK);
	CHECK(seen.length >= 4000 && memcmp(seen.data, bytes, 4000) == 0);
	tcp_consume(accepted, 3);
	CHECK_EQUAL(tcp_peek(accepted, 4997, &seen, in_seconds(5)), OK);
	CHECK(seen.length == 4997 && memcmp(seen.data, bytes + 3, 4997) == 0);
	tcp_consume(accepted, 4990);
	CHECK_EQUAL(tcp_readable(accepted), 7);
	CHECK_EQUAL(tcp_peek(accepted, TCP_PEEK_MAX + 1, &seen, AT_ONCE), TOO_LONG);
	tcp_shutdown(c);
	CHECK_EQUAL(tcp_peek(accepted, 8, &seen, in_seconds(5)), CLOSED);
	CHECK(seen.length == 7 && seen.data[6] == bytes[4999]);
	tcp_consume(accepted, 7);
	CHECK_EQUAL(tcp_read(accepted, &seen, AT_ONCE), CLOSED);
	tcp_close(accepted);
	tcp_close(c);
	tcp_unlisten(listener);
}

/* A view stays good until the next read call, whatever the peer does meanwhile; then nothing is there. */
static void views_outlive_resets(void)
{
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	struct view seen;

	CHECK_EQUAL(tcp_write(c, view_text("hello"), in_seconds(5)), OK);
	CHECK_EQUAL(tcp_peek(accepted, 5, &seen, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_write(c, view_text("more"), in_seconds(5)), OK);
	sleep_for(MILLISECONDS(20));
	tcp_abort(c);
	sleep_for(MILLISECONDS(20));
	CHECK(memcmp(seen.data, "hello", 5) == 0);
	CHECK_EQUAL(tcp_readable(accepted), 0);
	tcp_consume(accepted, 5);
	CHECK_EQUAL(tcp_peek(accepted, 1, &seen, AT_ONCE), REFUSED);
	CHECK(seen.data == NULL);
	CHECK_EQUAL(tcp_read(accepted, &seen, AT_ONCE), REFUSED);
	tcp_close(accepted);
	tcp_unlisten(listener);
}

static unsigned released;

static void release(void *owner)
{
	released++;
	CHECK(owner == &released);
}

/* Kept pieces are released once, when the peer has them; what a connection is, can be seen. */
static void pieces_are_released(void)
{
	static const uint8_t kept[10000] = { 1 };
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	struct tcp_piece pieces[] = { { .bytes = view_text("head") },
		{ { kept, sizeof(kept) }, true, release, &released } };
	struct tcp_info info;
	struct endpoint remote;

	released = 0;
	CHECK_EQUAL(tcp_writev(c, pieces, 2, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_drain(c, in_seconds(5)), OK);
	CHECK_EQUAL(released, 1);
	tcp_info(c, &info);
	CHECK(info.state == TCP_ESTABLISHED && info.bytes_acknowledged == 10004 && info.rtt_us > 0);
	remote = tcp_remote(c);
	CHECK(remote.port == info.remote.port && remote.port == 9);
	CHECK(address_equal(&remote.address, &info.remote.address));
	CHECK_EQUAL(tcp_readable(accepted), 10004);
	CHECK_EQUAL(tcp_set(c, TCP_NO_DELAY, 2), INVALID_VALUE);
	CHECK_EQUAL(tcp_set(c, TCP_NO_DELAY, 1), OK);
	tcp_shutdown(c);
	CHECK_EQUAL(tcp_writev(c, pieces, 2, in_seconds(5)), CLOSED);
	CHECK_EQUAL(released, 2);
	tcp_abort(accepted);
	tcp_abort(c);
	tcp_unlisten(listener);
}

/* Constant data is neither copied nor, where the device adds nothing up, summed a second time; the other end,
 * which checks the sums, gets it right. */
static void constant_data_is_left_alone(void)
{
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	struct tcp_piece piece = { .bytes = { constant, sizeof(constant) }, .is_kept = true };
	uint64_t before = counter_value("net.sums_saved"),
		 dropped = counter_value("tcp.rx_bad_checksum");
	struct view bytes;

	in_place = 0;
	end_watch = watch_constant;
	for (unsigned i = 0; i < 2; i++) {
		size_t done = 0;

		CHECK_EQUAL(tcp_writev(c, &piece, 1, in_seconds(5)), OK);
		CHECK_EQUAL(tcp_drain(c, in_seconds(5)), OK);
		for (; done < sizeof(constant); done += bytes.length) {
			if (tcp_read(accepted, &bytes, in_seconds(5)) != OK)
				break;
			CHECK(memcmp(bytes.data, constant + done, bytes.length) == 0);
		}
		CHECK_EQUAL(done, sizeof(constant));
		if (i == 0)
			CHECK_EQUAL(counter_value("net.sums_saved"), before);
	}
	end_watch = NULL;
	CHECK(in_place > 2 * sizeof(constant) - 2 * 1500);
	CHECK(counter_value("net.sums_saved") - before > sizeof(constant) / 1460 * 8 / 10);
	CHECK_EQUAL(counter_value("tcp.rx_bad_checksum"), dropped);
	tcp_abort(accepted);
	tcp_abort(c);
	tcp_unlisten(listener);
}

static unsigned changes;

static void changed(struct tcp *c, void *argument)
{
	struct view bytes;
	enum status status;

	changes++;
	while ((status = tcp_read(c, &bytes, AT_ONCE)) == OK)
		*(size_t *)argument += bytes.length;
	if (status != TIMED_OUT) {
		tcp_close(c);
		accepted = NULL;
	}
}

/* The event form: told of what comes, and of the end. */
static void events(void)
{
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	static size_t total;

	tcp_watch(accepted, changed, &total);
	CHECK_EQUAL(tcp_write(c, view_text("hello"), in_seconds(5)), OK);
	sleep_for(MILLISECONDS(20));
	CHECK_EQUAL(total, 5);
	tcp_close(c);
	sleep_for(MILLISECONDS(20));
	CHECK(accepted == NULL && changes >= 2);
	tcp_unlisten(listener);
}

static void failures(void)
{
	struct endpoint closed = { right_address(), 10 }, nobody = { right_address(), 0 };
	struct tcp_listener *listener;
	struct tcp *c;

	pair_start();
	CHECK_EQUAL(tcp_connect_to(&left.net, &closed, &c, in_seconds(5)), REFUSED);
	CHECK(c == NULL);
	CHECK_EQUAL(tcp_connect_to(&left.net, &nobody, &c, in_seconds(5)), INVALID_VALUE);
	closed.address = address_v4(0x08080808);
	CHECK_EQUAL(tcp_connect_to(&left.net, &closed, &c, in_seconds(5)), UNREACHABLE);
	listener = tcp_listen(&right.net, 11);
	CHECK(tcp_listen(&right.net, 11) == NULL);
	CHECK_EQUAL(tcp_accept(listener, &c, AT_ONCE), TIMED_OUT);
	CHECK_EQUAL(tcp_accept(listener, &c, in_ms(5)), TIMED_OUT);
	tcp_unlisten(listener);
	tcp_close(NULL);
	tcp_abort(NULL);
	tcp_unlisten(NULL);
}

/* Nothing that was queued is lost, and a peer that takes nothing doesn't hold the end up for ever. */
static void finishes(void)
{
	struct tcp_listener *listener;
	struct tcp *c = open_pair(&listener);
	uint8_t bytes[20000] = { 0 };

	CHECK_EQUAL(tcp_write(accepted, view_of(bytes, sizeof(bytes)), in_seconds(5)), OK);
	CHECK_EQUAL(tcp_finish(&right.net, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_readable(c), sizeof(bytes));
	tcp_close(c);
	tcp_close(accepted);
	tcp_unlisten(listener);
}

int main(void)
{
	return RUN(TEST(echoes), TEST(peeks), TEST(views_outlive_resets), TEST(pieces_are_released),
		TEST(constant_data_is_left_alone), TEST(events), TEST(failures), TEST(finishes));
}
