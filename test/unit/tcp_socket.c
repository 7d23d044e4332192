/*
 * TCP's blocking calls on fibers: two interfaces of one program, joined by a wire, in real time.
 *
 *     left 10.0.0.1 ==== wire ==== 10.0.0.2 right
 */
#include "diatom/tcp.h"

#include "diatom/fiber.h"
#include "diatom/memory.h"
#include "net/interface.h"
#include "net/linear.h"
#include "net/tcp_socket.h"
#include "test/check.h"

struct end {
	struct netdev device;
	struct interface interface;
	struct net net;
	struct packet_queue arrived;
	struct end *other;
};

static struct end left, right;
static uint32_t counter;

static uint32_t some_chance(void)
{
	return counter += 0x9e3779b1;
}

/* The wire copies: the sender's buffers are its own again at once. */
static void transmit(struct netdev *device, struct packet *frame)
{
	struct end *end = CONTAINER_OF(device, struct end, device);
	struct packet *copy = linear_alloc(frame->total_length);
	uint8_t *out = copy->data;

	for (const struct packet *part = frame; part != NULL; part = part->fragment) {
		memcpy(out, part->data, part->length);
		out += part->length;
	}
	packet_queue_put(&end->other->arrived, copy);
	packet_free(frame);
}

static const struct netdev_ops ops = { .transmit = transmit };

static bool poll(struct poller *poller)
{
	struct interface *interface = CONTAINER_OF(poller, struct interface, poller);
	struct end *end = CONTAINER_OF(interface, struct end, interface);
	struct packet_queue frames = end->arrived;

	if (frames.first == NULL)
		return false;
	end->arrived = (struct packet_queue){ 0 };
	net_stack_input(&interface->stack, &frames, loop_now());
	interface_sync(interface);
	return true;
}

static bool prepare_sleep(struct poller *poller)
{
	struct interface *interface = CONTAINER_OF(poller, struct interface, poller);

	return CONTAINER_OF(interface, struct end, interface)->arrived.first != NULL;
}

static void tick(struct task *timer)
{
	struct interface *interface = CONTAINER_OF(timer, struct interface, timer);

	net_stack_tick(&interface->stack, loop_now());
	interface_sync(interface);
}

static void start_end(struct end *end, struct end *other, uint8_t number, const char *prefix_text)
{
	struct prefix prefix;

	end->other = other;
	end->device = (struct netdev){
		.ops = &ops, .name = "wire", .mac = { 2, 0, 0, 0, 0, number }, .mtu = 1500
	};
	end->net.stack = &end->interface.stack;
	end->interface.timer.run = tick;
	end->interface.poller.poll = poll;
	end->interface.poller.prepare_sleep = prepare_sleep;
	net_stack_init(&end->interface.stack, &end->device, some_chance, time_now());
	CHECK(prefix_parse(&prefix, prefix_text) == OK);
	CHECK(net_stack_add_address(&end->interface.stack, &prefix) == OK);
	loop_add_poller(&end->interface.poller);
}

static void start(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	start_end(&left, &right, 1, "10.0.0.1/24");
	start_end(&right, &left, 2, "10.0.0.2/24");
}

static struct address right_address(void)
{
	return address_v4(0x0a000002);
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

	start();
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

	start();
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

	released = 0;
	CHECK_EQUAL(tcp_writev(c, pieces, 2, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_drain(c, in_seconds(5)), OK);
	CHECK_EQUAL(released, 1);
	tcp_info(c, &info);
	CHECK(info.state == TCP_ESTABLISHED && info.bytes_acknowledged == 10004 && info.rtt_us > 0);
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

	start();
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
		TEST(events), TEST(failures), TEST(finishes));
}
