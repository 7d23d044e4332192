/*
 * The stack's set-up, the Ethernet layer, and the order in which things happen.
 */
#include "net/stack.h"

#include "diatom/counter.h"
#include "net/arp.h"
#include "net/ipv4.h"
#include "net/ipv6_join.h"
#include "net/resolve.h"
#include "wire/ethernet.h"

COUNTER(rx_frames, "ethernet.rx_frames", "frames received");
COUNTER(tx_frames, "ethernet.tx_frames", "frames handed to the device");
COUNTER(rx_short, "ethernet.rx_short", "frames dropped: no whole header");
COUNTER(rx_other_host, "ethernet.rx_other_host", "frames dropped: for another link address");
COUNTER(rx_own_source, "ethernet.rx_own_source", "frames dropped: sent from our own link address");
COUNTER(rx_unknown_type, "ethernet.rx_unknown_type", "frames dropped: a protocol we don't speak");
COUNTER(tx_no_headroom, "ethernet.tx_no_headroom", "packets dropped: no room for the frame header");

/* TCP, in images that use it (net/tcp_host.c); else NULL. */
void tcp_batch_end(struct net_stack *stack) __attribute__((weak, visibility("hidden")));
void tcp_tick(struct net_stack *stack) __attribute__((weak, visibility("hidden")));

void net_stack_init(
	struct net_stack *stack, struct netdev *device, uint32_t (*random)(void), instant now)
{
	memset(stack, 0, sizeof(*stack));
	stack->device = device;
	stack->random = random;
	stack->now = now;
	stack->deadline = stack->announce_again = FOREVER;
	stack->ipv4_id_key = random();
	neighbour_cache_init(&stack->neighbours, (uint64_t)random() << 32 | random());
	reassembly_init(&stack->reassembly);
}

/* The addresses that hosts may have: RFC 1122 3.2.1.3. */
static bool is_host_v4(uint32_t ip, unsigned prefix_bits)
{
	uint32_t host_mask =
		prefix_bits == 0 ? UINT32_MAX : (uint32_t)(UINT64_C(0xffffffff) >> prefix_bits);

	if (!ipv4_is_unicast(ip))
		return false;
	/* RFC 3021: the two addresses of a /31 are both hosts. */
	return prefix_bits >= 31 || ((ip & host_mask) != 0 && (ip & host_mask) != host_mask);
}

enum status net_stack_add_address(struct net_stack *stack, const struct prefix *prefix)
{
	struct net_address own = { .prefix = *prefix };
	struct route route = { .to = *prefix, .source = prefix->address, .is_on_link = true };
	enum status status;

	if (!address_is_v4(&prefix->address))
		return UNSUPPORTED;
	own.v4 = address_to_v4(&prefix->address);
	if (!is_host_v4(own.v4, prefix->bits))
		return INVALID_VALUE;
	if (net_stack_owns_v4(stack, own.v4))
		return IN_USE;
	if (stack->address_count == NET_ADDRESSES_MAX)
		return FULL;
	if (prefix->bits < 31)
		own.broadcast_v4 = own.v4 | (uint32_t)(UINT64_C(0xffffffff) >> prefix->bits);
	status = route_add(&stack->routes, &route);
	if (status == OK)
		stack->addresses[stack->address_count++] = own;
	net_stack_forget_destination(stack);
	return status;
}

enum status net_stack_add_route(
	struct net_stack *stack, const struct prefix *to, const struct address *gateway)
{
	const struct route *link = route_find(&stack->routes, gateway);
	struct route route = { .to = *to, .gateway = *gateway };

	if (link == NULL || !link->is_on_link || address_equal(&link->source, gateway))
		return UNREACHABLE;
	route.source = link->source;
	net_stack_forget_destination(stack);
	return route_add(&stack->routes, &route);
}

static void ethernet_input(struct net_stack *stack, struct packet *packet)
{
	struct ethernet_header header;
	bool is_group;

	if (!ethernet_parse(&header, packet_view(packet))) {
		count(&rx_short);
		goto drop;
	}
	is_group = mac_is_group(header.destination);
	if (!is_group && !mac_equal(header.destination, stack->device->mac)) {
		count(&rx_other_host);
		goto drop;
	}
	if (mac_equal(header.source, stack->device->mac)) {
		count(&rx_own_source);
		goto drop;
	}
	packet_pull(packet, ETHERNET_HEADER_BYTES);
	switch (header.type) {
	case ETHERNET_IPV4:
		ipv4_input(stack, packet, is_group);
		return;
	case ETHERNET_IPV6:
		if (stack->ipv6 == NULL)
			break;
		ipv6_input(stack, packet, is_group);
		return;
	case ETHERNET_ARP:
		arp_input(stack, packet);
		return;
	}
	count(&rx_unknown_type);
drop:
	packet_free(packet);
}

void net_stack_input(struct net_stack *stack, struct packet_queue *frames, instant now)
{
	struct packet *packet;

	stack->now = now;
	count_many(&rx_frames, frames->count);
	while ((packet = packet_queue_take(frames)) != NULL) {
		__builtin_prefetch(frames->first ? frames->first->data : packet->data);
		ethernet_input(stack, packet);
	}
	udp_ports_wake(&stack->udp);
	if (tcp_batch_end != NULL)
		tcp_batch_end(stack);
}

void net_stack_tick(struct net_stack *stack, instant now)
{
	stack->now = now;
	stack->deadline = FOREVER;
	arp_tick(stack);
	if (stack->ipv6 != NULL)
		ipv6_tick(stack);
	resolve_tick(stack);
	reassembly_tick(stack);
	udp_ports_wake(&stack->udp);
	if (tcp_tick != NULL)
		tcp_tick(stack);
}

static bool has_header_room(struct packet *packet)
{
	if (packet_push(packet, ETHERNET_HEADER_BYTES) != NULL)
		return true;
	count(&tx_no_headroom);
	packet_free(packet);
	return false;
}

void net_stack_transmit(
	struct net_stack *stack, struct packet *packet, const uint8_t *to, uint16_t type)
{
	if (!has_header_room(packet))
		return;
	ethernet_emit(packet->data, to, stack->device->mac, type);
	count(&tx_frames);
	stack->device->ops->transmit(stack->device, packet);
}

uint64_t net_stack_frames_sent(void)
{
	return tx_frames.value;
}

void net_stack_transmit_to(struct net_stack *stack, struct packet *packet, struct neighbour *n)
{
	if (!has_header_room(packet))
		return;
	memcpy(packet->data, n->header, ETHERNET_HEADER_BYTES);
	n->used = stack->now;
	count(&tx_frames);
	stack->device->ops->transmit(stack->device, packet);
}
