/*
 * NOTIFY (RFC 1996): secondaries are told of each zone when the server starts, over UDP, until they
 * answer. They then ask for the SOA and, if it is news to them, for the zone (transfer.h).
 *
 *     request    header: NOTIFY, AA          | zone's name, SOA, IN | the zone's SOA
 *     answer     header: NOTIFY, QR, same id | the same question, or none
 *
 * A notice is one zone for one secondary. It is sent NOTICE_TRIES times at most, after 0, 3, 6, 12, 24
 * and 48 s more (RFC 1996 3.6 suggests 60 s each time, for a network of 1996); then the secondary is left
 * to the SOA's refresh time. Any answer ends it, a refusal too; ICMP errors don't: what is unreachable may
 * be starting.
 */
#ifndef DIATOM_DNS_NOTIFY_H
#define DIATOM_DNS_NOTIFY_H

#include "diatom/fiber.h"
#include "diatom/memory.h"
#include "lib/dns/server.h"
#include "lib/dns/serving.h"

#define NOTICE_TRIES	6
#define NOTICE_FIRST_MS 3000 /* doubled after each try */
#define NOTICE_BYTES	1024 /* of a request: header, question, SOA */
#define NOTICES_MAX	4096 /* further ones are not told, which is logged */

struct notice {
	const struct dns_zone *zone;
	struct endpoint to;
	instant next; /* when to send it again; FOREVER: it is over */
	uint16_t id;
	uint8_t tries; /* so far */
};

struct dns_notifier {
	struct arena arena; /* of the notices */
	struct notice *notices;
	uint32_t count, pending;
	struct udp_socket *socket;
	struct fiber *fiber; /* NULL: there is nobody to tell */
};

/* Who is to be told what, from the options' lists and the zones' NS records: OK or NO_MEMORY. */
enum status notices_gather(struct dns_notifier *notifier, const struct dns_server *server,
	const struct dns_options *options);

/* The request: its length in `out`, which has NOTICE_BYTES. */
size_t notice_write(const struct notice *notice, uint8_t *out);

/* The rcode of a message if it answers the notice, else NOTICE_ALIEN. */
#define NOTICE_ALIEN (-1)
int notice_judge(const struct notice *notice, const struct endpoint *from, struct view message);

/* Tells them, on a fiber of its own. What hinders it is logged: the server serves all the same. */
void notifier_start(struct dns_notifier *notifier, struct net *net, const struct dns_server *server,
	const struct dns_options *options);
/* Ends that. Blocks for an instant. */
void notifier_stop(struct dns_notifier *notifier);

#endif
