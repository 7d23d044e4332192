/*
 * ICMP. An echo reply is the request itself, turned round in its own buffer.
 *
 * Received errors are believed only as far as they quote a datagram from one of our addresses and a
 * socket knows the peer (net/udp.c): they end nothing, they only inform.
 */
#include "net/icmp.h"

#include "diatom/counter.h"
#include "net/ip.h"
#include "wire/checksum.h"

#define QUOTED_BYTES	8   /* of the payload: ports, and TCP's sequence number */
#define ERROR_BYTES_MAX 576 /* RFC 1812 4.3.2.3: as much as fits, without exceeding this */

COUNTER(rx_malformed, "icmp.rx_malformed", "messages dropped: too short");
COUNTER(rx_bad_checksum, "icmp.rx_bad_checksum", "messages dropped: checksum is wrong");
COUNTER(rx_echo, "icmp.rx_echo", "echo requests answered");
COUNTER(rx_echo_broadcast, "icmp.rx_echo_broadcast",
	"echo requests to a broadcast address: ignored");
COUNTER(rx_errors, "icmp.rx_errors", "errors received about something we sent");
COUNTER(rx_bad_quote, "icmp.rx_bad_quote", "errors dropped: they quote nothing that we sent");
COUNTER(rx_ignored, "icmp.rx_ignored", "messages of other types: ignored");
COUNTER(tx_errors, "icmp.tx_errors", "errors sent");
COUNTER(tx_limited, "icmp.tx_limited", "errors not sent: rate limit");
COUNTER(tx_no_buffer, "icmp.tx_no_buffer", "errors not sent: no buffer");

/* RFC 1624 eqn. 3 over the first word, in memory order like all our sums. */
static void replace_type(uint8_t *message, uint8_t type)
{
	uint16_t before, after, checksum;

	memcpy(&before, message, 2);
	message[0] = type;
	memcpy(&after, message, 2);
	memcpy(&checksum, message + 2, 2);
	checksum_store(message + 2, (uint64_t)(uint16_t)~checksum + (uint16_t)~before + after);
}

static void answer_echo(
	struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	if (arrival->is_group) {
		count(&rx_echo_broadcast);
		packet_free(packet);
		return;
	}
	count(&rx_echo);
	replace_type(packet->data, ICMP_ECHO_REPLY);
	packet->flags = 0;
	packet->segmentation = SEGMENT_NONE;
	ip_output(stack, packet, &arrival->destination, &arrival->source, IP_ICMP,
		arrival->traffic_class);
}

/* RFC 9293 3.9.2.2: a port or protocol that isn't there is a refusal, what else there is may pass. */
static enum ip_failure_kind kind_of(const struct icmp_header *error)
{
	if (error->type != ICMP_UNREACHABLE)
		return IP_FAILED;
	switch (error->code) {
	case ICMP_NET_UNREACHABLE:
	case ICMP_HOST_UNREACHABLE:
		return IP_HOST_UNREACHABLE;
	case ICMP_PROTOCOL_UNREACHABLE:
	case ICMP_PORT_UNREACHABLE:
		return IP_REFUSED;
	case ICMP_FRAGMENTATION_NEEDED:
		return IP_TOO_LONG;
	}
	return IP_FAILED;
}

void icmp_report(struct net_stack *stack, const struct icmp_header *error, struct view datagram)
{
	struct ip_failure failure = { .kind = kind_of(error), .mtu = (uint16_t)error->rest };
	struct ipv4_header header;

	if (ipv4_parse_quoted(&header, datagram) != IPV4_OK ||
		!net_stack_owns_v4(stack, header.source) || header.fragment_offset != 0) {
		count(&rx_bad_quote);
		return;
	}
	failure.source = address_v4(header.source);
	failure.destination = address_v4(header.destination);
	failure.length = header.total_length;
	failure.protocol = header.protocol;
	ip_report(stack, &failure, view_part(datagram, header.header_length, QUOTED_BYTES));
}

void icmp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	struct view message = packet_view(packet);
	struct icmp_header header;

	if (!icmp_parse(&header, message)) {
		count(&rx_malformed);
	} else if (!checksum_is_good(checksum_add(0, message.data, message.length))) {
		count(&rx_bad_checksum);
	} else if (header.type == ICMP_ECHO_REQUEST) {
		answer_echo(stack, packet, arrival);
		return;
	} else if (header.type == ICMP_UNREACHABLE || header.type == ICMP_TIME_EXCEEDED ||
		   header.type == ICMP_PARAMETER_PROBLEM) {
		count(&rx_errors);
		icmp_report(stack, &header, view_part(message, ICMP_HEADER_BYTES, message.length));
	} else {
		count(&rx_ignored);
	}
	packet_free(packet);
}

static bool is_allowed(const struct packet *packet, const struct ip_arrival *arrival)
{
	if (arrival->is_group)
		return false;
	return arrival->protocol != IP_ICMP ||
	       (packet->length > 0 && !icmp_is_error(packet->data[0]));
}

void icmp_send_error(struct net_stack *stack, const struct packet *packet,
	const struct ip_arrival *arrival, uint8_t type, uint8_t code)
{
	struct icmp_header header = { .type = type, .code = code };
	size_t most = ERROR_BYTES_MAX - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES;
	size_t quoted = arrival->quoted_bytes + (size_t)packet->length;
	struct packet *error;

	if (!is_allowed(packet, arrival))
		return;
	if (!rate_limit_take(&stack->icmp_limit, stack->now)) {
		count(&tx_limited);
		return;
	}
	error = packet_alloc();
	if (error == NULL) {
		count(&tx_no_buffer);
		return;
	}
	quoted = quoted < most ? quoted : most;
	error->length = error->total_length = (uint32_t)(ICMP_HEADER_BYTES + quoted);
	icmp_emit(error->data, &header);
	memcpy(error->data + ICMP_HEADER_BYTES, packet->data - arrival->quoted_bytes, quoted);
	checksum_store(error->data + 2, checksum_add(0, error->data, error->length));
	count(&tx_errors);
	ip_output(stack, error, &arrival->destination, &arrival->source, IP_ICMP, 0);
}
