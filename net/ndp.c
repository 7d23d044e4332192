/*
 * Neighbours. A host is learned when it asks for us (RFC 4861 7.2.3) or answers what we asked.
 *
 * Everything here must come with a hop limit of 255, so from the link itself (RFC 4861 7.1), and never
 * in fragments (RFC 6980).
 */
#include "net/ndp.h"

#include "diatom/counter.h"
#include "net/icmpv6.h"
#include "net/ipv6.h"
#include "net/resolve.h"
#include "wire/ipv4.h"

#define NDP_HOP_LIMIT 255

COUNTER(rx_malformed, "ndp.rx_malformed",
	"messages dropped: not of the link, in fragments, or wrong");
COUNTER(rx_ignored, "ndp.rx_ignored", "messages for others, or about what we didn't ask");
COUNTER(rx_redirects, "ndp.rx_redirects", "redirects ignored: routes are what routers advertise");
COUNTER(tx_no_buffer, "ndp.tx_no_buffer", "messages not sent: no buffer");

static struct packet *message_alloc(void)
{
	struct packet *packet = packet_alloc();

	if (packet == NULL)
		count(&tx_no_buffer);
	return packet;
}

static void send(struct net_stack *stack, struct packet *packet, size_t length,
	const struct address *source, const struct address *destination, const uint8_t *mac)
{
	packet->length = packet->total_length = (uint32_t)length;
	icmpv6_store_checksum(packet, source, destination);
	ipv6_output_link(stack, packet, source, destination, IP_ICMPV6, NDP_HOP_LIMIT, mac);
}

void ndp_probe(struct net_stack *stack, const struct address *target)
{
	static const struct address none;
	struct address group = ipv6_solicited_node(target);
	struct packet *packet = message_alloc();

	if (packet != NULL)
		send(stack, packet, ndp_emit_solicitation(packet->data, target, NULL), &none,
			&group, NULL);
}

void ndp_announce(struct net_stack *stack, const struct address *own)
{
	struct ndp_target told = { .target = *own }; /* overrides nothing */
	struct address routers = ipv6_link_group(2);
	struct packet *packet = message_alloc();

	if (packet != NULL)
		send(stack, packet, ndp_emit_advertisement(packet->data, &told, stack->device->mac),
			own, &routers, NULL);
}

/* From which address to ask: the waiting packet's own, if it is decided (RFC 4861 7.2.2), or any. NULL:
 * there is none. */
static const struct ipv6_address *choose_source(
	const struct net_stack *stack, const struct neighbour *n)
{
	const struct packet *waiting = n->waiting.first;
	const struct ipv6_address *own;
	struct address source;

	if (waiting != NULL && waiting->length >= IPV6_HEADER_BYTES) {
		memcpy(source.bytes, waiting->data + 8, 16);
		own = ipv6_address_find(stack, &source);
		if (own != NULL && own->state == IPV6_PREFERRED)
			return own;
	}
	return ipv6_source(stack, &n->address, &source) ? ipv6_address_find(stack, &source) : NULL;
}

bool ndp_solicit(struct net_stack *stack, const struct neighbour *n)
{
	bool is_known = n->state == NEIGHBOUR_PROBED;
	struct address to = is_known ? n->address : ipv6_solicited_node(&n->address);
	const struct ipv6_address *own = choose_source(stack, n);
	struct packet *packet;
	size_t length;
	bool is_decided;

	if (own == NULL)
		return true; /* as good as lost */
	is_decided = own->state == IPV6_PREFERRED;
	packet = message_alloc();
	if (packet == NULL)
		return true;
	length = ndp_emit_solicitation(
		packet->data, &n->address, is_decided ? stack->device->mac : NULL);
	send(stack, packet, length, &own->prefix.address, &to, is_known ? n->header : NULL);
	return is_decided;
}

duration ndp_reachable_time(const struct net_stack *stack)
{
	/* RFC 4861 6.3.2: uniform in 0.5 to 1.5 of it, so that hosts don't ask in step. */
	return stack->ipv6->reachable_time / 2 +
	       stack->ipv6->reachable_time / 1024 * (stack->random() % 1024);
}

static void advertise(struct net_stack *stack, const struct ipv6_address *own,
	const struct ip_arrival *arrival, const uint8_t *mac)
{
	struct ndp_target answer = { .target = own->prefix.address };
	struct address to = arrival->source;
	struct packet *packet = message_alloc();

	if (packet == NULL)
		return;
	/* RFC 4429 3.3: what isn't ours for sure replaces nothing. */
	answer.flags = own->state == IPV6_OPTIMISTIC ? 0 : NDP_OVERRIDES;
	if (ipv6_is_unspecified(&to))
		to = ipv6_link_group(1); /* RFC 4861 7.2.4: he has no address to be answered at */
	else
		answer.flags |= NDP_IS_SOLICITED;
	send(stack, packet, ndp_emit_advertisement(packet->data, &answer, stack->device->mac),
		&own->prefix.address, &to, mac);
}

