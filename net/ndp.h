/*
 * Neighbour discovery (RFC 4861): who has this address, I have it; and which routers and prefixes there
 * are. The neighbours' states are net/resolve.c's, as for ARP.
 */
#ifndef DIATOM_NET_NDP_H
#define DIATOM_NET_NDP_H

#include "net/ip.h"
#include "net/stack.h"
#include "wire/ndp.h"

/* A message of types 133 to 137, with its checksum judged. */
void ndp_input(struct net_stack *stack, uint8_t type, struct view message,
	const struct ip_arrival *arrival);

/* Asks for a neighbour's link address, by unicast if it had one. False: as our address isn't decided yet,
 * it was asked without ours (RFC 4429 3.2: it must enter no cache), and may have no way to answer. */
bool ndp_solicit(struct net_stack *stack, const struct neighbour *n);
/* How long a neighbour counts as reachable, and between two solicitations. */
duration ndp_reachable_time(const struct net_stack *stack);
/* Asks whether somebody has an address that we want (RFC 4862 5.4.2). */
void ndp_probe(struct net_stack *stack, const struct address *target);
/* Tells routers that we have it, so that the first packet for us needn't wait (RFC 9131). */
void ndp_announce(struct net_stack *stack, const struct address *own);

/* --- net/ndp_router.c --- */

void ndp_router_input(
	struct net_stack *stack, struct view message, const struct ip_arrival *arrival);
/* It is no router any more. */
void ndp_router_forget(struct net_stack *stack, const struct address *router);
/* If it is one, it doesn't answer: others come before it (RFC 4861 6.3.6). */
void ndp_router_demote(struct net_stack *stack, const struct address *router);
void ndp_router_tick(struct net_stack *stack);
/* Begins to ask for routers. */
void ndp_router_start(struct net_stack *stack);

#endif
