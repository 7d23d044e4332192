/*
 * Queries in, answers out: dns_answer and the server behind it. See server.h.
 */
#include "lib/dns/server.h"

#include "diatom/assert.h"
#include "diatom/counter.h"
#include "diatom/random.h"

#define MEMO_BYTES_FOR_NAME 96
#define MEMO_BYTES_MOST	    MEBIBYTES(1)

COUNTER(answered, "dns.answered", "queries answered, whatever the rcode");
COUNTER(hits, "dns.memo_hits", "answers that were copied from the memo");
COUNTER(misses, "dns.memo_misses", "answers that were looked up");
COUNTER(truncated, "dns.truncated", "answers cut at an RRset, with TC");
COUNTER(refused, "dns.refused", "queries answered with an error: format, version, class, zone");
COUNTER(notified, "dns.notify_received", "NOTIFY requests received: refused");
COUNTER(dropped, "dns.rx_dropped", "messages without an answer: too short, or replies");

const struct dns_zone *server_zone(
	const struct dns_server *server, const struct dns_name *name, unsigned labels)
{
	if (labels > server->labels_most)
		labels = server->labels_most;
	if (labels > name->labels)
		labels = name->labels;
	for (unsigned n = labels + 1; n-- > server->labels_least;) {
		size_t place = name->at[name->labels - n];
		const uint8_t *suffix = name->bytes + place;
		size_t length = name->length - place;
		uint32_t i = (uint32_t)dns_hash(server->key, suffix, length) & server->zone_mask;

		for (; server->zones[i] != NULL; i = (i + 1) & server->zone_mask) {
			const struct dns_name *origin = &server->zones[i]->origin;

			if (origin->length == length && memcmp(origin->bytes, suffix, length) == 0)
				return server->zones[i];
		}
	}
	return NULL;
}

const struct dns_zone *server_zone_at(const struct dns_server *server, const struct dns_name *name)
{
	const struct dns_zone *zone = server_zone(server, name, name->labels);

	return zone != NULL && zone->origin.labels == name->labels ? zone : NULL;
}

static enum status zone_add(struct dns_server *server, const struct dns_zone *zone)
{
	const struct dns_name *origin = &zone->origin;
	uint32_t i =
		(uint32_t)dns_hash(server->key, origin->bytes, origin->length) & server->zone_mask;

	for (; server->zones[i] != NULL; i = (i + 1) & server->zone_mask)
		if (server->zones[i]->origin.length == origin->length &&
			memcmp(server->zones[i]->origin.bytes, origin->bytes, origin->length) == 0)
			return IN_USE;
	server->zones[i] = zone;
	if (origin->labels < server->labels_least)
		server->labels_least = origin->labels;
	if (origin->labels > server->labels_most)
		server->labels_most = origin->labels;
	return OK;
}

static size_t memo_default(struct dns_zone *const *zones, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += (size_t)zones[i]->facts.names * MEMO_BYTES_FOR_NAME;
	bytes *= 2; /* memo_create rounds down to a power of two */
	return bytes < MEMO_BYTES_MOST ? bytes : MEMO_BYTES_MOST;
}

enum status dns_server_create(
	struct dns_server **out, struct dns_zone *const *zones, size_t count, size_t memo_bytes)
{
	struct arena arena = { 0 };
	struct dns_server *server = arena_alloc(&arena, sizeof(*server));
	uint32_t room = 4;
	enum status status = OK;

	*out = NULL;
	while (room < count * 2)
		room *= 2;
	if (server == NULL)
		return NO_MEMORY;
	server->key = random_u64();
	server->labels_least = DNS_LABELS;
	server->zone_mask = room - 1;
	server->zones = arena_alloc(&arena, room * sizeof(*server->zones));
	server->arena = arena;
	if (server->zones == NULL)
		status = NO_MEMORY;
	for (size_t i = 0; i < count && status == OK; i++)
		status = zone_add(server, zones[i]);
	if (memo_bytes == DNS_MEMO_DEFAULT && status == OK)
		memo_bytes = memo_default(zones, count);
	if (status == OK)
		status = memo_create(&server->memo, memo_bytes);
	if (status != OK) {
		arena_clear(&arena);
		return status;
	}
	*out = server;
	return OK;
}

void dns_server_free(struct dns_server *server)
{
	struct arena arena;

	if (server == NULL)
		return;
	memo_free(&server->memo);
	arena = server->arena; /* the server lies in it */
	arena_clear(&arena);
}

/* What the header of a reply says, beside what the query said. */
struct verdict {
	uint16_t flags; /* AA, TC */
	unsigned rcode; /* extended, 12 bits */
	uint16_t counts[DNS_SECTIONS];
};

