/*
 * The server's state: its zones by origin, the memo, and the query at hand. One query is answered at
 * a time, without blocking, so the scratch space is the server's and not on a small stack.
 */
#ifndef DIATOM_DNS_SERVER_H
#define DIATOM_DNS_SERVER_H

#include "lib/dns/memo.h"
#include "lib/dns/zone.h"

#define ANSWER_CHAIN_MAX 16 /* CNAME and DNAME steps of one answer */

/* The answer while it is built (answer.c). */
struct dns_reply {
	struct dns_writer writer;
	const struct dns_zone *zone;
	const struct dns_name *name; /* the one looked for: the question's, or the end of a chain */
	struct dns_name chased;	     /* the end of a chain */
	struct dns_name other;	     /* a name server's, or a DNAME's product */
	uint16_t visited[ANSWER_CHAIN_MAX]; /* places of the chain's names in the message */
	const struct dns_rrset
		*dnames[ANSWER_CHAIN_MAX]; /* that its steps went by; NULL: a CNAME */
	unsigned steps;
	uint8_t rcode;
	bool is_authoritative, is_truncated, is_memorable;
};

struct dns_server {
	struct arena arena;	       /* of all this */
	const struct dns_zone **zones; /* hash table by origin */
	uint32_t zone_mask;
	uint64_t key;
	uint8_t labels_least, labels_most; /* of the origins */
	struct dns_memo memo;
	struct dns_query query;
	struct dns_reply reply;
};

/* The zone with the longest origin, of at most `labels` labels, that the name is in; or NULL. */
const struct dns_zone *server_zone(
	const struct dns_server *server, const struct dns_name *name, unsigned labels);

/* The zone with that origin, or NULL. */
const struct dns_zone *server_zone_at(const struct dns_server *server, const struct dns_name *name);

/* Builds the answer to server->query behind the question, as RFC 1034 4.3.2 says. */
void answer_build(struct dns_server *server, uint8_t *out, size_t limit);

#endif
