/*
 * A compiled zone: read-only, in four arrays, indices instead of pointers.
 *
 *     slots   hash of (parent's index, label) -> node            8 bytes each, at most 2/3 used
 *     nodes   every name of the zone, empty non-terminals too    16 bytes each; the apex is node 0
 *     rrsets  of one node side by side, in order of type         16 bytes each
 *     bytes   labels (length first), and each RRset's data: (length 2, data) repeated
 *
 * A lookup walks down from the apex, one probe a label, as RFC 1034 4.3.2 step 3 says: the first
 * label that is missing shows the closest encloser, and zone cuts and DNAMEs lie on the way. Since a
 * parent always exists, the work is bounded by the depth of the zone, whatever the query.
 */
#ifndef DIATOM_DNS_ZONE_H
#define DIATOM_DNS_ZONE_H

#include "diatom/dns.h"
#include "diatom/memory.h"
#include "lib/dns/type.h"

enum dns_node_flag {
	NODE_CUT = 1, /* NS below the apex: a delegation */
	NODE_DNAME = 2,
	NODE_CNAME = 4,
	NODE_WILDCARD = 8, /* has a child "*" */
};

struct dns_node {
	uint32_t parent;
	uint32_t label;	 /* place in bytes */
	uint32_t rrsets; /* the first one */
	uint16_t rrset_count;
	uint8_t flags;
	uint8_t reserved;
};

struct dns_rrset {
	uint32_t ttl;
	uint32_t data; /* place in bytes */
	uint16_t type;
	uint16_t count;
	struct dns_shape shape;
	uint16_t reserved;
};

struct dns_slot {
	uint32_t node; /* index + 1; 0: free */
	uint32_t tag;  /* high half of the hash */
};

_Static_assert(sizeof(struct dns_node) == 16, "10,000 names must stay small");
_Static_assert(sizeof(struct dns_rrset) == 16, "10,000 names must stay small");

#define NODE_NONE UINT32_MAX
#define NODE_APEX 0

struct dns_zone {
	struct dns_node *nodes;
	struct dns_rrset *rrsets;
	struct dns_slot *slots;
	uint8_t *bytes;
	uint32_t node_count, slot_mask;
	uint64_t key; /* of the hash: who writes names into a zone can't make them collide */
	uint32_t negative_ttl; /* RFC 2308 section 5 */
	struct dns_zone_facts facts;
	struct arena arena; /* of all this, the struct itself included */
	struct dns_name origin;
	char origin_text[DNS_NAME_BYTES + 1];
};

static inline uint64_t dns_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of `length` bytes, behind which at least 8 can be read. */
static inline uint64_t dns_hash(uint64_t key, const uint8_t *bytes, size_t length)
{
	uint64_t hash = key ^ length * UINT64_C(0x9e3779b97f4a7c15), word;

	for (; length >= 8; length -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		hash = dns_mix(hash ^ word, UINT64_C(0xa0761d6478bd642f));
	}
	if (length > 0) {
		memcpy(&word, bytes, 8);
		word &= (UINT64_C(1) << length * 8) - 1;
		hash = dns_mix(hash ^ word, UINT64_C(0xe7037ed1a0b428db));
	}
	return dns_mix(hash, UINT64_C(0x8ebc6af09c88c6e3));
}

/* Of a label (length first) under a node. */
static inline uint64_t dns_label_hash(uint64_t key, uint32_t parent, const uint8_t *label)
{
	return dns_hash(key + parent * UINT64_C(0x589965cc75374cc3), label, (size_t)label[0] + 1);
}

/* The child with that label, in lower case and with 8 bytes readable behind it; or NODE_NONE. */
uint32_t zone_child(const struct dns_zone *zone, uint32_t parent, const uint8_t *label);

/* Is the name the zone's origin or below it? */
bool zone_has(const struct dns_zone *zone, const struct dns_name *name);

/* The node of exactly that name, whatever lies on the way; NODE_NONE: none, or not in the zone. */
uint32_t zone_find(const struct dns_zone *zone, const struct dns_name *name);

/* The RRset of that type, or NULL. */
const struct dns_rrset *zone_rrset(const struct dns_zone *zone, uint32_t node, uint16_t type);

/* The child "*". */
uint32_t zone_wildcard(const struct dns_zone *zone, uint32_t node);

/* Appends the zone's SOA as an answer; false, and nothing is written, if it does not fit. */
bool zone_write_soa(const struct dns_zone *zone, struct dns_writer *w);

#endif
