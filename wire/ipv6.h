/*
 * IPv6 header and extension headers (RFC 8200 3, 4).
 *
 *     0       4               12                    32
 *     +-------+---------------+---------------------+
 *     |   6   | traffic class |     flow label      |
 *     +-------+---------------+------+--------------+
 *     |     payload length    | next |  hop limit   |        next header, length in 8 bytes - 1, data:
 *     +-----------------------+------+--------------+      +------+--------+--------------------+
 *     |               source address                |  ->  | next | length | ...                | -> ...
 *     |             destination address             |      +------+--------+--------------------+
 *     +---------------------------------------------+
 */
#ifndef DIATOM_WIRE_IPV6_H
#define DIATOM_WIRE_IPV6_H

#include "diatom/address.h"
#include "wire/cursor.h"

#define IPV6_HEADER_BYTES   40
#define IPV6_PAYLOAD_MAX    65535
#define IPV6_MTU_MIN	    1280 /* RFC 8200 5: what every link carries */
#define IPV6_HOP_LIMIT	    64	 /* RFC 1700's recommendation */
#define IPV6_FRAGMENT_BYTES 8	 /* of the fragment header */

/* Next headers that are not a protocol of the layer above (those: enum ip_protocol). */
enum ipv6_next {
	IPV6_HOP_BY_HOP = 0,
	IPV6_ROUTING = 43,
	IPV6_FRAGMENT = 44,
	IPV6_NO_NEXT = 59,
	IPV6_OPTIONS = 60,
};

struct ipv6_header {
	struct address source, destination;
	uint32_t flow_label;
	uint16_t payload_length;
	uint8_t traffic_class, next_header, hop_limit;
};

enum ipv6_fault {
	IPV6_OK = 0,
	IPV6_SHORT,	  /* less than a header */
	IPV6_BAD_VERSION, /* not version 6 */
	IPV6_BAD_LENGTH,  /* more than there is, or a jumbogram */
};

/* Reads the header at the start of `bytes`, of which `available` follow in all. Whatever passes has
 * 40 + payload_length <= available and bytes.length >= 40. */
enum ipv6_fault ipv6_parse(struct ipv6_header *out, struct view bytes, size_t available);

void ipv6_emit(uint8_t out[IPV6_HEADER_BYTES], const struct ipv6_header *header);

struct ipv6_fragment {
	uint32_t id;
	uint16_t offset; /* bytes */
	bool more;
};

/* Writes the fragment header. */
void ipv6_fragment_emit(uint8_t out[IPV6_FRAGMENT_BYTES], uint8_t next_header,
	const struct ipv6_fragment *fragment);

/* A walk along the headers. Offsets count from the IPv6 header's first byte. */
struct ipv6_chain {
	uint32_t offset;     /* of what next_header names */
	uint32_t naming;     /* of the byte that names it */
	uint8_t next_header; /* what comes at `offset` */
	bool is_first;	     /* nothing but the IPv6 header was before */
	struct ipv6_fragment fragment;
	/* Of a problem: */
	uint8_t code;	    /* enum icmpv6_problem_code */
	uint32_t pointer;   /* to the byte that is wrong */
	bool is_for_groups; /* to be told even to the sender of a multicast */
};

enum ipv6_step {
	IPV6_STEP_UPPER,    /* what comes is no extension header that we know */
	IPV6_STEP_FRAGMENT, /* a fragment header was read: `fragment`; the chain stands behind it */
	IPV6_STEP_NOTHING,  /* "no next header" */
	IPV6_STEP_CUT,	    /* the bytes end inside of a header */
	IPV6_STEP_DISCARD,  /* an unknown option wants it dropped in silence */
	IPV6_STEP_PROBLEM,  /* to be dropped, and the sender told by a parameter problem */
};

static inline struct ipv6_chain ipv6_chain_start(const struct ipv6_header *header)
{
	return (struct ipv6_chain){
		.offset = IPV6_HEADER_BYTES,
		.naming = 6,
		.next_header = header->next_header,
		.is_first = true,
	};
}

/*
 * Walks to the layer above or to the next fragment header. `packet` starts at the IPv6 header. Judges
 * what it passes as RFC 8200 4 has it: unknown options by the two high bits of their type, routing
 * headers of any type only when no segments are left (RFC 5095), hop-by-hop options only in front.
 */
enum ipv6_step ipv6_chain_walk(struct ipv6_chain *chain, struct view packet);

/* Does the header of the layer above lie within `left` bytes, as a first fragment's must (RFC 7112)? */
bool ipv6_upper_is_whole(uint8_t protocol, size_t left);

/* What an ICMP error quotes: reads the header and skips, without judging, to the layer above. False if
 * there is none, or if it is not a first fragment. */
bool ipv6_parse_quoted(
	struct ipv6_header *out, struct view bytes, uint8_t *protocol, struct view *upper);

static inline bool ipv6_is_multicast(const struct address *a)
{
	return a->bytes[0] == 0xff;
}

static inline bool ipv6_is_link_local(const struct address *a)
{
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool ipv6_is_unspecified(const struct address *a);
/* An address that a host on a link may have: no multicast, loopback, unspecified or IPv4-mapped one. */
bool ipv6_is_unicast(const struct address *a);
/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1). */
struct address ipv6_solicited_node(const struct address *a);
/* ff02::`last`: 1 all nodes, 2 all routers, 0x16 all that report by MLDv2. */
struct address ipv6_link_group(uint8_t last);
/* 33:33 and the last four bytes (RFC 2464 7). */
void ipv6_group_mac(uint8_t mac[6], const struct address *group);
/* How many leading bits are equal, at most 128. */
unsigned ipv6_common_bits(const struct address *a, const struct address *b);

#endif
