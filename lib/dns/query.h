/*
 * A query, read and judged: header, one question, OPT (RFC 1035 4.1, RFC 6891, RFC 9619).
 */
#ifndef DIATOM_DNS_QUERY_H
#define DIATOM_DNS_QUERY_H

#include "lib/dns/type.h"

#define QUERY_DROP (-1)

struct dns_query {
	uint16_t flags; /* of the header */
	uint16_t type, class;
	uint16_t payload_bytes; /* what the client takes over UDP: 512 without EDNS */
	uint16_t end;		/* of the question in the message; DNS_HEADER_BYTES: it has none */
	bool has_edns, wants_dnssec;
	bool wants_keepalive; /* RFC 7828 */
	bool is_transfer; /* AXFR or IXFR, well formed; judged REFUSED: only a stream has them */
	bool is_notify;	  /* judged NOTAUTH if it is well formed (RFC 1996) */
	bool has_serial;  /* of an IXFR */
	uint32_t serial;
	struct dns_name name; /* if `end` says that there is one */
};

/* What to do with it: QUERY_DROP; DNS_NOERROR, look it up; else answer that rcode. */
int query_read(struct dns_query *query, struct view message);

#endif
