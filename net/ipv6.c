/*
 * IPv6 in and out.
 *
 * In: decode, judge the addresses, walk the extension headers, then act. A packet that isn't for us is
 * dropped without a word: we are a host, not a router.
 */
#include "net/ipv6.h"

#include "diatom/counter.h"
#include "net/icmpv6.h"
#include "net/linear.h"
#include "net/ndp.h"
#include "net/resolve.h"
#include "net/udp.h"
#include "wire/ipv4.h"

COUNTER(rx_malformed, "ipv6.rx_malformed", "packets dropped: header or lengths are wrong");
COUNTER(rx_martian, "ipv6.rx_martian", "packets dropped: source no host can have, or our own");
COUNTER(rx_not_ours, "ipv6.rx_not_ours", "packets dropped: for another address or group");
COUNTER(rx_bad_chain, "ipv6.rx_bad_chain", "packets dropped: extension headers are wrong or cut");
COUNTER(rx_bad_option, "ipv6.rx_bad_option", "packets dropped: an unknown option wants it");
COUNTER(rx_no_next, "ipv6.rx_no_next", "packets dropped: they carry nothing");
COUNTER(rx_unknown_protocol, "ipv6.rx_unknown_protocol", "packets of protocols we don't speak");
COUNTER(tx_no_route, "ipv6.tx_no_route", "packets dropped: no route");
COUNTER(tx_too_long, "ipv6.tx_too_long", "packets dropped: longer than IPv6 allows");
COUNTER(tx_no_buffer, "ipv6.tx_no_buffer", "packets dropped: no room for the header");

/* --- in --- */

/* TCP, in images that use it (net/tcp_input.c); else NULL. */
void tcp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
	__attribute__((weak, visibility("hidden")));

/* Is it from somebody and to us? Sets arrival->is_group. */
static bool addresses_are_fine(
	const struct net_stack *stack, struct ip_arrival *arrival, bool link_is_group)
{
	const struct address *source = &arrival->source;
	bool is_of_link = arrival->protocol == IP_ICMPV6 && arrival->hop_limit == 255;

	/* RFC 4291 2.5.2: who has no address yet may only ask, by ICMP. Who has ours may say so. */
	if ((!ipv6_is_unicast(source) && !ipv6_is_unspecified(source)) ||
		(ipv6_owns(stack, source) && !is_of_link)) {
		count(&rx_martian);
		return false;
	}
	arrival->is_group = link_is_group || ipv6_is_multicast(&arrival->destination);
	if (ipv6_owns(stack, &arrival->destination) ||
		(arrival->is_group && ipv6_listens(stack, &arrival->destination)))
		return true;
	count(&rx_not_ours);
	return false;
}

/* `data` at the payload, headers before it. */
static void tell(struct net_stack *stack, const struct packet *packet,
	const struct ip_arrival *arrival, uint8_t type, uint8_t code, uint32_t rest)
{
	struct icmp_header error = { type, code, rest };

	icmpv6_send_error(stack, packet, arrival, &error);
}

static void deliver(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival, uint32_t naming)
{
	bool is_somebody = !ipv6_is_unspecified(&arrival->source);

	if (arrival->protocol == IP_ICMPV6) {
		icmpv6_input(stack, packet, arrival);
		return;
	}
	if (arrival->protocol == IP_UDP && is_somebody) {
		udp_input(stack, packet, arrival);
		return;
	}
	if (arrival->protocol == IP_TCP && tcp_input != NULL && is_somebody) {
		tcp_input(stack, packet, arrival);
		return;
	}
	count(&rx_unknown_protocol);
	tell(stack, packet, arrival, ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_HEADER, naming);
	packet_free(packet);
}

/* The chain has come to the layer above. `data` at the IPv6 header; takes it. */
static void rise(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	const struct ipv6_chain *chain)
{
	arrival->protocol = chain->next_header;
	arrival->quoted_bytes = (uint16_t)chain->offset;
	/* Only TCP takes a packet in several buffers; what may be quoted lies in one. */
	if (packet->fragment != NULL && !(tcp_input != NULL && arrival->protocol == IP_TCP)) {
		packet = linear_from(packet, 0);
		if (packet == NULL)
			return;
	}
	packet_pull(packet, chain->offset);
	deliver(stack, packet, arrival, chain->naming);
}

