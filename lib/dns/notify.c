/*
 * Telling secondaries. See notify.h.
 */
#include "lib/dns/notify.h"

#include "diatom/counter.h"
#include "diatom/random.h"
#include "lib/dns/transfer.h"

COUNTER(sent, "dns.notify_sent", "NOTIFY requests sent, repeated ones too");
COUNTER(told, "dns.notify_answered", "secondaries that answered NOTIFY");
COUNTER(declined, "dns.notify_refused", "secondaries that refused NOTIFY");
COUNTER(deaf, "dns.notify_unanswered", "secondaries that never answered NOTIFY");
COUNTER(alien, "dns.notify_alien", "messages dropped: no answer to a NOTIFY");

/* --- whom to tell --- */

static bool is_listed(
	const struct dns_notifier *n, const struct dns_zone *zone, const struct endpoint *to)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (n->notices[i].zone == zone && n->notices[i].to.port == to->port &&
			address_equal(&n->notices[i].to.address, &to->address))
			return true;
	return false;
}

static enum status notice_add(
	struct dns_notifier *n, const struct dns_zone *zone, const struct endpoint *to)
{
	if (is_listed(n, zone, to) || n->count == NOTICES_MAX)
		return OK;
	if ((n->count & (n->count - 1)) == 0) { /* full at each power of two */
		struct notice *more = arena_alloc(
			&n->arena, (n->count > 0 ? n->count * 2 : 1) * sizeof(*n->notices));

		if (more == NULL)
			return NO_MEMORY;
		if (n->count > 0)
			memcpy(more, n->notices, n->count * sizeof(*more));
		n->notices = more;
	}
	n->notices[n->count++] =
		(struct notice){ .zone = zone, .to = *to, .id = (uint16_t)random_u32() };
	n->pending++;
	return OK;
}

/* The name server's addresses of one type, as far as they may have the zone. */
static enum status add_addresses(struct dns_notifier *n, const struct dns_zone *zone,
	const struct dns_options *options, const struct dns_zone *home, const struct dns_rrset *set)
{
	const uint8_t *data = set == NULL ? NULL : home->bytes + set->data;

	for (unsigned i = 0; set != NULL && i < set->count; i++, data += 2 + be16_at(data)) {
		struct endpoint to = { .port = DNS_PORT };

		if (set->type == DNS_A)
			to.address = address_v4(be32_at(data + 2));
		else
			memcpy(to.address.bytes, data + 2, sizeof(to.address.bytes));
		if (transfer_is_allowed(options, &to.address) && notice_add(n, zone, &to) != OK)
			return NO_MEMORY;
	}
	return OK;
}

