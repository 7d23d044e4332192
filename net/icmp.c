/*
 * ICMP. An echo reply is the request itself, turned round in its own buffer.
 *
 * Received errors are believed only as far as they quote a datagram from one of our addresses and a
 * socket knows the peer (net/udp.c): they end nothing, they only inform.
 */
#include "net/icmp.h"

#include "diatom/counter.h"
#include "net/udp.h"
#include "wire/checksum.h"
#include "wire/udp.h"

#define ERRORS_PER_SECOND 1000
#define ERRORS_BURST	  50
#define ERROR_BYTES_MAX	  576 /* RFC 1812 4.3.2.3: as much as fits, without exceeding this */

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
	struct net_stack *stack, struct packet *packet, const struct ipv4_arrival *arrival)
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
	ipv4_output(stack, packet, arrival->header.destination, arrival->header.source, IP_ICMP,
		arrival->header.type_of_service);
}

/* TCP, in images that use it (net/tcp_report.c); else NULL. */
void tcp_report(struct net_stack *stack, const struct icmp_header *error,
	const struct ipv4_header *header, struct view quoted)
	__attribute__((weak, visibility("hidden")));

void icmp_report(struct net_stack *stack, const struct icmp_header *error, struct view datagram)
{
	struct ipv4_header header;
	struct view payload;
	struct endpoint remote;

	if (ipv4_parse_quoted(&header, datagram) != IPV4_OK ||
		!net_stack_owns_v4(stack, header.source) || header.fragment_offset != 0) {
		count(&rx_bad_quote);
		return;
	}
	payload = view_part(datagram, header.header_length, UDP_HEADER_BYTES);
	if (header.protocol == IP_TCP && tcp_report != NULL) {
		tcp_report(stack, error, &header, payload);
		return;
	}
	if (header.protocol != IP_UDP || payload.length < UDP_HEADER_BYTES)
		return;
	remote.address = address_v4(header.destination);
	remote.port = be16_at(payload.data + 2);
	udp_report(&stack->udp, be16_at(payload.data), &remote);
}

void icmp_input(struct net_stack *stack, struct packet *packet, const struct ipv4_arrival *arrival)
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

/* Takes a token, if there is one. */
static bool may_send(struct net_stack *stack)
{
	struct icmp_limit *limit = &stack->icmp_limit;
	duration since = stack->now - limit->refilled, each = SECONDS(1) / ERRORS_PER_SECOND;

	if (limit->refilled == 0 || since >= ERRORS_BURST * each) {
		limit->tokens = ERRORS_BURST;
		limit->refilled = stack->now;
	} else if (since >= each) {
		unsigned earned = (unsigned)(since / each);

		limit->tokens = limit->tokens + earned > ERRORS_BURST ? ERRORS_BURST
								      : limit->tokens + earned;
		limit->refilled += earned * each;
	}
	if (limit->tokens == 0)
		return false;
	limit->tokens--;
	return true;
}

static bool is_allowed(const struct packet *packet, const struct ipv4_arrival *arrival)
{
	const struct ipv4_header *header = &arrival->header;

	if (arrival->is_group || header->fragment_offset != 0)
		return false;
	return header->protocol != IP_ICMP ||
	       (packet->length > 0 && !icmp_is_error(packet->data[0]));
}

void icmp_send_error(struct net_stack *stack, const struct packet *packet,
	const struct ipv4_arrival *arrival, uint8_t type, uint8_t code)
{
	struct icmp_header header = { .type = type, .code = code };
	size_t most = ERROR_BYTES_MAX - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES;
	size_t quoted = arrival->quoted_bytes + (size_t)packet->length;
	struct packet *error;

	if (!is_allowed(packet, arrival))
		return;
	if (!may_send(stack)) {
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
	ipv4_output(stack, error, arrival->header.destination, arrival->header.source, IP_ICMP, 0);
}