/* Something is wrong with the headers: the sender is told, if it may be. */
void ipv6_complain(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	const struct ipv6_chain *chain)
{
	struct ipv6_header header;
	struct view upper;
	uint8_t protocol = IPV6_NO_NEXT;

	/* RFC 4443 2.4 (e.1): nor for an error, wherever it stands. */
	if (ipv6_parse_quoted(&header, packet_view(packet), &protocol, &upper) &&
		protocol == IP_ICMPV6 && upper.length > 0 && icmpv6_is_error(upper.data[0]))
		return;
	arrival->is_group &= !chain->is_for_groups;
	arrival->quoted_bytes = 0;
	arrival->protocol = IPV6_NO_NEXT;
	tell(stack, packet, arrival, ICMPV6_PARAMETER_PROBLEM, chain->code, chain->pointer);
}

/* Follows the headers to where the packet belongs. `data` at the IPv6 header; takes it. */
static void follow(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	struct ipv6_chain *chain)
{
	enum ipv6_step step;

	for (;;) {
		step = ipv6_chain_walk(chain, packet_view(packet));
		if (step != IPV6_STEP_FRAGMENT)
			break;
		/* RFC 8200 4.5: one that is all there is is no fragment (RFC 6946). */
		if (chain->fragment.more || chain->fragment.offset != 0) {
			if (!arrival->was_fragment) {
				arrival->was_fragment = true;
				ipv6_fragment_input(stack, packet, arrival, chain);
				return;
			}
			step = IPV6_STEP_CUT; /* a fragment of fragments */
			break;
		}
		arrival->was_fragment = true;
	}
	switch (step) {
	case IPV6_STEP_UPPER:
		rise(stack, packet, arrival, chain);
		return;
	case IPV6_STEP_PROBLEM:
		count(&rx_bad_chain);
		ipv6_complain(stack, packet, arrival, chain);
		break;
	case IPV6_STEP_DISCARD:
		count(&rx_bad_option);
		break;
	case IPV6_STEP_NOTHING:
		count(&rx_no_next);
		break;
	case IPV6_STEP_FRAGMENT:
	case IPV6_STEP_CUT:
		count(&rx_bad_chain);
		break;
	}
	packet_free(packet);
}

void ipv6_input(struct net_stack *stack, struct packet *packet, bool link_is_group)
{
	struct ip_arrival arrival = { 0 };
	struct ipv6_header header;
	struct ipv6_chain chain;

	if (ipv6_parse(&header, packet_view(packet), packet->total_length) != IPV6_OK) {
		count(&rx_malformed);
		packet_free(packet);
		return;
	}
	arrival.source = header.source;
	arrival.destination = header.destination;
	arrival.traffic_class = header.traffic_class;
	arrival.hop_limit = header.hop_limit;
	arrival.protocol = header.next_header;
	if (!addresses_are_fine(stack, &arrival, link_is_group)) {
		packet_free(packet);
		return;
	}
	if (packet->total_length != IPV6_HEADER_BYTES + (uint32_t)header.payload_length)
		packet_trim(packet, IPV6_HEADER_BYTES + header.payload_length);
	chain = ipv6_chain_start(&header);
	follow(stack, packet, &arrival, &chain);
}

void ipv6_deliver_joined(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival, uint8_t next)
{
	struct ipv6_header header = {
		.source = arrival->source,
		.destination = arrival->destination,
		.payload_length = (uint16_t)packet->total_length,
		.traffic_class = arrival->traffic_class,
		.next_header = next,
		.hop_limit = arrival->hop_limit,
	};
	struct ipv6_chain chain = ipv6_chain_start(&header);

	chain.is_first = false; /* no hop-by-hop options behind a fragment header */
	arrival->was_fragment = true;
	ipv6_emit(packet_push(packet, IPV6_HEADER_BYTES), &header);
	follow(stack, packet, arrival, &chain);
}

