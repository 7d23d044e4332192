/*
 * Memo: answers built once and reused, the paper's memoization.
 *
 *     slots   hash(name, type) -> position        two to a bucket; the older is replaced
 *     log     | entry | entry | entry | ...  a ring: the newest overwrites the oldest
 *     entry:  head, name in lower case, what follows the question
 *
 * Positions only grow; an entry is alive while it lies less than the ring's size behind the end. So
 * memory is bounded, a hit is one probe and one copy, and eviction costs nothing. The hash is keyed.
 *
 * Only answers for names and types that the zone has are kept (answer.c), so that queries for random
 * names can't drive out the good ones. The copy holds for every client: pointers in it point into
 * the question, which has the same length and letters, whatever their case; EDNS comes behind it.
 */
#ifndef DIATOM_DNS_MEMO_H
#define DIATOM_DNS_MEMO_H

#include "diatom/status.h"
#include "lib/dns/query.h"

#define MEMO_ANSWER_BYTES 1200 /* longer ones are not kept */

struct memo_entry {
	uint32_t name_and_type; /* name's length << 16 | type */
	uint16_t flags;		/* AA and rcode */
	uint16_t counts[DNS_SECTIONS];
	uint16_t length; /* of the answer's bytes behind the question */
	uint16_t reserved;
	uint8_t bytes[]; /* name, then answer */
};

struct memo_slot {
	uint64_t position; /* of the entry; 0: none */
	uint64_t hash;
};

struct dns_memo {
	uint64_t key;
	uint64_t position; /* where the next entry goes */
	uint8_t *log;
	struct memo_slot *slots;
	size_t log_bytes; /* a power of two */
	uint32_t slot_mask;
};

/* For about that many bytes: OK or NO_MEMORY. 0 bytes: a memo that keeps nothing. */
enum status memo_create(struct dns_memo *memo, size_t bytes);
void memo_free(struct dns_memo *memo);

uint64_t memo_hash(const struct dns_memo *memo, const struct dns_query *query);
const struct memo_entry *memo_find(
	const struct dns_memo *memo, const struct dns_query *query, uint64_t hash);

/* `fields`: flags and counts. */
void memo_put(struct dns_memo *memo, const struct dns_query *query, uint64_t hash,
	const struct memo_entry *fields, struct view answer);

#endif
