/*
 * Which of the two it is.
 */
#include "net/ip.h"

#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/ipv6_join.h"
#include "net/udp.h"
#include "wire/udp.h"

/* An IPv6 address, and there is IPv6. Otherwise a packet to there has no way. */
static bool goes_by_v6(const struct net_stack *stack, const struct address *to)
{
	return !address_is_v4(to) && stack->ipv6 != NULL;
}

static enum status refuse_family(struct packet *packet)
{
	packet_free(packet);
	return UNREACHABLE;
}

enum status ip_output(struct net_stack *stack, struct packet *packet, const struct address *source,
	const struct address *destination, uint8_t protocol, uint8_t traffic_class)
{
	if (address_is_v4(destination))
		return ipv4_output(stack, packet, address_to_v4(source), address_to_v4(destination),
			protocol, traffic_class);
	if (stack->ipv6 == NULL)
		return refuse_family(packet);
	return ipv6_output(stack, packet, source, destination, protocol, traffic_class);
}

enum status ip_output_whole(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class)
{
	if (address_is_v4(destination))
		return ipv4_output_whole(stack, packet, address_to_v4(source),
			address_to_v4(destination), protocol, traffic_class);
	if (stack->ipv6 == NULL)
		return refuse_family(packet);
	return ipv6_output_whole(stack, packet, source, destination, protocol, traffic_class);
}

bool ip_source(const struct net_stack *stack, const struct address *to, struct address *source)
{
	const struct route *route;

	if (!address_is_v4(to))
		return stack->ipv6 != NULL && ipv6_source(stack, to, source);
	route = route_find(&stack->routes, to);
	if (route == NULL)
		return false;
	*source = route->source;
	return true;
}

bool ip_owns(const struct net_stack *stack, const struct address *a)
{
	if (address_is_v4(a))
		return net_stack_owns_v4(stack, address_to_v4(a));
	return stack->ipv6 != NULL && ipv6_owns(stack, a);
}

size_t ip_header_bytes(const struct address *to)
{
	return address_is_v4(to) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

uint16_t ip_link_mtu(const struct net_stack *stack, const struct address *to)
{
	return goes_by_v6(stack, to) ? stack->ipv6->mtu : stack->device->mtu;
}

bool ip_fits(const struct net_stack *stack, const struct address *to, size_t payload)
{
	if (goes_by_v6(stack, to))
		return payload + IPV6_HEADER_BYTES <= ipv6_path_mtu(stack, to);
	return ipv4_fits(stack, payload);
}

uint64_t ip_pseudo_sum(const struct address *source, const struct address *destination,
	uint8_t protocol, size_t length)
{
	if (address_is_v4(destination))
		return checksum_pseudo_v4(address_to_v4(source), address_to_v4(destination),
			protocol, (uint16_t)length);
	return checksum_pseudo_v6(source, destination, protocol, (uint32_t)length);
}

void ip_refuse_port(
	struct net_stack *stack, const struct packet *packet, const struct ip_arrival *arrival)
{
	struct icmp_header error = { ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0 };

	if (goes_by_v6(stack, &arrival->source))
		icmpv6_send_error(stack, packet, arrival, &error);
	else
		icmp_send_error(stack, packet, arrival, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE);
}

void ip_report_incomplete(
	struct net_stack *stack, const struct packet *first, const struct ip_arrival *arrival)
{
	struct icmp_header error = { ICMPV6_TIME_EXCEEDED, ICMP_REASSEMBLY_TIME_EXCEEDED, 0 };

	if (goes_by_v6(stack, &arrival->source))
		icmpv6_send_error(stack, first, arrival, &error);
	else
		icmp_send_error(
			stack, first, arrival, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIME_EXCEEDED);
}

void ip_deliver_joined(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival, uint8_t next)
{
	if (goes_by_v6(stack, &arrival->source))
		ipv6_deliver_joined(stack, packet, arrival, next);
	else
		ipv4_deliver_joined(stack, packet, arrival);
}

/* TCP, in images that use it (net/tcp_path.c); else NULL. */
void tcp_report(struct net_stack *stack, const struct ip_failure *failure, struct view quoted)
	__attribute__((weak, visibility("hidden")));

void ip_report(struct net_stack *stack, const struct ip_failure *failure, struct view quoted)
{
	struct endpoint remote = { .address = failure->destination };

	if (failure->protocol == IP_TCP && tcp_report != NULL) {
		tcp_report(stack, failure, quoted);
		return;
	}
	/* A datagram that was too long is sent again by whoever misses it. */
	if (failure->protocol != IP_UDP || quoted.length < UDP_HEADER_BYTES ||
		failure->kind == IP_TOO_LONG)
		return;
	remote.port = be16_at(quoted.data + 2);
	udp_report(&stack->udp, be16_at(quoted.data), &remote);
}

void ip_report_silence(struct net_stack *stack, const struct packet *packet)
{
	static const struct icmp_header v4 = { ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0 };
	static const struct icmp_header v6 = { ICMPV6_UNREACHABLE, ICMPV6_ADDRESS_UNREACHABLE, 0 };

	if (packet->length > 0 && packet->data[0] >> 4 == 4)
		icmp_report(stack, &v4, packet_view(packet));
	else if (stack->ipv6 != NULL)
		icmpv6_report(stack, &v6, packet_view(packet));
}
