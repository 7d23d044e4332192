/*
 * Resolution: packets to their next hop's link address, and the neighbours' states over time
 * (net/neighbour.h has the picture). Both families share it; ARP and neighbour discovery only ask the
 * question and bring the answers.
 */
#ifndef DIATOM_NET_RESOLVE_H
#define DIATOM_NET_RESOLVE_H

#include "net/stack.h"

/*
 * Takes a packet with its IP header, bound for `to` by way of `next_hop`: it leaves, or waits while we
 * ask. UNREACHABLE while the next hop is known not to answer; NO_MEMORY when too many are asked for.
 */
enum status resolve_send(struct net_stack *stack, struct packet *packet, const struct address *to,
	const struct address *next_hop);

/* Somebody told us his link address, unasked or not: the entry, new if need be, in state PENDING then. */
struct neighbour *resolve_enter(struct net_stack *stack, const struct address *address);

/* The neighbour's link address is `mac` (NULL: the one that it had): REACHABLE, or STALE when nobody
 * knows whether it hears us. What waited goes out. */
void resolve_confirm(struct net_stack *stack, struct neighbour *n, const uint8_t *mac,
	enum neighbour_state state);

/* Acts on every deadline that has passed; lowers stack->deadline to the next. */
void resolve_tick(struct net_stack *stack);

#endif