/* Header and OPT around `length` bytes of a reply whose question and records are in place. */
static size_t finish(
	const struct dns_query *query, uint8_t *out, size_t length, const struct verdict *verdict)
{
	uint16_t kept = query->flags & (DNS_OPCODE | DNS_RD); /* not CD: RFC 4035 3.1.6 */

	be16_to(out + 2, (uint16_t)(DNS_QR | kept | verdict->flags | (verdict->rcode & 15)));
	be16_to(out + 4, query->end > DNS_HEADER_BYTES);
	be16_to(out + 6, verdict->counts[DNS_ANSWER]);
	be16_to(out + 8, verdict->counts[DNS_AUTHORITY]);
	be16_to(out + 10, (uint16_t)(verdict->counts[DNS_ADDITIONAL] + query->has_edns));
	if (query->has_edns) {
		uint8_t *opt = out + length;

		opt[0] = 0;
		be16_to(opt + 1, DNS_OPT);
		be16_to(opt + 3, DNS_LIMIT_UDP);
		be32_to(opt + 5,
			(uint32_t)(verdict->rcode >> 4) << 24 |
				(query->wants_dnssec ? 0x8000U : 0)); /* DO is copied, RFC 3225 */
		be16_to(opt + 9, 0);
		length += DNS_OPT_BYTES;
	}
	count(&answered);
	return length;
}

/* How long the records may get, the OPT left out. */
static size_t room_for(const struct dns_query *query, size_t capacity, size_t limit)
{
	size_t room = limit;

	if (limit < DNS_LIMIT_TCP && query->payload_bytes < limit)
		room = query->payload_bytes;
	if (room > capacity)
		room = capacity;
	return query->has_edns ? room - DNS_OPT_BYTES : room;
}

static size_t from_memo(const struct dns_query *query, uint8_t *out, const struct memo_entry *entry)
{
	struct verdict verdict = { .flags = entry->flags };

	memcpy(verdict.counts, entry->counts, sizeof(verdict.counts));
	memcpy(out + query->end, entry->bytes + query->name.length, entry->length);
	count(&hits);
	return finish(query, out, (size_t)query->end + entry->length, &verdict);
}

static size_t from_zones(struct dns_server *server, uint8_t *out, size_t room, uint64_t hash)
{
	const struct dns_query *query = &server->query;
	const struct dns_reply *reply = &server->reply;
	struct verdict verdict = { 0 };
	size_t length;

	answer_build(server, out, room);
	length = (size_t)(reply->writer.next - out);
	verdict.flags = (uint16_t)((reply->is_authoritative ? DNS_AA : 0) |
				   (reply->is_truncated ? DNS_TC : 0));
	verdict.rcode = reply->rcode;
	memcpy(verdict.counts, reply->writer.counts, sizeof(verdict.counts));
	count(&misses);
	if (reply->is_truncated)
		count(&truncated);
	else if (reply->is_memorable) {
		struct memo_entry fields = { .flags = verdict.flags };

		memcpy(fields.counts, verdict.counts, sizeof(fields.counts));
		memo_put(&server->memo, query, hash, &fields,
			view_of(out + query->end, length - query->end));
	}
	if (reply->rcode == DNS_REFUSED)
		count(&refused);
	return finish(query, out, length, &verdict);
}

/* RFC 1995 section 2: over UDP the client learns the serial, and asks again over TCP. */
static size_t serial_only(struct dns_server *server, uint8_t *out, size_t room)
{
	const struct dns_query *query = &server->query;
	const struct dns_zone *zone = server_zone_at(server, &query->name);
	struct dns_writer *w = &server->reply.writer;
	struct verdict verdict = { .rcode = DNS_NOTAUTH };

	dns_writer_start(w, out, room, query->end, &query->name);
	if (zone != NULL) {
		bool fits = zone_write_soa(zone, w);

		verdict = (struct verdict){ .flags = DNS_AA | (fits ? 0 : DNS_TC) };
		verdict.counts[DNS_ANSWER] = fits;
	}
	return finish(query, out, (size_t)(w->next - out), &verdict);
}

/* What is not looked up. */
static size_t without_lookup(
	struct dns_server *server, uint8_t *out, size_t room, size_t limit, unsigned rcode)
{
	const struct dns_query *query = &server->query;
	struct verdict verdict = { .rcode = rcode };

	if (query->is_transfer && query->type == DNS_IXFR && limit < DNS_LIMIT_TCP)
		return serial_only(server, out, room);
	if (query->is_notify) {
		count(&notified);
		/* We are the primary of our zones: nobody has news of them for us (RFC 1996 3.10). */
		if (rcode == DNS_NOTAUTH && server_zone_at(server, &query->name) != NULL)
			verdict.rcode = DNS_REFUSED;
	}
	count(&refused);
	return finish(query, out, query->end, &verdict);
}

size_t dns_answer(
	struct dns_server *server, struct view message, uint8_t *out, size_t capacity, size_t limit)
{
	struct dns_query *query = &server->query;
	int judged = query_read(query, message);
	const struct memo_entry *entry;
	uint64_t hash;
	size_t room;

	ASSERT(capacity >= 512 && limit >= 512);
	if (judged == QUERY_DROP) {
		count(&dropped);
		return 0;
	}
	if (out != message.data)
		memcpy(out, message.data, query->end);
	room = room_for(query, capacity, limit);
	if (judged != DNS_NOERROR)
		return without_lookup(server, out, room, limit, (unsigned)judged);
	hash = memo_hash(&server->memo, query);
	entry = memo_find(&server->memo, query, hash);
	if (entry != NULL && (size_t)query->end + entry->length <= room)
		return from_memo(query, out, entry);
	return from_zones(server, out, room, hash);
}
