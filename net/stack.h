/*
 * A network stack: one interface with its addresses, routes, neighbours, fragments and sockets.
 *
 *      netdev          ethernet        arp, ipv4, ipv6      icmp, udp, tcp     sockets
 *     frames in  ->  net_stack_input  ->  validate,     ->  demultiplex  ->  queue, wake once
 *                                        reassemble                            |
 *     frames out <-  transmit  <-  neighbour  <-  route, fragment  <--  headers in front
 *
 * It does no I/O of its own but the device's transmit, has no clock and no randomness: the time comes
 * with each call that needs one, random numbers from a function handed in. So the simulator (test/sim)
 * and an image run the same code. Whoever drives it
 *
 *   - hands received frames to net_stack_input,
 *   - calls net_stack_tick when `deadline` comes (FOREVER: nothing is due),
 *   - calls net_stack_set_time before sending from outside net_stack_input,
 *   - flushes the device.
 *
 * Nothing here allocates but packets, and the whole is bounded: neighbours, fragments and socket
 * queues have limits, and every drop has a counter.
 */
#ifndef DIATOM_NET_STACK_H
#define DIATOM_NET_STACK_H

#include "core/netdev.h"
#include "diatom/address.h"
#include "diatom/time.h"
#include "net/neighbour.h"
#include "net/rate_limit.h"
#include "net/reassembly.h"
#include "net/route.h"
#include "net/udp.h"

#define NET_ADDRESSES_MAX 4

struct net_address {
	struct prefix prefix;  /* address with the length of its network's prefix */
	uint32_t v4;	       /* the address in host order; 0 when it is an IPv6 one */
	uint32_t broadcast_v4; /* the network's directed broadcast; 0: none */
};

struct ipv6_host;
struct tcp_host;

struct net_stack {
	struct netdev *device;
	uint32_t (*random)(void);
	instant now;	  /* of the last input, tick or set_time */
	instant deadline; /* when net_stack_tick is wanted */
	struct net_address addresses[NET_ADDRESSES_MAX];
	unsigned address_count;
	struct route_table routes;
	/* Where the last packet went: most go to the same place. NULL when unknown. */
	struct {
		struct address to;
		struct neighbour *neighbour;
	} destination;
	struct udp_ports udp;
	struct tcp_host *tcp;	/* NULL until TCP is used here */
	struct ipv6_host *ipv6; /* NULL: no IPv6 here (net/ipv6.h) */
	struct rate_limit icmp_limit;
	instant announce_again; /* when our addresses are next told to the link; FOREVER: no more */
	unsigned announced;
	instant defend_again; /* before that, no announcement against who claims our address */
	uint32_t ipv4_id_count, ipv4_id_key;
	struct reassembly reassembly;
	struct neighbour_cache neighbours;
};

/* `stack` is memory of the caller, whatever it holds. `random` must be unpredictable. */
void net_stack_init(
	struct net_stack *stack, struct netdev *device, uint32_t (*random)(void), instant now);

/*
 * Gives the interface an IPv4 address, and its network an on-link route (IPv6's: net/ipv6.h).
 * INVALID_VALUE for one that no host can have (multicast, broadcast, loopback, the network's own); FULL;
 * IN_USE.
 */
enum status net_stack_add_address(struct net_stack *stack, const struct prefix *prefix);

/* Reaches `to` through a gateway, which must be on link: else UNREACHABLE. FULL. */
enum status net_stack_add_route(
	struct net_stack *stack, const struct prefix *to, const struct address *gateway);

/* Received frames; takes them all and wakes each socket that got something once. */
void net_stack_input(struct net_stack *stack, struct packet_queue *frames, instant now);

/* How many frames all stacks have handed to their devices. */
uint64_t net_stack_frames_sent(void);

/* Acts on what is due. */
void net_stack_tick(struct net_stack *stack, instant now);

static inline void net_stack_set_time(struct net_stack *stack, instant now)
{
	stack->now = now;
}

/* For the protocols: the tick is wanted at `when` at the latest. */
static inline void net_stack_wake_at(struct net_stack *stack, instant when)
{
	if (when < stack->deadline)
		stack->deadline = when;
}

/* For the protocols: takes a network-layer packet and sends it to a link address. */
void net_stack_transmit(
	struct net_stack *stack, struct packet *packet, const uint8_t *to, uint16_t type);

/* The same to a usable neighbour, by its prepared header. */
void net_stack_transmit_to(struct net_stack *stack, struct packet *packet, struct neighbour *n);

/* The remembered destination may be wrong: routes or neighbours changed. */
static inline void net_stack_forget_destination(struct net_stack *stack)
{
	stack->destination.neighbour = NULL;
}

static inline bool net_stack_owns_v4(const struct net_stack *stack, uint32_t ip)
{
	for (unsigned i = 0; i < stack->address_count; i++)
		if (stack->addresses[i].v4 == ip)
			return ip != 0;
	return false;
}

/* The limited broadcast, or the directed one of a network of ours? */
static inline bool net_stack_is_broadcast_v4(const struct net_stack *stack, uint32_t ip)
{
	if (ip == UINT32_MAX)
		return true;
	for (unsigned i = 0; i < stack->address_count; i++)
		if (stack->addresses[i].broadcast_v4 == ip)
			return ip != 0;
	return false;
}

#endif
