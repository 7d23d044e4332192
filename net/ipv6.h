/*
 * IPv6: the way in (headers, reassembly, demultiplexing), the way out (addresses, next hop,
 * fragmentation), and what an interface knows for it. RFC 8200, 4862, 6724, 8201.
 *
 *     net/ipv6.c           headers in and out             net/ndp.c          neighbours: who has, I have
 *     net/ipv6_fragment.c  fragments in and out           net/ndp_router.c   routers, prefixes, SLAAC
 *     net/ipv6_address.c   addresses, which one to use    net/mld.c          groups told to switches
 *     net/ipv6_path.c      next hops, path MTUs           net/ipv6_start.c   from what is configured
 *     net/icmpv6.c         echo, errors                   net/net_ipv6.c     starts it for DIATOM_NET
 *
 * All of it is bounded: what a link may tell us has a fixed number of places, and who comes first keeps
 * his (RFC 6104: rogue advertisements are a fact of life; a flood of them must cost nothing).
 */
#ifndef DIATOM_NET_IPV6_H
#define DIATOM_NET_IPV6_H

#include "diatom/time.h"
#include "net/ip.h"
#include "net/stack.h"
#include "wire/ipv6.h"

#define IPV6_ADDRESSES 8 /* the link-local one, one configured, others by advertised prefixes */
#define IPV6_PREFIXES  8
#define IPV6_ROUTERS   4
#define IPV6_PATHS     16

/*
 * An address from its choice to its end (RFC 4862 5.4, RFC 4429):
 *
 *     OPTIMISTIC --1.5 s unopposed--> PREFERRED --preferred_until--> deprecated --valid_until--> gone
 *         '--somebody has it--> another one (SLAAC), or gone with an error (configured)
 *
 * An optimistic one is used at once, but not told to neighbours' caches: no packet waits for the second.
 */
enum ipv6_address_state { IPV6_OPTIMISTIC, IPV6_PREFERRED };
enum ipv6_origin { IPV6_FROM_LINK, IPV6_FROM_CONFIGURATION, IPV6_FROM_ROUTER };

struct ipv6_address {
	struct prefix prefix; /* the address, and its network's length */
	uint8_t state;	      /* enum ipv6_address_state */
	uint8_t origin;	      /* enum ipv6_origin */
	uint8_t attempts;     /* how many before it were duplicates */
	uint8_t probes;	      /* sent */
	instant next_at;      /* OPTIMISTIC: the next probe; after the last one, it is ours */
	instant preferred_until, valid_until;
};

struct ipv6_prefix { /* on link */
	struct prefix prefix;
	instant until;
};

struct ipv6_router {
	struct address address; /* link-local */
	instant until;
};

struct ipv6_path {
	struct address to;
	instant learned;
	uint16_t mtu;
};

/* Of one interface; memory of whoever starts it. */
struct ipv6_host {
	struct ipv6_address addresses[IPV6_ADDRESSES];
	struct ipv6_prefix prefixes[IPV6_PREFIXES];
	struct ipv6_router routers[IPV6_ROUTERS];
	struct ipv6_path paths[IPV6_PATHS];
	unsigned address_count, prefix_count, router_count, path_count;
	struct address gateway;	   /* configured; unspecified: none, routers are heard */
	bool is_automatic;	   /* prefixes that routers advertise make addresses */
	bool is_managed, is_other; /* routers said M, O: there is DHCPv6, which we don't speak */
	uint8_t hop_limit;
	uint16_t mtu;
	duration reachable_time, retransmit_time;
	instant solicit_at; /* the next router solicitation; FOREVER: none */
	duration solicit_every;
	instant report_at; /* the next multicast listener report; FOREVER: none */
	unsigned reports_left;
	instant defend_again;
	uint64_t secret[2]; /* of interface identifiers (RFC 7217) */
	struct rate_limit errors;
};

/*
 * Starts IPv6 on a stack: a link-local address, then, by what is configured (texts may be empty or
 * NULL): `ip` "ADDRESS/BITS": that address, routers give only routes; "auto" or nothing: addresses by
 * what routers advertise (RFC 4862); `gateway`: a default route, routers are not heard. `host` is
 * memory of the caller, whatever it holds. INVALID_VALUE for an address no host can have;
 * UNSUPPORTED on a link with an MTU below 1280.
 */
