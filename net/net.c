/*
 * Interfaces: brought up at first use, then driven by the run loop.
 *
 *     poll:   flush what fibers sent -> receive up to 64 frames -> stack -> flush what it answered
 *     sleep:  flush, then the device arms its wake-up
 *     timer:  the stack's next deadline
 */
#include "diatom/net.h"

#include "diatom/fiber.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "diatom/random.h"
#include "core/trace.h"
#include "net/arp.h"
#include "net/interface.h"

#define RECEIVE_BATCH 64
#define MTU_MIN	      576 /* RFC 1122 3.3.3's default */

/* INT or TERM came: whoever waits on a socket gets CLOSED. */
static void finish(struct interface *interface)
{
	interface->is_finishing = true;
	udp_ports_wake_all(&interface->stack.udp);
	if (interface->finish != NULL) {
		interface->finish(interface->stack.tcp);
		interface_sync(interface);
	}
}

/* Frames that went out since it was last said, of all interfaces. */
static void trace_sent(void)
{
	static uint64_t told;
	uint64_t sent = net_stack_frames_sent();

	if (sent != told)
		trace_emit(TRACE_TRANSMIT, NULL, (int64_t)(sent - told));
	told = sent;
}

static void flush(struct net_stack *stack)
{
	stack->device->ops->flush(stack->device);
	if (trace_is_on())
		trace_sent();
}

static bool poll_interface(struct poller *poller)
{
	struct interface *interface = CONTAINER_OF(poller, struct interface, poller);
	struct netdev *device = interface->stack.device;
	struct packet_queue frames = { 0 };

	flush(&interface->stack);
	if (!interface->is_finishing && finish_is_requested())
		finish(interface);
	if (device->ops->receive(device, &frames, RECEIVE_BATCH) == 0)
		return false;
	if (trace_is_on())
		trace_emit(TRACE_RECEIVE, NULL, frames.count);
	net_stack_input(&interface->stack, &frames, loop_now());
	interface_sync(interface);
	flush(&interface->stack);
	return true;
}

static bool prepare_sleep(struct poller *poller)
{
	struct net_stack *stack = &CONTAINER_OF(poller, struct interface, poller)->stack;

	flush(stack);
	return stack->device->ops->prepare_sleep(stack->device);
}

static void tick(struct task *timer)
{
	struct interface *interface = CONTAINER_OF(timer, struct interface, timer);

	net_stack_tick(&interface->stack, loop_now());
	interface_sync(interface);
}

/* Gives the stack its address and default route: the host's words, else the manifest's. */
static enum status configure(
	struct net_stack *stack, const struct manifest_net *manifest, bool has_ipv6)
{
	const char *ip = interface_text(stack->device->ip, manifest->ip);
	const char *gateway = interface_text(stack->device->gateway, manifest->gateway);
	struct prefix prefix, all = { .address = address_v4(0) };
	struct address hop;

	if (ip[0] == '\0') {
		if (has_ipv6)
			return OK;
		log_warning(manifest->name,
			"has no address: give one by --net %s=...,ip=ADDRESS/BITS", manifest->name);
		return OK;
	}
	if (prefix_parse(&prefix, ip) != OK || net_stack_add_address(stack, &prefix) != OK) {
		log_error(manifest->name, "\"%s\" is not an address that a host can have", ip);
		return INVALID_VALUE;
	}
	if (gateway[0] == '\0')
		return OK;
	if (address_parse(&hop, gateway) != OK || net_stack_add_route(stack, &all, &hop) != OK) {
		log_error(manifest->name, "gateway \"%s\" is not another host in %s", gateway, ip);
		return INVALID_VALUE;
	}
	return OK;
}

static void say_up(const struct net_stack *stack, const struct manifest_net *manifest)
{
	char ip[ADDRESS_TEXT_BYTES], mac[MAC_TEXT_BYTES];

	if (stack->address_count == 0)
		return;
	log_info(manifest->name, "%s/%u (%s)",
		address_text(&stack->addresses[0].prefix.address, ip),
		stack->addresses[0].prefix.bits, mac_text(stack->device->mac, mac));
}

static enum status bring_up(struct net *net, struct netdev *device)
{
	struct interface *interface = extent_alloc(sizeof(*interface));
	enum status status;

	if (interface == NULL)
		return NO_MEMORY;
	if (net->manifest->mtu >= MTU_MIN && net->manifest->mtu < device->mtu)
		device->mtu = (uint16_t)net->manifest->mtu;
	memset(interface, 0, sizeof(*interface));
	net_stack_init(&interface->stack, device, random_u32, time_now());
	net->stack = &interface->stack;
	status = configure(net->stack, net->manifest, net->start_ipv6 != NULL);
	if (status == OK && net->start_ipv6 != NULL)
		status = net->start_ipv6(net);
	if (status != OK) {
		net->stack = NULL;
		extent_free(interface, sizeof(*interface));
		return status;
	}
	interface->timer.run = tick;
	interface->poller.poll = poll_interface;
	interface->poller.prepare_sleep = prepare_sleep;
	say_up(net->stack, net->manifest);
	arp_announce(net->stack);
	interface_sync(interface);
	loop_add_poller(&interface->poller);
	return OK;
}

enum status net_up(struct net *net)
{
	struct netdev *device;
	enum status status;

	if (net->stack != NULL)
		return OK;
	status = netdev_open(net->manifest->name, &device);
	if (status == OK)
		status = bring_up(net, device);
	else
		log_error(net->manifest->name, "no such network device: %s", status_text(status));
	return status;
}