/* --- out --- */

static enum status refuse(struct packet *packet, struct counter *why, enum status status)
{
	count(why);
	packet_free(packet);
	return status;
}

/* Takes a packet with its IP header. */
static enum status hand_over(
	struct net_stack *stack, struct packet *packet, const struct address *to)
{
	struct neighbour *n = stack->destination.neighbour;
	struct address next_hop;
	uint8_t mac[MAC_BYTES];

	if (n != NULL && address_equal(&stack->destination.to, to)) {
		net_stack_transmit_to(stack, packet, n);
		return OK;
	}
	if (ipv6_is_multicast(to)) {
		ipv6_group_mac(mac, to);
		net_stack_transmit(stack, packet, mac, ETHERNET_IPV6);
		return OK;
	}
	if (!ipv6_is_unicast(to) || ipv6_owns(stack, to) || !ipv6_next_hop(stack, to, &next_hop))
		return refuse(packet, &tx_no_route, UNREACHABLE);
	return resolve_send(stack, packet, to, &next_hop);
}

/* Puts the header in front and sends. */
enum status ipv6_send(struct net_stack *stack, struct packet *packet, struct ipv6_header *header)
{
	uint8_t *space = packet_push(packet, IPV6_HEADER_BYTES);

	if (space == NULL)
		return refuse(packet, &tx_no_buffer, NO_MEMORY);
	header->payload_length = (uint16_t)(packet->total_length - IPV6_HEADER_BYTES);
	ipv6_emit(space, header);
	return hand_over(stack, packet, &header->destination);
}

static struct ipv6_header header_for(const struct net_stack *stack, const struct address *source,
	const struct address *destination, uint8_t protocol, uint8_t traffic_class)
{
	return (struct ipv6_header){
		.source = *source,
		.destination = *destination,
		.traffic_class = traffic_class,
		.next_header = protocol,
		/* RFC 1112 6.1, RFC 3493 5.2: a multicast stays on the link if nobody says else. */
		.hop_limit = ipv6_is_multicast(destination) ? 1 : stack->ipv6->hop_limit,
	};
}

enum status ipv6_output(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class)
{
	struct ipv6_header header = header_for(stack, source, destination, protocol, traffic_class);
	uint32_t length = packet->total_length;

	if (length > IPV6_PAYLOAD_MAX)
		return refuse(packet, &tx_too_long, TOO_LONG);
	if (length + IPV6_HEADER_BYTES > ipv6_path_mtu(stack, destination))
		return ipv6_fragment_output(stack, packet, &header);
	return ipv6_send(stack, packet, &header);
}

enum status ipv6_output_whole(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class)
{
	struct ipv6_header header = header_for(stack, source, destination, protocol, traffic_class);
	uint32_t length = packet->total_length;

	if (length > IPV6_PAYLOAD_MAX || (packet->segmentation == SEGMENT_NONE &&
						 length + IPV6_HEADER_BYTES > stack->ipv6->mtu))
		return refuse(packet, &tx_too_long, TOO_LONG);
	return ipv6_send(stack, packet, &header);
}

void ipv6_output_link(struct net_stack *stack, struct packet *packet, const struct address *source,
	const struct address *destination, uint8_t next_header, uint8_t hop_limit,
	const uint8_t *mac)
{
	struct ipv6_header header = header_for(stack, source, destination, next_header, 0);
	uint8_t group[MAC_BYTES];

	header.hop_limit = hop_limit;
	header.payload_length = (uint16_t)packet->total_length;
	ipv6_emit(packet_push(packet, IPV6_HEADER_BYTES), &header);
	if (mac == NULL && !ipv6_is_multicast(destination)) {
		resolve_send(stack, packet, destination, destination);
		return;
	}
	if (mac == NULL)
		ipv6_group_mac(group, destination);
	net_stack_transmit(stack, packet, mac != NULL ? mac : group, ETHERNET_IPV6);
}
