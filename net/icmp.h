/*
 * ICMP (RFC 792, RFC 1122 3.2.2): answers echo requests, sends errors sparingly, hands received ones
 * to the sockets that they are about.
 */
#ifndef DIATOM_NET_ICMP_H
#define DIATOM_NET_ICMP_H

#include "net/ipv4.h"
#include "wire/icmp.h"

/* A message in one fragment, `data` at its header; takes it. */
void icmp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival);

/*
 * Tells the sender of a datagram (`data` at its payload, quoted_bytes of header before it; stays the
 * caller's) what went wrong. Silent where RFC 1122 3.2.2 forbids an error (for broadcasts, for errors)
 * and beyond 1,000 a second.
 */
void icmp_send_error(struct net_stack *stack, const struct packet *packet,
	const struct ip_arrival *arrival, uint8_t type, uint8_t code);

/* A datagram of ours (from its IP header on, perhaps cut) didn't arrive, for the reason that `error`
 * gives: tells the socket. */
void icmp_report(struct net_stack *stack, const struct icmp_header *error, struct view datagram);

#endif