static bool is_same(const struct dns_name *a, const struct dns_name *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* RFC 1996 2.1, 3.1: the servers of the NS RRset, but for the one that the SOA names. */
static enum status add_name_servers(struct dns_notifier *n, const struct dns_server *server,
	const struct dns_zone *zone, const struct dns_options *options)
{
	const struct dns_rrset *ns = zone_rrset(zone, NODE_APEX, DNS_NS);
	const uint8_t *data = zone->bytes + zone_rrset(zone, NODE_APEX, DNS_SOA)->data;
	struct dns_name primary, name;
	enum status status = OK;

	dns_name_read(&primary, view_of(data + 2, be16_at(data)));
	data = zone->bytes + ns->data;
	for (unsigned i = 0; i < ns->count && status == OK; i++, data += 2 + be16_at(data)) {
		const struct dns_zone *home;
		uint32_t node;

		if (!dns_name_read(&name, view_of(data + 2, be16_at(data))) ||
			is_same(&name, &primary))
			continue;
		home = server_zone(server, &name, name.labels);
		node = home != NULL ? zone_find(home, &name) : NODE_NONE;
		if (node == NODE_NONE)
			continue;
		status = add_addresses(n, zone, options, home, zone_rrset(home, node, DNS_A));
		if (status == OK)
			status = add_addresses(
				n, zone, options, home, zone_rrset(home, node, DNS_AAAA));
	}
	return status;
}

enum status notices_gather(
	struct dns_notifier *n, const struct dns_server *server, const struct dns_options *options)
{
	enum status status = OK;

	for (size_t z = 0; z < options->zone_count && status == OK; z++) {
		const struct dns_zone *zone = options->zones[z];

		for (size_t i = 0; i < options->notify_count && status == OK; i++) {
			struct endpoint to = options->notify[i];

			to.port = to.port != 0 ? to.port : DNS_PORT;
			status = notice_add(n, zone, &to);
		}
		if (!options->notify_listed_only && status == OK)
			status = add_name_servers(n, server, zone, options);
	}
	return status;
}

/* --- messages --- */

static size_t question_bytes(const struct notice *notice)
{
	return (size_t)notice->zone->origin.length + DNS_QUESTION_BYTES;
}

size_t notice_write(const struct notice *notice, uint8_t *out)
{
	const struct dns_name *origin = &notice->zone->origin;
	size_t length = DNS_HEADER_BYTES + question_bytes(notice);
	struct dns_writer w;

	memset(out, 0, DNS_HEADER_BYTES);
	be16_to(out, notice->id);
	be16_to(out + 2, DNS_NOTIFY | DNS_AA);
	be16_to(out + 4, 1);
	memcpy(out + DNS_HEADER_BYTES, origin->bytes, origin->length);
	be16_to(out + length - 4, DNS_SOA);
	be16_to(out + length - 2, DNS_CLASS_IN);
	dns_writer_start(&w, out, NOTICE_BYTES, length, origin);
	if (zone_write_soa(notice->zone, &w))
		be16_to(out + 6, 1);
	return (size_t)(w.next - out);
}

int notice_judge(const struct notice *notice, const struct endpoint *from, struct view message)
{
	const uint8_t *header = message.data;
	uint16_t flags, questions;
	struct dns_name name;

	if (message.length < DNS_HEADER_BYTES || from->port != notice->to.port ||
		!address_equal(&from->address, &notice->to.address) ||
		be16_at(header) != notice->id)
		return NOTICE_ALIEN;
	flags = be16_at(header + 2);
	questions = be16_at(header + 4);
	if ((flags & (DNS_QR | DNS_OPCODE)) != (DNS_QR | DNS_NOTIFY) || questions > 1)
		return NOTICE_ALIEN;
	if (questions == 1) { /* who does not know NOTIFY may leave it out */
		struct view rest = view_part(message, DNS_HEADER_BYTES, message.length);

		if (rest.length < question_bytes(notice) || !dns_name_read(&name, rest) ||
			!is_same(&name, &notice->zone->origin) ||
			be16_at(rest.data + name.length) != DNS_SOA)
			return NOTICE_ALIEN;
	}
	return flags & 15;
}

/* --- the fiber --- */

static void conclude(struct dns_notifier *n, struct notice *notice, int rcode)
{
	static const char *const outcomes[] = { "answered", "refused", "no answer" };
	static struct counter *const counters[] = { &told, &declined, &deaf };
	unsigned which = rcode == DNS_NOERROR ? 0 : rcode == NOTICE_ALIEN ? 2 : 1;
	char text[ADDRESS_TEXT_BYTES];

	notice->next = FOREVER;
	n->pending--;
	count(counters[which]);
	LOG(which == 0 ? LOG_INFO : LOG_WARNING, "dns", "%s was told of %s, serial %u: %s",
		address_text(&notice->to.address, text), dns_zone_origin(notice->zone),
		notice->zone->facts.serial, outcomes[which]);
}

/* Sends what is due; returns when the next is. */
static instant send_due(struct dns_notifier *n)
{
	instant now = time_now(), next = FOREVER;
	uint8_t message[NOTICE_BYTES];

	for (uint32_t i = 0; i < n->count; i++) {
		struct notice *notice = &n->notices[i];

		if (notice->next <= now && notice->tries == NOTICE_TRIES) {
			conclude(n, notice, NOTICE_ALIEN);
		} else if (notice->next <= now) {
			udp_send(n->socket, &notice->to,
				view_of(message, notice_write(notice, message)));
			count(&sent);
			notice->next = in_ms(NOTICE_FIRST_MS << notice->tries++);
		}
		if (notice->next < next)
			next = notice->next;
	}
	return next;
}

static void take_answer(struct dns_notifier *n, const struct udp_datagram *datagram)
{
	for (uint32_t i = 0; i < n->count; i++) {
		struct notice *notice = &n->notices[i];
		int rcode = notice->next == FOREVER
				    ? NOTICE_ALIEN
				    : notice_judge(notice, &datagram->source, datagram->payload);

		if (rcode != NOTICE_ALIEN) {
			conclude(n, notice, rcode);
			return;
		}
	}
	count(&alien);
}

static void tell(void *argument)
{
	struct dns_notifier *n = argument;
	struct udp_datagram datagram;

	for (;;) {
		instant next = send_due(n);
		enum status status;

		if (n->pending == 0)
			break;
		status = udp_receive(n->socket, &datagram, next);
		if (status == OK)
			take_answer(n, &datagram);
		else if (status != TIMED_OUT && status != UNREACHABLE)
			break;
	}
	udp_close(n->socket);
}

void notifier_start(struct dns_notifier *n, struct net *net, const struct dns_server *server,
	const struct dns_options *options)
{
	enum status status = notices_gather(n, server, options);

	if (status == OK && n->count == 0)
		return;
	if (n->count == NOTICES_MAX)
		log_warning("dns", "no more than %u secondaries are told of zones", NOTICES_MAX);
	n->socket = status == OK ? udp_open(net, 0) : NULL;
	if (n->socket != NULL)
		n->fiber = fiber_start("dns notify", tell, n);
	if (n->fiber == NULL) {
		log_warning("dns", "secondaries are not told of zones: memory is used up");
		udp_close(n->socket);
	}
}

void notifier_stop(struct dns_notifier *n)
{
	if (n->fiber != NULL) {
		fiber_cancel(n->fiber);
		fiber_join(n->fiber);
	}
	arena_clear(&n->arena);
}
