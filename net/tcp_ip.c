/*
 * Between TCP and IP: the one file of TCP that knows IP's versions.
 */
#include "net/ip.h"
#include "net/ipv4.h"
#include "net/tcp_inner.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define ECN_MASK 3
#define ECN_ECT0 2 /* RFC 3168 5 */
#define ECN_CE	 3

void tcp_ip_decode(struct tcp_segment *s, const struct ip_arrival *arrival)
{
	s->ends = (struct tcp_ends){
		.local = arrival->destination,
		.remote = arrival->source,
		.local_port = s->header.destination_port,
		.remote_port = s->header.source_port,
	};
	s->is_marked = (arrival->traffic_class & ECN_MASK) == ECN_CE;
	s->is_for_group = arrival->is_group;
}

uint64_t tcp_ip_pseudo_sum(const struct tcp_ends *ends, size_t length)
{
	return ip_pseudo_sum(&ends->local, &ends->remote, IP_TCP, length);
}

enum status tcp_ip_output(
	struct net_stack *stack, struct packet *packet, const struct tcp_ends *ends, bool is_ect)
{
	return ip_output_whole(
		stack, packet, &ends->local, &ends->remote, IP_TCP, is_ect ? ECN_ECT0 : 0);
}

size_t tcp_ip_header_bytes(const struct address *a)
{
	return ip_header_bytes(a);
}

uint8_t tcp_ip_segmentation(const struct address *a)
{
	return address_is_v4(a) ? SEGMENT_TCP4 : SEGMENT_TCP6;
}

bool tcp_ip_source(const struct net_stack *stack, const struct address *to, struct address *source)
{
	/* RFC 9293 3.9.2.3 (MUST-46): not to a group. */
	bool is_group = address_is_v4(to)
				? !ipv4_is_unicast(address_to_v4(to)) ||
					  net_stack_is_broadcast_v4(stack, address_to_v4(to))
				: ipv6_is_multicast(to);

	return !is_group && ip_source(stack, to, source);
}

uint16_t tcp_ip_link_mtu(const struct net_stack *stack, const struct address *to)
{
	return ip_link_mtu(stack, to);
}

uint16_t tcp_ip_mtu_least(const struct address *a)
{
	return address_is_v4(a) ? 552 : IPV6_MTU_MIN;
}
