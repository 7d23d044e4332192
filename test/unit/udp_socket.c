/*
 * UDP sockets and fibers: a stack on a device that only counts, datagrams injected as from 10.0.0.1.
 */
#include "diatom/udp.h"

#include "diatom/fiber.h"
#include "diatom/memory.h"
#include "net/interface.h"
#include "net/ipv4.h"
#include "net/linear.h"
#include "test/check.h"
#include "wire/udp.h"

enum { US = 0x0a000002, THEM = 0x0a000001, DATA_BYTES = 4 };

static unsigned transmitted;

static void transmit(struct netdev *device, struct packet *frame)
{
	transmitted++;
	packet_free(frame);
}

static const struct netdev_ops ops = { .transmit = transmit };
static struct netdev device = {
	.ops = &ops, .name = "test", .mac = { 2, 0, 0, 0, 0, 2 }, .mtu = 1500
};
static struct interface interface;
static struct net net = { .stack = &interface.stack };

static uint32_t no_chance(void)
{
	return 4;
}

static void tick(struct task *timer)
{
}

static void start(void)
{
	struct prefix prefix;

	memset(&interface, 0, sizeof(interface));
	interface.timer.run = tick;
	net_stack_init(&interface.stack, &device, no_chance, time_now());
	CHECK(prefix_parse(&prefix, "10.0.0.2/24") == OK);
	CHECK(net_stack_add_address(&interface.stack, &prefix) == OK);
	transmitted = 0;
}

static size_t packets(void)
{
	size_t used = 0;

	for (const struct pool *pool = pool_first(); pool != NULL; pool = pool->next_pool)
		if (strstr(pool->name, "packet") != NULL)
			used += pool->used;
	return used;
}

/* `n` datagrams to port 7, the data of each its number, in one batch of frames. */
static void inject(unsigned n)
{
	struct packet_queue frames = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct packet *frame = linear_alloc(14 + 20 + 8 + DATA_BYTES);
		struct ipv4_header ip = { .source = THEM,
			.destination = US,
			.ttl = 64,
			.protocol = IP_UDP,
			.total_length = 28 + DATA_BYTES };
		struct udp_header udp = { 1234, 7, 8 + DATA_BYTES, false };

		ethernet_emit(frame->data, device.mac, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 },
			ETHERNET_IPV4);
		ipv4_emit(frame->data + 14, &ip);
		udp_emit(frame->data + 34, &udp);
		be32_to(frame->data + 42, i);
		packet_queue_put(&frames, frame);
	}
	net_stack_input(&interface.stack, &frames, time_now());
}

static uint32_t seen; /* a bit for each number received */

static void receive_one(void *socket)
{
	struct udp_datagram d;

	CHECK_EQUAL(udp_receive(socket, &d, FOREVER), OK);
	CHECK_EQUAL(d.payload.length, DATA_BYTES);
	seen |= 1u << be32_at(d.payload.data);
}

/* Fibers that wait together get one datagram each, and none is lost to the pool. */
static void fibers_share_a_socket(void)
{
	struct fiber *fibers[3];
	struct udp_socket *socket;
	size_t before = packets();

	start();
	socket = udp_open(&net, 7);
	seen = 0;
	for (unsigned i = 0; i < 3; i++)
		fibers[i] = fiber_start("reader", receive_one, socket);
	fiber_yield();
	inject(3);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQUAL(fiber_join(fibers[i]), OK);
	CHECK_EQUAL(seen, 7);
	udp_close(socket);
	CHECK_EQUAL(packets(), before);
}

static void hold_one(void *socket)
{
	struct udp_datagram d;

	CHECK_EQUAL(udp_receive(socket, &d, FOREVER), OK);
	sleep_for(MILLISECONDS(2));
	CHECK_EQUAL(be32_at(d.payload.data), 0);
	CHECK_EQUAL(udp_reply(socket, &d, d.payload), OK);
}

static void receive_on(void *socket)
{
	struct udp_datagram d;

	CHECK_EQUAL(udp_receive(socket, &d, FOREVER), OK);
	CHECK_EQUAL(udp_receive(socket, &d, instant_after(time_now(), MILLISECONDS(1))), TIMED_OUT);
}

/* What one fiber holds stays, whatever the others receive. */
static void fibers_hold_their_own(void)
{
	struct fiber *holder, *other;
	struct udp_socket *socket;
	size_t before = packets();

	start();
	socket = udp_open(&net, 7);
	holder = fiber_start("holder", hold_one, socket);
	fiber_yield();
	other = fiber_start("other", receive_on, socket);
	fiber_yield();
	inject(2);
	CHECK_EQUAL(fiber_join(holder), OK);
	CHECK_EQUAL(fiber_join(other), OK);
	udp_close(socket);
	task_cancel(&interface.timer);
	for (unsigned i = 0; i < NEIGHBOUR_COUNT; i++) /* the reply waits for an address */
		if (interface.stack.neighbours.entries[i].state != NEIGHBOUR_FREE)
			neighbour_remove(&interface.stack.neighbours,
				&interface.stack.neighbours.entries[i]);
	CHECK_EQUAL(packets(), before);
}

static void wait_for_close(void *socket)
{
	struct udp_datagram d;

	CHECK_EQUAL(udp_receive(socket, &d, FOREVER), CLOSED);
}

/* RFC 768 has no connections: closing ends waits, and drops what nobody took. */
static void close_ends_waits(void)
{
	struct fiber *fibers[2];
	struct udp_socket *socket;
	size_t before = packets();

	start();
	socket = udp_open(&net, 7);
	CHECK(udp_open(&net, 7) == NULL);
	for (unsigned i = 0; i < 2; i++)
		fibers[i] = fiber_start("reader", wait_for_close, socket);
	fiber_yield();
	udp_close(socket);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQUAL(fiber_join(fibers[i]), OK);
	socket = udp_open(&net, 7);
	inject(5);
	udp_close(socket);
	CHECK_EQUAL(packets(), before);
}

static void deadline_passes(void)
{
	struct udp_socket *socket;
	struct udp_datagram d;

	start();
	socket = udp_open(&net, 7);
	CHECK_EQUAL(udp_receive(socket, &d, instant_after(time_now(), MILLISECONDS(1))), TIMED_OUT);
	udp_close(socket);
}

int main(void)
{
	return RUN(TEST(fibers_share_a_socket), TEST(fibers_hold_their_own), TEST(close_ends_waits),
		TEST(deadline_passes));
}
