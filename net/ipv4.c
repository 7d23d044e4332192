/*
 * IPv4 in and out.
 *
 * In: decode, judge the addresses, then act. A datagram that isn't for us is dropped without a word:
 * we are a host, not a router. Source-routed ones are dropped too; other options are walked and
 * ignored (RFC 1122 3.2.1.8).
 */
#include "net/ipv4.h"

#include "diatom/counter.h"
#include "net/icmp.h"
#include "net/linear.h"
#include "net/resolve.h"
#include "net/udp.h"

COUNTER(rx_malformed, "ipv4.rx_malformed", "datagrams dropped: header or lengths are wrong");
COUNTER(rx_bad_checksum, "ipv4.rx_bad_checksum", "datagrams dropped: header checksum is wrong");
COUNTER(rx_bad_options, "ipv4.rx_bad_options", "datagrams dropped: options are malformed");
COUNTER(rx_source_route, "ipv4.rx_source_route", "datagrams dropped: source-routed");
COUNTER(rx_martian, "ipv4.rx_martian", "datagrams dropped: source no host can have, or our own");
COUNTER(rx_not_ours, "ipv4.rx_not_ours", "datagrams dropped: for another address");
COUNTER(rx_link_broadcast, "ipv4.rx_link_broadcast",
	"datagrams dropped: unicast in a broadcast frame");
COUNTER(rx_unknown_protocol, "ipv4.rx_unknown_protocol", "datagrams of protocols we don't speak");
COUNTER(tx_no_route, "ipv4.tx_no_route", "packets dropped: no route");
COUNTER(tx_too_long, "ipv4.tx_too_long", "packets dropped: longer than IPv4 allows");
COUNTER(tx_no_buffer, "ipv4.tx_no_buffer", "packets dropped: no buffer for a fragment or header");
COUNTER(tx_fragments, "ipv4.tx_fragments", "fragments sent");

static bool header_is_fine(struct ipv4_header *header, struct packet *packet)
{
	switch (ipv4_parse(header, packet_view(packet), packet->total_length)) {
	case IPV4_OK:
		break;
	case IPV4_BAD_CHECKSUM:
		count(&rx_bad_checksum);
		return false;
	default:
		count(&rx_malformed);
		return false;
	}
	if (header->header_length == IPV4_HEADER_BYTES)
		return true;
	switch (ipv4_options_check(view_part(packet_view(packet), IPV4_HEADER_BYTES,
		header->header_length - IPV4_HEADER_BYTES))) {
	case IPV4_OPTIONS_FINE:
		return true;
	case IPV4_OPTIONS_SOURCE_ROUTE:
		count(&rx_source_route);
		return false;
	case IPV4_OPTIONS_MALFORMED:
		break;
	}
	count(&rx_bad_options);
	return false;
}

/* Is it from somebody and to us? Sets *is_group. */
static bool addresses_are_fine(const struct net_stack *stack, const struct ipv4_header *header,
	bool link_is_group, bool *is_group)
{
	if (!ipv4_is_unicast(header->source) || net_stack_owns_v4(stack, header->source) ||
		net_stack_is_broadcast_v4(stack, header->source)) {
		count(&rx_martian);
		return false;
	}
	*is_group = link_is_group;
	if (net_stack_owns_v4(stack, header->destination)) {
		if (link_is_group) /* RFC 1122 3.3.6 */
			count(&rx_link_broadcast);
		return !link_is_group;
	}
	*is_group = true;
	if (net_stack_is_broadcast_v4(stack, header->destination))
		return true;
	count(&rx_not_ours);
	return false;
}

/* TCP, in images that use it (net/tcp_input.c); else NULL. */
void tcp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
	__attribute__((weak, visibility("hidden")));

static void deliver(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival)
{
	switch (arrival->protocol) {
	case IP_UDP:
		udp_input(stack, packet, arrival);
		return;
	case IP_ICMP:
		icmp_input(stack, packet, arrival);
		return;
	case IP_TCP:
		if (tcp_input == NULL)
			break;
		tcp_input(stack, packet, arrival);
		return;
	}
	count(&rx_unknown_protocol);
	icmp_send_error(stack, packet, arrival, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE);
	packet_free(packet);
}

static void take_fragment(struct net_stack *stack, struct packet *packet,
	const struct ip_arrival *arrival, const struct ipv4_header *header)
{
	struct reassembly_fragment fragment = {
		.id = header->id,
		.offset = header->fragment_offset,
		.more = header->more_fragments,
		.protocol = header->protocol,
	};

	reassembly_input(stack, packet, arrival, &fragment);
}

void ipv4_input(struct net_stack *stack, struct packet *packet, bool link_is_group)
{
	struct ip_arrival arrival = { 0 };
	struct ipv4_header header;

	if (!header_is_fine(&header, packet) ||
		!addresses_are_fine(stack, &header, link_is_group, &arrival.is_group)) {
		packet_free(packet);
		return;
	}
	if (packet->total_length != header.total_length) /* the link pads to 60 bytes */
		packet_trim(packet, header.total_length);
	packet_pull(packet, header.header_length);
	arrival.source = address_v4(header.source);
	arrival.destination = address_v4(header.destination);
	arrival.quoted_bytes = header.header_length;
	arrival.protocol = header.protocol;
	arrival.traffic_class = header.type_of_service;
	arrival.hop_limit = header.ttl;
	if (header.more_fragments || header.fragment_offset != 0) {
		take_fragment(stack, packet, &arrival, &header);
		return;
	}
	/* Only TCP takes a datagram in several buffers. */
	if (packet->fragment != NULL && !(tcp_input != NULL && header.protocol == IP_TCP)) {
		/* Joined with its header in front, for it may be quoted. */
		packet_push(packet, header.header_length);
		packet = linear_from(packet, 0);
		if (packet == NULL)
			return;
		packet_pull(packet, header.header_length);
	}
	deliver(stack, packet, &arrival);
}

