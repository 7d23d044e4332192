/*
 * ICMPv6. An echo reply is the request itself, turned round in its own buffer.
 *
 * Received errors are believed only as far as they quote a packet from one of our addresses and a
 * socket knows the peer (net/udp.c), or a segment in flight (net/tcp_path.c).
 */
#include "net/icmpv6.h"

#include "diatom/counter.h"
#include "net/ipv6.h"
#include "net/ndp.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

#define QUOTED_BYTES 8 /* of the payload: ports, and TCP's sequence number */

COUNTER(rx_malformed, "icmpv6.rx_malformed", "messages dropped: too short");
COUNTER(rx_bad_checksum, "icmpv6.rx_bad_checksum", "messages dropped: checksum is wrong");
COUNTER(rx_echo, "icmpv6.rx_echo", "echo requests answered");
COUNTER(rx_errors, "icmpv6.rx_errors", "errors received about something we sent");
COUNTER(rx_bad_quote, "icmpv6.rx_bad_quote", "errors dropped: they quote nothing that we sent");
COUNTER(rx_ignored, "icmpv6.rx_ignored", "messages of other types: ignored");
COUNTER(tx_errors, "icmpv6.tx_errors", "errors sent");
COUNTER(tx_limited, "icmpv6.tx_limited", "errors not sent: rate limit");
COUNTER(tx_no_buffer, "icmpv6.tx_no_buffer", "errors not sent: no buffer");

void icmpv6_store_checksum(
	struct packet *packet, const struct address *source, const struct address *destination)
{
	uint64_t sum = checksum_pseudo_v6(source, destination, IP_ICMPV6, packet->length);

	packet->data[2] = packet->data[3] = 0;
	packet->flags = 0;
	checksum_store(packet->data + 2, checksum_add(sum, packet->data, packet->length));
}

/* Sends a message of ours to whom the arrival came from. To a group's address (RFC 4443 2.2 (b)): from
 * one that suits. */
static void send_back(struct net_stack *stack, struct packet *packet,
	const struct ip_arrival *arrival, uint8_t traffic_class)
{
	struct address from = arrival->destination;

	if (!ipv6_owns(stack, &from) && !ipv6_source(stack, &arrival->source, &from)) {
		packet_free(packet);
		return;
	}
	icmpv6_store_checksum(packet, &from, &arrival->source);
	ipv6_output(stack, packet, &from, &arrival->source, IP_ICMPV6, traffic_class);
}

static void answer_echo(
	struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	if (ipv6_is_unspecified(&arrival->source)) {
		count(&rx_ignored);
		packet_free(packet);
		return;
	}
	count(&rx_echo);
	packet->data[0] = ICMPV6_ECHO_REPLY;
	packet->segmentation = SEGMENT_NONE;
	send_back(stack, packet, arrival, arrival->traffic_class);
}

/* What it means to those above: RFC 5461 4 for TCP. */
static enum ip_failure_kind kind_of(const struct icmp_header *error)
{
	if (error->type == ICMPV6_TOO_BIG)
		return IP_TOO_LONG;
	if (error->type == ICMPV6_PARAMETER_PROBLEM)
		return error->code == ICMPV6_UNKNOWN_HEADER ? IP_REFUSED : IP_FAILED;
	if (error->type != ICMPV6_UNREACHABLE)
		return IP_FAILED;
	return error->code == ICMPV6_PORT_UNREACHABLE || error->code == ICMPV6_PROHIBITED
		       ? IP_REFUSED
		       : IP_HOST_UNREACHABLE;
}

