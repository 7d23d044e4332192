/*
 * What IPv4 and IPv6 have in common, as the layers above see them: a datagram came, one is to go, one
 * failed. net/ip.c is the one file that asks for the family and calls net/ipv4.c or net/ipv6.c.
 *
 * IPv6 is joined by weak references: an image whose program declares its interfaces by DIATOM_NET_V4
 * has none of it, and to such an image an IPv6 address is one without a route.
 */
#ifndef DIATOM_NET_IP_H
#define DIATOM_NET_IP_H

#include "diatom/address.h"
#include "diatom/packet.h"

struct net_stack;

/* What the layers above learn of a datagram. */
struct ip_arrival {
	struct address source, destination;
	uint16_t quoted_bytes; /* header bytes that lie right before the payload, for ICMP errors */
	uint8_t protocol, traffic_class, hop_limit;
	bool is_group;	   /* a broadcast or multicast, of the link or of IP: no errors for it */
	bool was_fragment; /* it had a fragment header: no neighbour discovery (RFC 6980) */
};

enum ip_failure_kind {
	IP_FAILED,	     /* of no particular kind */
	IP_HOST_UNREACHABLE, /* or its network */
	IP_REFUSED,	     /* the host has no such port or protocol */
	IP_TOO_LONG,	     /* for the path: `mtu` */
};

/* A datagram of ours didn't arrive: what ICMP, or a silent neighbour, told. */
struct ip_failure {
	struct address source, destination; /* of that datagram: source is ours */
	enum ip_failure_kind kind;
	uint16_t mtu;	 /* 0: not said */
	uint16_t length; /* of that datagram, its header included */
	uint8_t protocol;
};

/*
 * Takes a transport packet and sends it, in fragments if it must. UNREACHABLE without a route or while
 * the next hop is known not to answer; TOO_LONG; NO_MEMORY. `source` must be ours.
 */
enum status ip_output(struct net_stack *stack, struct packet *packet, const struct address *source,
	const struct address *destination, uint8_t protocol, uint8_t traffic_class);
/* The same for a packet that is never cut: TOO_LONG if it doesn't fit the link. One that the device is
 * to segment is measured by its segments. */
enum status ip_output_whole(struct net_stack *stack, struct packet *packet,
	const struct address *source, const struct address *destination, uint8_t protocol,
	uint8_t traffic_class);

/* The address of ours to send from to there. False: there is no way. */
bool ip_source(const struct net_stack *stack, const struct address *to, struct address *source);
/* Is it an address of ours that may be sent from? */
bool ip_owns(const struct net_stack *stack, const struct address *a);

/* Of the header in front of what goes to that address. */
size_t ip_header_bytes(const struct address *to);
/* The link's MTU for packets to there: of IPv6, routers may lower it. */
uint16_t ip_link_mtu(const struct net_stack *stack, const struct address *to);
/* Does a packet with that many bytes of IP payload leave in one piece? */
bool ip_fits(const struct net_stack *stack, const struct address *to, size_t payload);
/* The pseudo-header's sum. */
uint64_t ip_pseudo_sum(const struct address *source, const struct address *destination,
	uint8_t protocol, size_t length);

/* Tells the sender that nobody has that port. `data` at the payload; the packet stays the caller's. */
void ip_refuse_port(
	struct net_stack *stack, const struct packet *packet, const struct ip_arrival *arrival);

/* Tells the socket: `quoted` are the first bytes of what the datagram carried. */
void ip_report(struct net_stack *stack, const struct ip_failure *failure, struct view quoted);

/* The next hop of a packet (from its IP header on; stays the caller's) didn't answer. */
void ip_report_silence(struct net_stack *stack, const struct packet *packet);

/* The first fragment (`data` at its payload) of a datagram that was not put together in time. */
void ip_report_incomplete(
	struct net_stack *stack, const struct packet *first, const struct ip_arrival *arrival);

/* A whole datagram, put together, `data` at its payload with room before it; `next` is what it carries.
 * Takes it. */
void ip_deliver_joined(
	struct net_stack *stack, struct packet *packet, struct ip_arrival *arrival, uint8_t next);

#endif
