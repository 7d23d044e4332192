/*
 * DNS: an authoritative name server (RFC 1034, 1035, 2181, 2308, 4592, 6672, 6891, 8482).
 *
 *     struct dns_zone *org;
 *
 *     if (dns_zone_parse(&org, "example.org", zone) != OK)
 *             return 1;
 *     return dns_serve(&eth0, (struct dns_zone *[]){ org }, 1);
 *
 * A zone is read from a master file (RFC 1035 section 5), checked, and compiled into a compact
 * read-only form; it is accepted whole or not at all. Answers are built once and reused: a bounded
 * memory of rendered answers stands before the lookup.
 *
 * What is answered:
 *  - minimal responses: the answer, a negative answer's SOA, a referral's NS and glue. Nothing else.
 *  - ANY: one of the name's RRsets, the lowest type number (RFC 8482 section 4.1).
 *  - DNSSEC records are served like any others; no signatures or proofs are added for DO.
 *  - at most 1232 bytes over UDP, 512 without EDNS; what does not fit is cut at RRset boundaries, TC.
 *  - other classes than IN, names outside all zones, transfers to whom none are allowed: REFUSED. IXFR
 *    over UDP: the SOA (RFC 1995 section 2).
 *  - NOTIFY: NOTAUTH, or REFUSED for a zone of our own, whose primary we are. Other opcodes: NOTIMP.
 */
#ifndef DIATOM_DNS_H
#define DIATOM_DNS_H

#include "diatom/app.h"
#include "diatom/net.h"
#include "diatom/view.h"

struct dns_zone;
struct dns_server;
struct dns_fault;

/*
 * Reads a zone from the text of its master file: OK; MALFORMED, an error in the text; INVALID_VALUE,
 * an origin that is no domain name; NO_MEMORY. What is wrong is logged with line and column. The
 * text is not needed afterwards. Does not block.
 */
enum status dns_zone_parse(struct dns_zone **zone, const char *origin, struct view text);

/* The same with all that can be chosen. Zero-initialise what is not needed. */
struct dns_source {
	const char *origin; /* "example.org", with or without the last dot; "." is the root */
	const char *file;   /* for messages; NULL: "zone ORIGIN" */
	struct view text;
	/* The text behind $INCLUDE, valid until the zone is read; data NULL: there is none. NULL: an
	 * $INCLUDE is an error. */
	struct view (*include)(void *argument, const char *file);
	void *argument;
	/* Where each message goes, errors and warnings; NULL: the log. */
	void (*report)(void *argument, const struct dns_fault *fault);
	size_t memory_max; /* bytes for reading, and for the zone; 0: as much as there is */
};

struct dns_fault {
	const char *file;
	unsigned line, column; /* from 1; 0: the fault is the whole zone's */
	bool is_warning;       /* the zone is accepted all the same */
	char text[160];	       /* what is wrong, without full stop */
};

enum status dns_zone_read(struct dns_zone **zone, const struct dns_source *source);

/* Frees a zone that no server uses. NULL is allowed. */
void dns_zone_free(struct dns_zone *zone);

struct dns_zone_facts {
	uint32_t names; /* that have records */
	uint32_t records;
	uint32_t serial;
	size_t bytes; /* memory of the compiled zone */
};
struct dns_zone_facts dns_zone_facts(const struct dns_zone *zone);

/* Its origin as text, "example.org"; valid as long as the zone. */
const char *dns_zone_origin(const struct dns_zone *zone);

/*
 * A server for zones that outlive it: OK; IN_USE, two zones of one origin; NO_MEMORY. `memo_bytes`
 * bounds the memory of rendered answers: 0 has none, DNS_MEMO_DEFAULT suits it to the zones.
 */
#define DNS_MEMO_DEFAULT ((size_t)-1)
enum status dns_server_create(
	struct dns_server **server, struct dns_zone *const *zones, size_t count, size_t memo_bytes);
void dns_server_free(struct dns_server *server);

/* Limits for dns_answer. */
#define DNS_LIMIT_UDP 1232  /* no fragments on any path of today (DNS flag day 2020) */
#define DNS_LIMIT_TCP 65535 /* a stream: neither 512 bytes nor the client's EDNS size apply */

/*
 * The answer to one query message: its length in `out`, 0: the message deserves none (it is a reply,
 * or no whole header). `out` may be where the query lies: the answer then replaces it in place. The
 * answer never is longer than `capacity` (at least 512) or `limit`. Does not block or allocate.
 */
size_t dns_answer(
	struct dns_server *server, struct view query, uint8_t *out, size_t capacity, size_t limit);

/*
 * Answers on UDP and TCP port 53 (RFC 7766) until the image is asked to finish. Returns main's result:
 * 0 then, 1 if the server could not start (logged).
 */
int dns_serve(struct net *net, struct dns_zone *const *zones, size_t count);

/* What can be chosen; zero-initialise what is not needed. All of it must stay until the call returns. */
struct dns_options {
	struct dns_zone *const *zones;
	size_t zone_count;
	/* Who may have whole zones by AXFR, over TCP only (RFC 5936); none: nobody. IXFR is answered by
	 * the whole zone, or by the SOA alone for a client that has it (RFC 1995 section 4). */
	const struct prefix *transfer_to;
	size_t transfer_count;
	/* Secondaries that are told of each zone at the start, by NOTIFY over UDP until they answer
	 * (RFC 1996): 6 times within 3 minutes; port 0: 53. So are the name servers that NS records of
	 * the zone name, at the addresses that zones here have for them, if they may have whole zones;
	 * the SOA's primary, which is we, is not. notify_listed_only: no others than those listed. */
	const struct endpoint *notify;
	size_t notify_count;
	bool notify_listed_only;
	uint16_t port; /* 0: 53 */
	uint32_t
		connections; /* open at once; beyond, the longest idle one goes. 0: memory / 4 KiB */
	uint32_t transfers;  /* at once; beyond: SERVFAIL. 0: 8 */
	uint32_t idle_ms;    /* a connection between queries. 0: 30 s */
	uint32_t message_ms; /* from a query's first byte to its last. 0: 5 s */
	uint32_t write_ms;   /* for a client to read its answers, or 64 KiB of a zone. 0: 10 s */
	uint32_t finish_ms;  /* for transfers under way at the end. 0: 3 s */
};
int dns_serve_with(struct net *net, const struct dns_options *options);

/* UDP alone, for images that must be small: 51 kB less. RFC 7766 makes TCP a duty of servers. */
int dns_serve_udp(struct net *net, struct dns_zone *const *zones, size_t count);

#endif
