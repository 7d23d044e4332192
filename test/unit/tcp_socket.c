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

int main(void)
{
	return RUN(TEST(echoes));
}
