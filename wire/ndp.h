/*
 * Neighbour discovery (RFC 4861 4) and multicast listener reports (RFC 3810 5.2), all of them ICMPv6.
 *
 *     solicitation, advertisement        router advertisement
 *     +--------------------------+       +----------------------+------------------+-------+
 *     | ICMP header, flags       | 8     | type, code, checksum | hop limit, flags | life  |   8
 *     | target address           | 24    | reachable time, retransmission time            |   16
 *     | options ...              |       | options ...                                    |
 *     +--------------------------+       +------------------------------------------------+
 *
 *     option: type, length in 8 bytes, data
 */
#ifndef DIATOM_WIRE_NDP_H
#define DIATOM_WIRE_NDP_H

#include "diatom/address.h"
#include "wire/cursor.h"
#include "wire/ethernet.h"

#define NDP_PREFIXES_MAX  8  /* of one advertisement: further ones are passed over */
#define NDP_MESSAGE_BYTES 32 /* the longest that we emit: a target and a link address */
#define NDP_FOREVER	  UINT32_MAX

enum ndp_advertisement_flags {
	NDP_IS_ROUTER = 0x80,
	NDP_IS_SOLICITED = 0x40,
	NDP_OVERRIDES = 0x20,
};

enum ndp_router_flags { NDP_MANAGED = 0x80, NDP_OTHER = 0x40 };
enum ndp_prefix_flags { NDP_ON_LINK = 0x80, NDP_AUTONOMOUS = 0x40 };

struct ndp_prefix {
	struct prefix prefix;
	uint32_t valid_s, preferred_s; /* NDP_FOREVER: without end */
	uint8_t flags;		       /* enum ndp_prefix_flags */
};

/* Link addresses lie in the message; NULL: not given. */
struct ndp_options {
	const uint8_t *source_mac, *target_mac;
	uint32_t mtu; /* 0: not given */
	unsigned prefix_count;
	struct ndp_prefix prefixes[NDP_PREFIXES_MAX];
};

/* A neighbour solicitation or advertisement. */
struct ndp_target {
	struct address target;
	uint8_t flags; /* enum ndp_advertisement_flags */
};

struct ndp_router {
	uint8_t hop_limit; /* 0: not said */
	uint8_t flags;	   /* enum ndp_router_flags */
	uint16_t lifetime_s;
	uint32_t reachable_ms, retransmit_ms; /* 0: not said */
};

/* Messages, from their ICMP header on. False: too short, or an option is of no length or cut. */
bool ndp_parse_target(struct ndp_target *out, struct ndp_options *options, struct view message);
bool ndp_parse_router(struct ndp_router *out, struct ndp_options *options, struct view message);
/* A router solicitation. */
bool ndp_parse_solicitation(struct ndp_options *options, struct view message);

/* Each returns the length. The ICMP checksum is zero. `mac` NULL: without a link address. */
size_t ndp_emit_solicitation(
	uint8_t out[NDP_MESSAGE_BYTES], const struct address *target, const uint8_t *mac);
size_t ndp_emit_advertisement(
	uint8_t out[NDP_MESSAGE_BYTES], const struct ndp_target *target, const uint8_t *mac);
size_t ndp_emit_router_solicitation(uint8_t out[NDP_MESSAGE_BYTES], const uint8_t *mac);

enum mld_record { MLD_IS_EXCLUDE = 2, MLD_TO_EXCLUDE = 4 };

#define MLD_REPORT_BYTES(groups) (8 + 20 * (groups))

/* A report that we listen to the groups, whoever sends to them. */
size_t mld_emit_report(
	uint8_t *out, enum mld_record record, const struct address *groups, unsigned count);

/* How long a query (from its ICMP header on) lets us wait, milliseconds. False: malformed. */
bool mld_parse_query(uint32_t *wait_ms, struct view message);

#endif
