/*
 * ICMPv6 (RFC 4443): answers echo requests, sends errors sparingly, hands received ones to the sockets
 * that they are about, and neighbour discovery's messages to net/ndp.c.
 */
#ifndef DIATOM_NET_ICMPV6_H
#define DIATOM_NET_ICMPV6_H

#include "net/ip.h"
#include "net/stack.h"
#include "wire/icmpv6.h"

/* A message in one fragment, `data` at its header; takes it. */
void icmpv6_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival);

/*
 * Tells the sender of a datagram (`data` at its payload, quoted_bytes of headers before it; stays the
 * caller's) what went wrong. Silent where RFC 4443 2.4 (e) forbids an error, and beyond 1,000 a second.
 */
void icmpv6_send_error(struct net_stack *stack, const struct packet *packet,
	const struct ip_arrival *arrival, const struct icmp_header *error);

/* A datagram of ours (from its IPv6 header on, perhaps cut) didn't arrive: tells the socket. */
void icmpv6_report(struct net_stack *stack, const struct icmp_header *error, struct view datagram);

/* Completes the checksum of a message of ours. */
void icmpv6_store_checksum(
	struct packet *packet, const struct address *source, const struct address *destination);

#endif
