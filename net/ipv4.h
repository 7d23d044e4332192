/*
 * IPv4: the way in (validation, reassembly, demultiplexing) and the way out (route, neighbour,
 * fragmentation). RFC 791, RFC 1122 3, RFC 6864.
 */
#ifndef DIATOM_NET_IPV4_H
#define DIATOM_NET_IPV4_H

#include "net/ip.h"
#include "net/stack.h"
#include "wire/ipv4.h"

/* A host's address as RFC 1122 3.2.1.3 and 3.3.4.2 allow it as a source: no 0/8, 127/8, 224/3. */
static inline bool ipv4_is_unicast(uint32_t ip)
{
	uint32_t net = ip >> 24;

	return net != 0 && net != 127 && net < 224;
}

/* A datagram, its Ethernet header already pulled; takes it. */
void ipv4_input(struct net_stack *stack, struct packet *packet, bool link_is_group);

/* As ip_deliver_joined: writes a header in front of the payload, for errors quote it. */
void ipv4_deliver_joined(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival);

/*
 * Takes a transport packet, puts a header in front and sends it, in fragments if it must. UNREACHABLE
 * without a route or while the next hop is known not to answer; TOO_LONG; NO_MEMORY. `source` must be
 * ours.
 */
enum status ipv4_output(struct net_stack *stack, struct packet *packet, uint32_t source,
	uint32_t destination, uint8_t protocol, uint8_t type_of_service);

/*
 * The same for a packet that is never cut (DF is set): TOO_LONG if it doesn't fit the interface's MTU.
 * One that the device is to segment is measured by its segments.
 */
enum status ipv4_output_whole(struct net_stack *stack, struct packet *packet, uint32_t source,
	uint32_t destination, uint8_t protocol, uint8_t type_of_service);

/* Does a packet with that many bytes of IP payload leave in one piece? */
static inline bool ipv4_fits(const struct net_stack *stack, size_t payload)
{
	return payload + IPV4_HEADER_BYTES <= stack->device->mtu;
}

#endif