enum status ipv6_start(
	struct ipv6_host *host, struct net_stack *stack, const char *ip, const char *gateway);

/* A packet, its Ethernet header already pulled; takes it. Only where IPv6 was started. */
void ipv6_input(struct net_stack *stack, struct packet *packet, bool link_is_group);

/* Acts on what is due; lowers stack->deadline to the next. */
void ipv6_tick(struct net_stack *stack);

/* As ip_output and ip_output_whole (net/ip.h). */
enum status ipv6_output(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class);
enum status ipv6_output_whole(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class);

/* As ip_deliver_joined. */
void ipv6_deliver_joined(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival, uint8_t next);

/* Puts a header in front of a message to the link alone (hop limit 255, or 1 for MLD) and sends it, by
 * multicast, to `mac`, or to whose link address is asked for first. The source may be unspecified. */
void ipv6_output_link(struct net_stack *stack, struct packet *packet, const struct address *source,
	const struct address *destination, uint8_t next_header, uint8_t hop_limit,
	const uint8_t *mac);

/* Puts the header in front of a packet, whose length goes there, and sends it. */
enum status ipv6_send(struct net_stack *stack, struct packet *packet, struct ipv6_header *header);
/* Something is wrong with the headers: the sender is told, if it may be. `data` at the IPv6 header; the
 * packet stays the caller's. */
void ipv6_complain(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	const struct ipv6_chain *chain);

/* --- net/ipv6_fragment.c --- */

/* A packet, `data` at the IPv6 header, whose chain has come behind a fragment header; takes it. */
void ipv6_fragment_input(struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival,
	struct ipv6_chain *chain);
/* Sends `whole` (payload only; taken) as fragments that refer to its bytes. */
enum status ipv6_fragment_output(
	struct net_stack *stack, struct packet *whole, struct ipv6_header *header);

/* --- net/ipv6_address.c --- */

/* Begins to use the address, and to find out whether somebody has it: FULL, IN_USE. */
enum status ipv6_address_add(struct net_stack *stack, const struct ipv6_address *address);
/* The address with an identifier of our own for the prefix (of 64 bits) and attempt: RFC 7217. */
struct address ipv6_address_make(
	const struct net_stack *stack, const struct address *prefix, unsigned attempt);
struct ipv6_address *ipv6_address_find(const struct net_stack *stack, const struct address *a);
void ipv6_address_remove(struct net_stack *stack, struct ipv6_address *address);
/* Somebody with that link address has it, too. */
void ipv6_address_conflict(
	struct net_stack *stack, struct ipv6_address *address, const uint8_t *mac);
void ipv6_address_tick(struct net_stack *stack);
/* Our link-local address, or the unspecified one while it isn't ours for sure. */
struct address ipv6_link_local(const struct net_stack *stack);
/* Do we listen to that group? */
bool ipv6_listens(const struct net_stack *stack, const struct address *group);

/* RFC 6724 5: which address of ours to use towards `to`. False: none. */
bool ipv6_source(const struct net_stack *stack, const struct address *to, struct address *source);
bool ipv6_owns(const struct net_stack *stack, const struct address *a);

/* --- net/ipv6_path.c --- */

/* Who gets a packet for that address (RFC 4861 5.2). False: nobody does. */
bool ipv6_next_hop(struct net_stack *stack, const struct address *to, struct address *next_hop);
/* What a datagram may have there (RFC 8201), header included. */
uint16_t ipv6_path_mtu(const struct net_stack *stack, const struct address *to);
void ipv6_path_learn(struct net_stack *stack, const struct address *to, uint32_t mtu);

/* --- net/mld.c --- */

/* Our groups have changed: tells the link, now and once more later. */
void mld_changed(struct net_stack *stack);
void mld_input(struct net_stack *stack, struct view message, const struct ip_arrival *arrival);
void mld_tick(struct net_stack *stack);

#endif
