/*
 * ARP for IPv4.
 *
 * Only ARP itself teaches us link addresses, never the source of an IP packet. A host is learned
 * when it asks for us or answers (RFC 826's merge), if its address is inside one of our prefixes.
 */
#include "net/arp.h"

#include "diatom/counter.h"
#include "diatom/log.h"
#include "net/resolve.h"
#include "wire/arp.h"

COUNTER(arp_malformed, "arp.rx_malformed", "ARP packets dropped: not a request or reply for IPv4");
COUNTER(arp_bad_sender, "arp.rx_bad_sender",
	"ARP packets dropped: sender can't be a host on this link");
COUNTER(arp_conflicts, "arp.rx_conflicts", "ARP packets dropped: sender claims our own address");
COUNTER(arp_ignored, "arp.rx_ignored", "ARP packets for other hosts");
COUNTER(arp_no_buffer, "arp.tx_no_buffer", "ARP packets not sent: no buffer");

static void arp_send(struct net_stack *stack, const struct arp *arp, const uint8_t *to)
{
	struct packet *packet = packet_alloc();

	if (packet == NULL) {
		count(&arp_no_buffer);
		return;
	}
	packet->length = packet->total_length = ARP_BYTES;
	arp_emit(packet->data, arp);
	net_stack_transmit(stack, packet, to, ETHERNET_ARP);
}

static void announce_one(struct net_stack *stack, uint32_t ip)
{
	struct arp arp = { .operation = ARP_REQUEST, .sender_ip = ip, .target_ip = ip };

	memcpy(arp.sender_mac, stack->device->mac, MAC_BYTES);
	arp_send(stack, &arp, mac_broadcast);
}

void arp_announce(struct net_stack *stack)
{
	for (unsigned i = 0; i < stack->address_count; i++)
		announce_one(stack, stack->addresses[i].v4);
	stack->announce_again = FOREVER;
	if (++stack->announced < ARP_ANNOUNCE_NUM)
		stack->announce_again = instant_after(stack->now, ARP_ANNOUNCE_INTERVAL);
	net_stack_wake_at(stack, stack->announce_again);
}

void arp_request(struct net_stack *stack, const struct neighbour *n)
{
	const struct route *route = route_find(&stack->routes, &n->address);
	struct arp arp = { .operation = ARP_REQUEST, .target_ip = address_to_v4(&n->address) };

	if (route != NULL)
		arp.sender_ip = address_to_v4(&route->source);
	memcpy(arp.sender_mac, stack->device->mac, MAC_BYTES);
	/* RFC 1122 2.3.2.1 (2): whoever is known is polled by unicast. */
	arp_send(stack, &arp, n->state == NEIGHBOUR_PROBED ? n->header : mac_broadcast);
}

static void reply(struct net_stack *stack, const struct arp *request)
{
	struct arp arp = {
		.operation = ARP_REPLY,
		.sender_ip = request->target_ip,
		.target_ip = request->sender_ip,
	};

	memcpy(arp.sender_mac, stack->device->mac, MAC_BYTES);
	memcpy(arp.target_mac, request->sender_mac, MAC_BYTES);
	arp_send(stack, &arp, request->sender_mac);
}

/* May this sender be a host on our link? */
static bool sender_is_plausible(const struct net_stack *stack, const struct arp *arp)
{
	if (mac_is_group(arp->sender_mac) || mac_is_zero(arp->sender_mac))
		return false;
	for (unsigned i = 0; i < stack->address_count; i++) {
		const struct net_address *own = &stack->addresses[i];
		struct address sender = address_v4(arp->sender_ip);

		if (prefix_contains(&own->prefix, &sender))
			return arp->sender_ip != own->broadcast_v4;
	}
	return false;
}

static void arp_learn(struct net_stack *stack, const struct arp *arp, bool is_for_us)
{
	struct address sender = address_v4(arp->sender_ip);
	struct neighbour *n = neighbour_find(&stack->neighbours, &sender);

	/* RFC 826: a known sender is updated whoever was asked, an unknown one learned if we were. */
	if (n == NULL && is_for_us)
		n = resolve_enter(stack, &sender);
	if (n != NULL)
		resolve_confirm(stack, n, arp->sender_mac, NEIGHBOUR_REACHABLE);
}

/* RFC 5227 2.4 (c): whoever keeps its address come what may says so, once in ten seconds. */
static void defend(struct net_stack *stack, const struct arp *arp)
{
	char ip[ADDRESS_TEXT_BYTES], mac[MAC_TEXT_BYTES];
	struct address own = address_v4(arp->sender_ip);

	count(&arp_conflicts);
	if (stack->now < stack->defend_again)
		return;
	stack->defend_again = instant_after(stack->now, ARP_DEFEND_INTERVAL);
	log_warning(stack->device->name,
		"%s is also used by %s: give one of the two another address",
		address_text(&own, ip), mac_text(arp->sender_mac, mac));
	announce_one(stack, arp->sender_ip);
}

static void arp_act(struct net_stack *stack, const struct arp *arp)
{
	bool is_for_us = net_stack_owns_v4(stack, arp->target_ip);

	if (arp->sender_ip == 0 && arp->operation == ARP_REQUEST) { /* a probe, RFC 5227 2.1.1 */
		if (is_for_us && !mac_is_group(arp->sender_mac))
			reply(stack, arp);
		return;
	}
	if (net_stack_owns_v4(stack, arp->sender_ip)) {
		if (!mac_equal(arp->sender_mac, stack->device->mac))
			defend(stack, arp);
		return;
	}
	if (!sender_is_plausible(stack, arp)) {
		count(&arp_bad_sender);
		return;
	}
	if (!is_for_us)
		count(&arp_ignored);
	arp_learn(stack, arp, is_for_us);
	if (is_for_us && arp->operation == ARP_REQUEST)
		reply(stack, arp);
}

void arp_input(struct net_stack *stack, struct packet *packet)
{
	struct arp arp;

	if (arp_parse(&arp, packet_view(packet)))
		arp_act(stack, &arp);
	else
		count(&arp_malformed);
	packet_free(packet);
}

void arp_tick(struct net_stack *stack)
{
	if (stack->announce_again <= stack->now)
		arp_announce(stack);
	net_stack_wake_at(stack, stack->announce_again);
}
