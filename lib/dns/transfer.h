/*
 * Zone transfer out (AXFR, RFC 5936): a zone as a row of messages.
 *
 *     message 1          question | SOA, records ...
 *     message 2 .. n-1   question | records ...
 *     message n          question | records ..., SOA
 *
 * A zone never changes while a server uses it, so a transfer that takes long is consistent all the same.
 * What is kept of one is the place it is at.
 */
#ifndef DIATOM_DNS_TRANSFER_H
#define DIATOM_DNS_TRANSFER_H

#include "lib/dns/server.h"

#define TRANSFER_PLACES 8

struct dns_transfer {
	const struct dns_zone *zone;
	uint32_t node, rrset, record; /* the next one: of the zone, of the node, of the RRset */
	uint32_t data;		      /* its place in the zone's bytes */
	uint16_t id, flags;	      /* of each message */
	uint16_t type;		      /* asked for: AXFR or IXFR */
	/* Where names of nodes lie in the message at hand, for others to point to: of node n, if
	 * any, at n % TRANSFER_PLACES. */
	struct transfer_place {
		uint32_t node;
		uint16_t at; /* 0: free */
	} places[TRANSFER_PLACES];
	bool has_begun, is_over;
	bool is_serial_only; /* an IXFR whose client is up to date: the SOA, once (RFC 1995 section 4) */
};

/* May that address have whole zones? */
bool transfer_is_allowed(const struct dns_options *options, const struct address *to);

/* For the query that the server has just read; `id`: the query's. */
void transfer_start(struct dns_transfer *transfer, const struct dns_zone *zone,
	const struct dns_query *query, uint16_t id);

/*
 * The next message, into `out`: its length, at most `capacity`. 0: it is over, or, if it is not
 * is_over, the next record fits no message of that capacity.
 */
size_t transfer_next(struct dns_transfer *transfer, uint8_t *out, size_t capacity);

#endif