/* Link addresses that can be one host's. */
static bool mac_is_fine(const uint8_t *mac)
{
	return mac == NULL || (!mac_is_group(mac) && !mac_is_zero(mac));
}

/* RFC 4861 7.2.3. */
static void solicitation_input(
	struct net_stack *stack, struct view message, const struct ip_arrival *arrival)
{
	bool is_probe = ipv6_is_unspecified(&arrival->source);
	struct address group;
	struct ndp_options options;
	struct ndp_target asked;
	struct ipv6_address *own;
	struct neighbour *n;

	if (!ndp_parse_target(&asked, &options, message) || ipv6_is_multicast(&asked.target) ||
		!mac_is_fine(options.source_mac)) {
		count(&rx_malformed);
		return;
	}
	group = ipv6_solicited_node(&asked.target);
	if (is_probe &&
		(options.source_mac != NULL || !address_equal(&arrival->destination, &group))) {
		count(&rx_malformed);
		return;
	}
	own = ipv6_address_find(stack, &asked.target);
	if (own == NULL || ipv6_owns(stack, &arrival->source)) {
		count(&rx_ignored);
		return;
	}
	if (is_probe && own->state == IPV6_OPTIMISTIC) { /* both want it: RFC 4862 5.4.3 */
		ipv6_address_conflict(stack, own, NULL);
		return;
	}
	if (!is_probe && options.source_mac != NULL) {
		n = resolve_enter(stack, &arrival->source);
		/* One that is reachable at this very address stays so. */
		if (!neighbour_is_usable(n) || !mac_equal(n->header, options.source_mac))
			resolve_confirm(stack, n, options.source_mac, NEIGHBOUR_STALE);
	}
	advertise(stack, own, arrival, is_probe ? NULL : options.source_mac);
}

/* RFC 4861 7.2.5, whose cases are in its order. */
static void update(struct net_stack *stack, struct neighbour *n, const struct ndp_target *told,
	const uint8_t *mac)
{
	bool is_solicited = told->flags & NDP_IS_SOLICITED, is_new;

	if (n->state == NEIGHBOUR_PENDING || n->state == NEIGHBOUR_FAILED) {
		if (mac != NULL)
			resolve_confirm(stack, n, mac,
				is_solicited ? NEIGHBOUR_REACHABLE : NEIGHBOUR_STALE);
		return;
	}
	is_new = mac != NULL && !mac_equal(mac, n->header);
	if (is_new && !(told->flags & NDP_OVERRIDES)) {
		if (n->state == NEIGHBOUR_REACHABLE) /* who is right? it will be probed */
			resolve_confirm(stack, n, NULL, NEIGHBOUR_STALE);
		return;
	}
	if (is_solicited || is_new)
		resolve_confirm(stack, n, is_new ? mac : NULL,
			is_solicited ? NEIGHBOUR_REACHABLE : NEIGHBOUR_STALE);
}

static void advertisement_input(
	struct net_stack *stack, struct view message, const struct ip_arrival *arrival)
{
	struct ndp_options options;
	struct ndp_target told;
	struct ipv6_address *own;
	struct neighbour *n;

	if (!ndp_parse_target(&told, &options, message) || ipv6_is_multicast(&told.target) ||
		(arrival->is_group && told.flags & NDP_IS_SOLICITED) ||
		!mac_is_fine(options.target_mac)) {
		count(&rx_malformed);
		return;
	}
	own = ipv6_address_find(stack, &told.target);
	if (own != NULL) {
		ipv6_address_conflict(stack, own, options.target_mac);
		return;
	}
	n = neighbour_find(&stack->neighbours, &told.target);
	if (n == NULL) {
		count(&rx_ignored);
		return;
	}
	if (!(told.flags & NDP_IS_ROUTER))
		ndp_router_forget(stack, &told.target);
	update(stack, n, &told, options.target_mac);
}

void ndp_input(struct net_stack *stack, uint8_t type, struct view message,
	const struct ip_arrival *arrival)
{
	if (arrival->hop_limit != NDP_HOP_LIMIT || arrival->was_fragment || message.data[1] != 0) {
		count(&rx_malformed);
		return;
	}
	switch (type) {
	case ICMPV6_NEIGHBOUR_SOLICITATION:
		solicitation_input(stack, message, arrival);
		return;
	case ICMPV6_NEIGHBOUR_ADVERTISEMENT:
		advertisement_input(stack, message, arrival);
		return;
	case ICMPV6_ROUTER_ADVERTISEMENT:
		ndp_router_input(stack, message, arrival);
		return;
	case ICMPV6_REDIRECT:
		count(&rx_redirects);
		return;
	}
	count(&rx_ignored); /* solicitations of routers: we are none */
}
