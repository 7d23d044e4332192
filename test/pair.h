/*
 * Two interfaces of one program, joined by a wire, in real time: for tests of what stands on TCP.
 *
 *     left 10.0.0.1 ==== wire ==== 10.0.0.2 right
 */
#ifndef DIATOM_TEST_PAIR_H
#define DIATOM_TEST_PAIR_H

#include "diatom/fiber.h"
#include "diatom/tcp.h"
#include "net/interface.h"
#include "net/linear.h"
#include "test/check.h"

struct end {
	struct netdev device;
	struct interface interface;
	struct net net;
	struct packet_queue arrived;
	struct end *other;
};

static struct end left, right;
static const struct manifest_net end_manifest = { .name = "wire" };
static uint32_t end_counter;

static uint32_t end_chance(void)
{
	return end_counter += 0x9e3779b1;
}

/* Shown each piece that goes over the wire, where the sender has it; NULL: nobody looks. */
static void (*end_watch)(struct view piece);

/* The wire copies: the sender's buffers are its own again at once. */
static void end_transmit(struct netdev *device, struct packet *frame)
{
	struct end *end = CONTAINER_OF(device, struct end, device);
	struct packet *copy = linear_alloc(frame->total_length);
	uint8_t *out = copy->data;

	for (const struct packet *part = frame; part != NULL; part = part->fragment) {
		if (end_watch != NULL)
			end_watch(packet_view(part));
		memcpy(out, part->data, part->length);
		out += part->length;
	}
	packet_queue_put(&end->other->arrived, copy);
	packet_free(frame);
}

static const struct netdev_ops end_ops = { .transmit = end_transmit };

static bool end_poll(struct poller *poller)
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

static bool end_prepare_sleep(struct poller *poller)
{
	struct interface *interface = CONTAINER_OF(poller, struct interface, poller);

	return CONTAINER_OF(interface, struct end, interface)->arrived.first != NULL;
}

static void end_tick(struct task *timer)
{
	struct interface *interface = CONTAINER_OF(timer, struct interface, timer);

	net_stack_tick(&interface->stack, loop_now());
	interface_sync(interface);
}

static void end_start(struct end *end, struct end *other, uint8_t number, const char *prefix_text)
{
	struct prefix prefix;

	end->other = other;
	end->device = (struct netdev){
		.ops = &end_ops, .name = "wire", .mac = { 2, 0, 0, 0, 0, number }, .mtu = 1500
	};
	end->net.manifest = &end_manifest;
	end->net.stack = &end->interface.stack;
	end->interface.timer.run = end_tick;
	end->interface.poller.poll = end_poll;
	end->interface.poller.prepare_sleep = end_prepare_sleep;
	net_stack_init(&end->interface.stack, &end->device, end_chance, time_now());
	CHECK(prefix_parse(&prefix, prefix_text) == OK);
	CHECK(net_stack_add_address(&end->interface.stack, &prefix) == OK);
	loop_add_poller(&end->interface.poller);
}

/* Brings both up, the first time. */
static void pair_start(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	end_start(&left, &right, 1, "10.0.0.1/24");
	end_start(&right, &left, 2, "10.0.0.2/24");
}

static struct address right_address(void)
{
	return address_v4(0x0a000002);
}

#endif
