/*
 * Fragments of IPv6 in and out (RFC 8200 4.5).
 */
#include "diatom/counter.h"
#include "net/ipv6.h"
#include "wire/icmpv6.h"

COUNTER(rx_bad_fragment, "ipv6.rx_bad_fragment",
	"fragments dropped: impossible, or the first too short");
COUNTER(tx_fragments, "ipv6.tx_fragments", "fragments sent");
COUNTER(tx_no_buffer, "ipv6.tx_no_fragment", "fragments not sent: no buffer");

/* RFC 8200 4.5: what can't be a fragment, and a first one whose headers go on in the next (RFC 7112). */
static bool fragment_is_fine(struct net_stack *stack, struct packet *packet,
	struct ip_arrival *arrival, struct ipv6_chain *chain)
{
	uint32_t length = packet->total_length - chain->offset;
	struct ipv6_chain rest = *chain;
	enum ipv6_step step;

	if (chain->fragment.more && length % 8 != 0) {
		*chain = (struct ipv6_chain){ .code = ICMPV6_BAD_FIELD, .pointer = 4 };
	} else if (chain->fragment.offset + length > IPV6_PAYLOAD_MAX) {
		*chain = (struct ipv6_chain){ .code = ICMPV6_BAD_FIELD,
			.pointer = chain->offset - IPV6_FRAGMENT_BYTES + 2 };
	} else {
		if (chain->fragment.offset != 0)
			return true;
		step = ipv6_chain_walk(&rest, packet_view(packet));
		if (step != IPV6_STEP_CUT &&
			(step != IPV6_STEP_UPPER || ipv6_upper_is_whole(rest.next_header,
							    packet->total_length - rest.offset)))
			return true;
		*chain = (struct ipv6_chain){ .code = ICMPV6_INCOMPLETE_CHAIN };
	}
	ipv6_complain(stack, packet, arrival, chain);
	return false;
}

void ipv6_fragment_input(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	struct ipv6_chain *chain)
{
	struct reassembly_fragment fragment = {
		.id = chain->fragment.id,
		.offset = chain->fragment.offset,
		.more = chain->fragment.more,
		.protocol = chain->next_header,
	};

	/* Its headers must lie before its data, all in the first buffer. */
	if (chain->offset > packet->length || !fragment_is_fine(stack, packet, arrival, chain)) {
		count(&rx_bad_fragment);
		packet_free(packet);
		return;
	}
	arrival->quoted_bytes = (uint16_t)chain->offset;
	arrival->protocol = chain->next_header;
	packet_pull(packet, chain->offset);
	reassembly_input(stack, packet, arrival, &fragment);
}

/* Sends `whole` (payload only; taken) as fragments that refer to its bytes. */
enum status ipv6_fragment_output(
	struct net_stack *stack, struct packet *whole, struct ipv6_header *header)
{
	size_t headers = IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES, total = whole->total_length;
	size_t most = (ipv6_path_mtu(stack, &header->destination) - headers) & ~(size_t)7;
	struct ipv6_fragment fragment = { .id = stack->random() }; /* RFC 7739 5.2 */
	uint8_t protocol = header->next_header;
	enum status status = OK;

	header->next_header = IPV6_FRAGMENT;
	for (size_t offset = 0; offset < total && status == OK; offset += most) {
		size_t length = total - offset < most ? total - offset : most;
		struct packet *piece = packet_part(whole, offset, length);

		if (piece == NULL) {
			count(&tx_no_buffer);
			status = NO_MEMORY;
			break;
		}
		fragment.offset = (uint16_t)offset;
		fragment.more = offset + length < total;
		ipv6_fragment_emit(packet_push(piece, IPV6_FRAGMENT_BYTES), protocol, &fragment);
		count(&tx_fragments);
		status = ipv6_send(stack, piece, header);
	}
	packet_free(whole);
	return status;
}
