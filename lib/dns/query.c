/*
 * Reading queries. See query.h.
 */
#include "lib/dns/query.h"

/* Past a name, compressed or not, that nobody asks for. */
static bool skip_name(struct cursor *c)
{
	for (;;) {
		uint8_t length = cursor_u8(c);

		if (c->is_short)
			return false;
		if (length >= 0xc0) {
			cursor_u8(c);
			return !c->is_short;
		}
		if (length > DNS_LABEL_BYTES)
			return false;
		if (length == 0)
			return true;
		if (cursor_take(c, length) == NULL)
			return false;
	}
}

/* RFC 6891 6.1.2: options are (code 2, length 2, data). The only one known here is TCP's keepalive. */
static bool options_read(struct dns_query *query, struct view options)
{
	struct cursor c = cursor_on(options);

	while (cursor_left(&c) > 0) {
		uint16_t code = cursor_be16(&c), length = cursor_be16(&c);

		query->wants_keepalive |= code == DNS_OPTION_KEEPALIVE;
		if (c.is_short || (length > 0 && cursor_take(&c, length) == NULL))
			return false;
	}
	return true;
}

static int opt_read(
	struct dns_query *query, uint16_t payload_bytes, uint32_t ttl, struct view options)
{
	if (query->has_edns) /* RFC 6891 6.1.1: at most one */
		return DNS_FORMERR;
	query->has_edns = true;
	query->wants_dnssec = (ttl & 0x8000) != 0;
	query->payload_bytes = payload_bytes < 512 ? 512 : payload_bytes;
	if ((ttl >> 16 & 0xff) != 0)
		return DNS_BADVERS;
	return options_read(query, options) ? DNS_NOERROR : DNS_FORMERR;
}

/* What an IXFR's client has (RFC 1995 section 3): the first of five numbers at the data's end. */
static void note_serial(struct dns_query *query, struct view soa)
{
	query->has_serial = true;
	query->serial = be32_at(soa.data + soa.length - DNS_SOA_NUMBERS);
}

/* The records behind the question: OPT is the only one that matters, and the SOA of an IXFR. */
static int records_read(
	struct dns_query *query, struct cursor *c, unsigned before, unsigned additional)
{
	int verdict = DNS_NOERROR;

	for (unsigned i = 0; i < before + additional; i++) {
		bool is_root = cursor_left(c) > 0 && c->next[0] == 0;
		uint16_t type, class, length;
		uint32_t ttl;
		struct view data;

		if (!skip_name(c))
			return DNS_FORMERR;
		type = cursor_be16(c);
		class = cursor_be16(c);
		ttl = cursor_be32(c);
		length = cursor_be16(c);
		data = cursor_view(c, length);
		if (c->is_short)
			return DNS_FORMERR;
		if (type == DNS_SOA && i < before && length > DNS_SOA_NUMBERS)
			note_serial(query, data);
		if (type != DNS_OPT)
			continue;
		if (i < before || !is_root)
			return DNS_FORMERR;
		if (verdict == DNS_NOERROR || query->has_edns) {
			int judged = opt_read(query, class, ttl, data);

			if (judged != DNS_NOERROR)
				verdict = judged;
		}
	}
	return cursor_left(c) == 0 ? verdict : DNS_FORMERR;
}

/* Questions that no zone answers. */
static int judge(struct dns_query *query)
{
	if (query->is_notify) /* RFC 1996 3.12: of nothing else than SOA is there news */
		return query->type == DNS_SOA && query->class == DNS_CLASS_IN ? DNS_NOTAUTH
									      : DNS_NOTIMP;
	if (query->class != DNS_CLASS_IN)
		return DNS_REFUSED;
	switch (query->type) {
	case DNS_OPT:
	case DNS_TKEY:
	case DNS_TSIG:
		return DNS_FORMERR;
	case DNS_AXFR:
	case DNS_IXFR:
		query->is_transfer = true;
		return DNS_REFUSED;
	case DNS_MAILA:
	case DNS_MAILB:
		return DNS_NOTIMP;
	default:
		return DNS_NOERROR;
	}
}

int query_read(struct dns_query *query, struct view message)
{
	const uint8_t *header = message.data;
	unsigned answers, authorities, additional;
	struct cursor c;
	int verdict;

	if (message.length < DNS_HEADER_BYTES)
		return QUERY_DROP;
	query->flags = be16_at(header + 2);
	query->has_edns = query->wants_dnssec = query->wants_keepalive = false;
	query->is_transfer = query->has_serial = query->is_notify = false;
	query->payload_bytes = 512;
	query->end = DNS_HEADER_BYTES;
	if (query->flags & DNS_QR)
		return QUERY_DROP;
	query->is_notify = (query->flags & DNS_OPCODE) == DNS_NOTIFY;
	if ((query->flags & DNS_OPCODE) != DNS_QUERY && !query->is_notify)
		return DNS_NOTIMP;
	if (be16_at(header + 4) != 1) /* RFC 9619 */
		return DNS_FORMERR;
	c = cursor_on(view_part(message, DNS_HEADER_BYTES, message.length));
	if (!dns_name_read(&query->name, view_of(c.next, cursor_left(&c))))
		return DNS_FORMERR;
	cursor_take(&c, query->name.length);
	query->type = cursor_be16(&c);
	query->class = cursor_be16(&c);
	if (c.is_short)
		return DNS_FORMERR;
	query->end = (uint16_t)(DNS_HEADER_BYTES + query->name.length + DNS_QUESTION_BYTES);
	answers = be16_at(header + 6);
	authorities = be16_at(header + 8);
	additional = be16_at(header + 10);
	if (!query->is_notify && (answers != 0 || (authorities != 0 && query->type != DNS_IXFR)))
		return DNS_FORMERR;
	verdict = records_read(query, &c, answers + authorities, additional);
	return verdict != DNS_NOERROR ? verdict : judge(query);
}
