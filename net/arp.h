/*
 * ARP (RFC 826, RFC 1122 2.3.2, RFC 5227): answers for our addresses, and the neighbour cache's
 * requests for those of others.
 */
#ifndef DIATOM_NET_ARP_H
#define DIATOM_NET_ARP_H

#include "net/stack.h"

/* RFC 5227 1.1 */
#define ARP_DEFEND_INTERVAL   SECONDS(10)
#define ARP_ANNOUNCE_NUM      2
#define ARP_ANNOUNCE_INTERVAL SECONDS(2)

/* An ARP packet, its Ethernet header already pulled; takes it. */
void arp_input(struct net_stack *stack, struct packet *packet);

/* Asks for a neighbour's link address, by unicast if it is PROBED. */
void arp_request(struct net_stack *stack, const struct neighbour *n);

/* Repeats the announcement when it is due; lowers stack->deadline to that. */
void arp_tick(struct net_stack *stack);

/* Tells the link about our addresses, now and once more later (RFC 5227 2.3): the first frames of a new
 * link are often lost. */
void arp_announce(struct net_stack *stack);

#endif