void icmpv6_report(struct net_stack *stack, const struct icmp_header *error, struct view datagram)
{
	struct ip_failure failure = { .kind = kind_of(error) };
	struct ipv6_header header;
	struct view upper;

	if (!ipv6_parse_quoted(&header, datagram, &failure.protocol, &upper) ||
		!ipv6_owns(stack, &header.source)) {
		count(&rx_bad_quote);
		return;
	}
	if (failure.kind == IP_TOO_LONG && error->rest < IPV6_MTU_MIN)
		return; /* RFC 8201 4: no such path exists */
	failure.source = header.source;
	failure.destination = header.destination;
	failure.length = header.payload_length; /* about: only an IPv4 router says no MTU */
	failure.mtu = error->rest < UINT16_MAX ? (uint16_t)error->rest : UINT16_MAX;
	/* TCP keeps what it learned itself, and believes only what is about bytes in flight. */
	if (failure.kind == IP_TOO_LONG && failure.protocol != IP_TCP)
		ipv6_path_learn(stack, &header.destination, error->rest);
	ip_report(stack, &failure, view_part(upper, 0, QUOTED_BYTES));
}

static void take(struct net_stack *stack, const struct icmp_header *header, struct view message,
	const struct ip_arrival *arrival)
{
	switch (header->type) {
	case ICMPV6_UNREACHABLE:
	case ICMPV6_TOO_BIG:
	case ICMPV6_TIME_EXCEEDED:
	case ICMPV6_PARAMETER_PROBLEM:
		count(&rx_errors);
		icmpv6_report(stack, header, view_part(message, ICMP_HEADER_BYTES, message.length));
		return;
	case ICMPV6_MLD_QUERY:
		mld_input(stack, message, arrival);
		return;
	case ICMPV6_ROUTER_SOLICITATION:
	case ICMPV6_ROUTER_ADVERTISEMENT:
	case ICMPV6_NEIGHBOUR_SOLICITATION:
	case ICMPV6_NEIGHBOUR_ADVERTISEMENT:
	case ICMPV6_REDIRECT:
		ndp_input(stack, header->type, message, arrival);
		return;
	}
	count(&rx_ignored);
}

/* Has the device judged it already? */
static bool checksum_is_fine(const struct packet *packet, const struct ip_arrival *arrival)
{
	uint64_t sum = checksum_pseudo_v6(
		&arrival->source, &arrival->destination, IP_ICMPV6, packet->length);

	return packet->flags & PACKET_CHECKSUM_PARTIAL ||
	       checksum_is_good(checksum_add(sum, packet->data, packet->length));
}

void icmpv6_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	struct icmp_header header;

	if (!icmp_parse(&header, packet_view(packet))) {
		count(&rx_malformed);
	} else if (!checksum_is_fine(packet, arrival)) {
		count(&rx_bad_checksum);
	} else if (header.type == ICMPV6_ECHO_REQUEST) {
		answer_echo(stack, packet, arrival);
		return;
	} else {
		take(stack, &header, packet_view(packet), arrival);
	}
	packet_free(packet);
}

/* RFC 4443 2.4 (e). */
static bool is_allowed(const struct packet *packet, const struct ip_arrival *arrival)
{
	if (arrival->is_group || ipv6_is_unspecified(&arrival->source))
		return false;
	return arrival->protocol != IP_ICMPV6 ||
	       (packet->length > 0 && !icmpv6_is_error(packet->data[0]) &&
		       packet->data[0] != ICMPV6_REDIRECT);
}

void icmpv6_send_error(struct net_stack *stack, const struct packet *packet,
	const struct ip_arrival *arrival, const struct icmp_header *error)
{
	/* 2.4 (c): as much as fits without exceeding the least MTU. */
	size_t most = IPV6_MTU_MIN - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES;
	size_t quoted = arrival->quoted_bytes + (size_t)packet->length;
	struct packet *message;

	if (!is_allowed(packet, arrival))
		return;
	if (!rate_limit_take(&stack->ipv6->errors, stack->now)) {
		count(&tx_limited);
		return;
	}
	message = packet_alloc();
	if (message == NULL) {
		count(&tx_no_buffer);
		return;
	}
	quoted = quoted < most ? quoted : most;
	message->length = message->total_length = (uint32_t)(ICMP_HEADER_BYTES + quoted);
	icmp_emit(message->data, error);
	memcpy(message->data + ICMP_HEADER_BYTES, packet->data - arrival->quoted_bytes, quoted);
	count(&tx_errors);
	send_back(stack, message, arrival, 0);
}
