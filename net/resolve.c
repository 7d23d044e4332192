/*
 * Resolution.
 */
#include "net/resolve.h"

#include "diatom/counter.h"
#include "net/arp.h"
#include "net/ip.h"
#include "net/ipv6_join.h"
#include "net/linear.h"

COUNTER(tx_no_neighbour, "ip.tx_no_neighbour", "packets dropped: next hop unknown or silent");
COUNTER(unanswered, "neighbour.unanswered", "neighbours that answered no request");

static uint16_t type_of(const struct neighbour *n)
{
	return address_is_v4(&n->address) ? ETHERNET_IPV4 : ETHERNET_IPV6;
}

/* Asks for it, by unicast if it was known (RFC 1122 2.3.2.1 (2), RFC 4861 7.3.3). */
static void solicit(struct net_stack *stack, struct neighbour *n)
{
	duration again = NEIGHBOUR_REQUEST_EVERY;

	if (address_is_v4(&n->address)) {
		arp_request(stack, n);
		n->requests++;
	} else {
		if (ndp_solicit(stack, n)) {
			n->requests++;
			again = stack->ipv6->retransmit_time;
		} else {
			again = NEIGHBOUR_UNDECIDED;
		}
	}
	n->deadline = instant_after(stack->now, again);
	net_stack_wake_at(stack, n->deadline);
}

struct neighbour *resolve_enter(struct net_stack *stack, const struct address *address)
{
	struct neighbour *n = neighbour_find(&stack->neighbours, address);
	bool evicted;

	if (n != NULL)
		return n;
	n = neighbour_add(&stack->neighbours, address, &evicted);
	if (evicted)
		net_stack_forget_destination(stack);
	return n;
}

/* An unknown next hop: the packet waits while we ask for it. */
static enum status wait_for(
	struct net_stack *stack, struct packet *packet, const struct address *next_hop)
{
	struct neighbour *n = neighbour_find(&stack->neighbours, next_hop);

	if (n == NULL && neighbour_may_ask(&stack->neighbours)) {
		n = resolve_enter(stack, next_hop);
		/* First: whose packet waits says from which address we ask. */
		neighbour_wait(&stack->neighbours, n, packet);
		solicit(stack, n);
		return OK;
	}
	if (n != NULL && n->state == NEIGHBOUR_PENDING) {
		neighbour_wait(&stack->neighbours, n, packet);
		return OK;
	}
	packet_free(packet);
	count(&tx_no_neighbour);
	return n == NULL ? NO_MEMORY : UNREACHABLE;
}

enum status resolve_send(struct net_stack *stack, struct packet *packet, const struct address *to,
	const struct address *next_hop)
{
	struct neighbour *n = neighbour_find(&stack->neighbours, next_hop);

	if (n == NULL || !neighbour_is_usable(n))
		return wait_for(stack, packet, next_hop);
	stack->destination.to = *to;
	stack->destination.neighbour = n;
	net_stack_transmit_to(stack, packet, n);
	return OK;
}

static duration time_in(const struct net_stack *stack, const struct neighbour *n)
{
	if (n->state == NEIGHBOUR_STALE)
		return NEIGHBOUR_STALE_LOOK;
	return address_is_v4(&n->address) ? NEIGHBOUR_REACHABLE_TIME : ndp_reachable_time(stack);
}

void resolve_confirm(struct net_stack *stack, struct neighbour *n, const uint8_t *mac,
	enum neighbour_state state)
{
	struct packet *packet;

	if (mac != NULL)
		ethernet_emit(n->header, mac, stack->device->mac, type_of(n));
	neighbour_set_state(&stack->neighbours, n, state);
	n->confirmed = stack->now;
	n->deadline = instant_after(stack->now, time_in(stack, n));
	net_stack_wake_at(stack, n->deadline);
	while ((packet = neighbour_take(&stack->neighbours, n)) != NULL)
		net_stack_transmit_to(stack, packet, n);
}

/* If it is a router, another one is tried from now on. */
static void demote(struct net_stack *stack, const struct neighbour *n)
{
	if (!address_is_v4(&n->address))
		ndp_router_demote(stack, &n->address);
}

/* Nobody answered: those who wait are told. */
static void fail(struct net_stack *stack, struct neighbour *n)
{
	struct packet *packet;

	count(&unanswered);
	demote(stack, n);
	neighbour_set_state(&stack->neighbours, n, NEIGHBOUR_FAILED);
	n->deadline = instant_after(stack->now, NEIGHBOUR_HOLD_DOWN);
	while ((packet = neighbour_take(&stack->neighbours, n)) != NULL) {
		packet = linear_from(packet, 0); /* of an IP fragment, the ports lie elsewhere */
		if (packet != NULL)
			ip_report_silence(stack, packet);
		packet_free(packet);
	}
}

/* Its state has ended; is it to be asked for, because it is in use? */
static bool is_wanted(const struct neighbour *n)
{
	return n->used > n->confirmed ||
	       (n->state == NEIGHBOUR_STALE && n->used == n->confirmed && n->used != 0);
}

static void forget(struct net_stack *stack, struct neighbour *n)
{
	net_stack_forget_destination(stack);
	neighbour_remove(&stack->neighbours, n);
}

/* The entry's deadline has passed. */
static void expire(struct net_stack *stack, struct neighbour *n)
{
	switch ((enum neighbour_state)n->state) {
	case NEIGHBOUR_FREE:
		return;
	case NEIGHBOUR_PENDING:
		if (n->requests < NEIGHBOUR_REQUESTS)
			solicit(stack, n);
		else
			fail(stack, n);
		return;
	case NEIGHBOUR_REACHABLE:
	case NEIGHBOUR_STALE:
		if (is_wanted(n)) {
			neighbour_set_state(&stack->neighbours, n, NEIGHBOUR_PROBED);
			solicit(stack, n);
		} else if (n->state == NEIGHBOUR_STALE &&
			   stack->now - n->confirmed < NEIGHBOUR_STALE_TIME) {
			n->deadline = instant_after(stack->now, NEIGHBOUR_STALE_LOOK);
		} else {
			forget(stack, n);
		}
		return;
	case NEIGHBOUR_PROBED:
		if (n->requests < NEIGHBOUR_REQUESTS) {
			solicit(stack, n);
			return;
		}
		count(&unanswered);
		demote(stack, n);
		break;
	case NEIGHBOUR_FAILED:
		break;
	}
	forget(stack, n);
}

void resolve_tick(struct net_stack *stack)
{
	for (unsigned i = 0; i < NEIGHBOUR_COUNT; i++) {
		struct neighbour *n = &stack->neighbours.entries[i];

		if (n->state != NEIGHBOUR_FREE && n->deadline <= stack->now)
			expire(stack, n);
		if (n->state != NEIGHBOUR_FREE)
			net_stack_wake_at(stack, n->deadline);
	}
}