void ipv4_deliver_joined(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival)
{
	struct ipv4_header header = {
		.source = address_to_v4(&arrival->source),
		.destination = address_to_v4(&arrival->destination),
		.total_length = (uint16_t)(IPV4_HEADER_BYTES + packet->length),
		.type_of_service = arrival->traffic_class,
		.ttl = arrival->hop_limit,
		.protocol = arrival->protocol,
	};

	ipv4_emit(packet->data - IPV4_HEADER_BYTES, &header);
	arrival->quoted_bytes = IPV4_HEADER_BYTES;
	deliver(stack, packet, arrival);
}

/*
 * Identification of the next datagram: unique for 65,536 datagrams (RFC 6864 4.3), and not to be
 * guessed from earlier ones: a keyed permutation of a counter, a Feistel network on two bytes.
 */
static uint16_t next_id(struct net_stack *stack)
{
	uint32_t value = stack->ipv4_id_count++, left = value >> 8 & 255, right = value & 255;

	for (int round = 0; round < 4; round++) {
		uint32_t mixed = (right ^ stack->ipv4_id_key >> (8 * round)) * 0x9e3779b1u;

		mixed = left ^ (mixed >> 24);
		left = right;
		right = mixed & 255;
	}
	return (uint16_t)(left << 8 | right);
}

/* Takes a packet with its IP header. */
static enum status hand_over(struct net_stack *stack, struct packet *packet, uint32_t destination)
{
	struct address to = address_v4(destination);
	const struct route *route;
	struct neighbour *n = stack->destination.neighbour;

	if (n != NULL && address_equal(&stack->destination.to, &to)) {
		net_stack_transmit_to(stack, packet, n);
		return OK;
	}
	if (net_stack_is_broadcast_v4(stack, destination)) {
		net_stack_transmit(stack, packet, mac_broadcast, ETHERNET_IPV4);
		return OK;
	}
	route = route_find(&stack->routes, &to);
	if (route == NULL || net_stack_owns_v4(stack, destination) ||
		!ipv4_is_unicast(destination)) {
		packet_free(packet);
		count(&tx_no_route);
		return UNREACHABLE;
	}
	return resolve_send(stack, packet, &to, route_next_hop(route, &to));
}

/* Sends `whole` (payload only; taken) as fragments that refer to its bytes. */
static enum status output_fragments(
	struct net_stack *stack, struct packet *whole, struct ipv4_header *header)
{
	size_t most = (stack->device->mtu - IPV4_HEADER_BYTES) & ~7u, total = whole->total_length;
	enum status status = OK;

	if (stack->device->mtu < IPV4_MTU_MIN) {
		packet_free(whole);
		count(&tx_too_long);
		return TOO_LONG;
	}
	for (size_t offset = 0; offset < total && status == OK; offset += most) {
		size_t length = total - offset < most ? total - offset : most;
		struct packet *piece = packet_part(whole, offset, length);

		if (piece == NULL) {
			count(&tx_no_buffer);
			status = NO_MEMORY;
			break;
		}
		header->total_length = (uint16_t)(IPV4_HEADER_BYTES + length);
		header->fragment_offset = (uint16_t)offset;
		header->more_fragments = offset + length < total;
		ipv4_emit(packet_push(piece, IPV4_HEADER_BYTES), header);
		count(&tx_fragments);
		status = hand_over(stack, piece, header->destination);
	}
	packet_free(whole);
	return status;
}

/* Puts the header in front and sends. */
static enum status output_whole(
	struct net_stack *stack, struct packet *packet, struct ipv4_header *header)
{
	uint8_t *space = packet_push(packet, IPV4_HEADER_BYTES);

	if (space == NULL) {
		packet_free(packet);
		count(&tx_no_buffer);
		return NO_MEMORY;
	}
	header->total_length = (uint16_t)packet->total_length;
	ipv4_emit(space, header);
	return hand_over(stack, packet, header->destination);
}

static enum status refuse_too_long(struct packet *packet)
{
	packet_free(packet);
	count(&tx_too_long);
	return TOO_LONG;
}

enum status ipv4_output(struct net_stack *stack, struct packet *packet, uint32_t source,
	uint32_t destination, uint8_t protocol, uint8_t type_of_service)
{
	struct ipv4_header header = {
		.source = source,
		.destination = destination,
		.id = next_id(stack),
		.type_of_service = type_of_service,
		.ttl = IPV4_TTL,
		.protocol = protocol,
	};

	if (packet->total_length > IPV4_BYTES_MAX - IPV4_HEADER_BYTES)
		return refuse_too_long(packet);
	if (!ipv4_fits(stack, packet->total_length))
		return output_fragments(stack, packet, &header);
	return output_whole(stack, packet, &header);
}

/* The identification is 0: RFC 6864 4.1, an atomic datagram has no use for one. */
enum status ipv4_output_whole(struct net_stack *stack, struct packet *packet, uint32_t source,
	uint32_t destination, uint8_t protocol, uint8_t type_of_service)
{
	struct ipv4_header header = {
		.source = source,
		.destination = destination,
		.type_of_service = type_of_service,
		.ttl = IPV4_TTL,
		.protocol = protocol,
		.dont_fragment = true,
	};

	if (packet->total_length > IPV4_BYTES_MAX - IPV4_HEADER_BYTES ||
		(packet->segmentation == SEGMENT_NONE && !ipv4_fits(stack, packet->total_length)))
		return refuse_too_long(packet);
	return output_whole(stack, packet, &header);
}
