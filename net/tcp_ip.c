/*
 * Between TCP and IP: the one file of TCP that knows IP's versions.
 */
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/tcp_inner.h"

#define ECN_MASK 3
#define ECN_ECT0 2 /* RFC 3168 5 */
#define ECN_CE	 3

void tcp_ip_decode(struct tcp_segment *s, const struct ipv4_arrival *arrival)
{
	s->ends = (struct tcp_ends){
		.local = address_v4(arrival->header.destination),
		.remote = address_v4(arrival->header.source),
		.local_port = s->header.destination_port,
		.remote_port = s->header.source_port,
	};
	s->is_marked = (arrival->header.type_of_service & ECN_MASK) == ECN_CE;
	s->is_for_group = arrival->is_group;
}

uint64_t tcp_ip_pseudo_sum(const struct tcp_ends *ends, size_t length)
{
	return checksum_pseudo_v4(address_to_v4(&ends->local), address_to_v4(&ends->remote), IP_TCP,
		(uint16_t)length);
}

enum status tcp_ip_output(
	struct net_stack *stack, struct packet *packet, const struct tcp_ends *ends, bool is_ect)
{
	return ipv4_output_whole(stack, packet, address_to_v4(&ends->local),
		address_to_v4(&ends->remote), IP_TCP, is_ect ? ECN_ECT0 : 0);
}

size_t tcp_ip_header_bytes(const struct address *a)
{
	return IPV4_HEADER_BYTES;
}

uint8_t tcp_ip_segmentation(const struct address *a)
{
	return SEGMENT_TCP4;
}

bool tcp_ip_source(const struct net_stack *stack, const struct address *to, struct address *source)
{
	const struct route *route = route_find(&stack->routes, to);

	if (!address_is_v4(to) || route == NULL)
		return false;
	*source = route->source;
	return true;
}
