/*
 * The rules that a zone must keep as a whole: RFC 1034 3.6.2, 2181, 4592, 6672.
 */
#include "lib/dns/draft.h"
#include "base/format.h"

#include <stdarg.h>

static int record_compare(const struct draft_record *a, const struct draft_record *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	order = memcmp(a->data, b->data, shorter);
	return order != 0 ? order : (int)a->length - (int)b->length;
}

static struct draft_record *merge(struct draft_record *a, struct draft_record *b)
{
	struct draft_record *first = NULL, **end = &first;

	while (a != NULL && b != NULL) {
		struct draft_record **lesser = record_compare(a, b) <= 0 ? &a : &b;

		*end = *lesser;
		end = &(*lesser)->next;
		*lesser = *end;
	}
	*end = a != NULL ? a : b;
	return first;
}

/* By type, then by data, as RFC 4034 6.3 orders it. runs[i] is a sorted list of 2^i records. */
static struct draft_record *sort(struct draft_record *list)
{
	struct draft_record *runs[32] = { NULL }, *run;
	unsigned i;

	while (list != NULL) {
		run = list;
		list = list->next;
		run->next = NULL;
		for (i = 0; runs[i] != NULL; i++) {
			run = merge(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
	}
	run = NULL;
	for (i = 0; i < ARRAY_LEN(runs); i++)
		run = merge(run, runs[i]);
	return run;
}

__attribute__((format(printf, 4, 5))) static void note(struct dns_fault *fault,
	const struct draft_record *record, bool is_warning, const char *format, ...)
{
	va_list arguments;

	fault->file = record->file;
	fault->line = record->line;
	fault->column = 1;
	fault->is_warning = is_warning;
	va_start(arguments, format);
	format_text_list(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
}

#define REFUSE(draft, record, ...) (note((draft)->fault, record, false, __VA_ARGS__), MALFORMED)
#define WARN(draft, record, ...)                                                                   \
	do {                                                                                       \
		struct dns_fault warning;                                                          \
                                                                                                   \
		note(&warning, record, true, __VA_ARGS__);                                         \
		fault_report((draft)->source, &warning);                                           \
	} while (0)

/* The node's name as text, for messages. */
static const char *node_text(const struct draft *draft, uint32_t node, char *text, size_t room)
{
	uint8_t name[DNS_NAME_BYTES];
	size_t length = 0;

	for (; node != NODE_APEX; node = draft->nodes[node].parent) {
		const uint8_t *label = draft->nodes[node].label;

		memcpy(name + length, label, (size_t)label[0] + 1);
		length += (size_t)label[0] + 1;
	}
	memcpy(name + length, draft->zone->origin.bytes, draft->zone->origin.length);
	return name_text(name, text, room);
}

/* One TTL for each RRset, the lowest (RFC 2181 5.2); each record once; both said. */
static void rrsets_unify(const struct draft *draft, struct draft_record *records)
{
	char type[DNS_TYPE_TEXT];
	struct draft_record *rest;

	for (struct draft_record *first = records; first != NULL; first = rest) {
		struct draft_record *last = first, *odd = NULL;
		uint32_t ttl = first->ttl;

		while (last->next != NULL && last->next->type == first->type) {
			if (record_compare(last, last->next) == 0) {
				WARN(draft, last->next, "the %s record is given twice",
					dns_type_text(first->type, type));
				last->next = last->next->next;
				continue;
			}
			last = last->next;
			if (last->ttl != first->ttl)
				odd = last;
			if (last->ttl < ttl)
				ttl = last->ttl;
		}
		if (odd != NULL)
			WARN(draft, odd,
				"the TTLs of the %s records of this name differ: %u is taken",
				dns_type_text(odd->type, type), ttl);
		rest = last->next;
		for (struct draft_record *r = first; r != rest; r = r->next)
			r->ttl = ttl;
	}
}

/* May stand beside a CNAME: DNSSEC's own types (RFC 2181 10.1, RFC 4034). */
static bool is_beside_cname(uint16_t type)
{
	return type == DNS_CNAME || type == DNS_RRSIG || type == DNS_NSEC || type == DNS_NXT ||
	       type == DNS_KEY || type == 24;
}

static enum status count_check(const struct draft *draft, const struct draft_record *records)
{
	const struct draft_record *last = records; /* of the type, in the file */
	char type[DNS_TYPE_TEXT];
	unsigned count = 0;

	for (const struct draft_record *r = records; r != NULL; r = r->next) {
		count++;
		if (r->line > last->line)
			last = r;
		if (count > 1 &&
			(r->type == DNS_CNAME || r->type == DNS_DNAME || r->type == DNS_SOA))
			return REFUSE(draft, last, "the name has more than one %s record",
				dns_type_text(r->type, type));
		if (count > UINT16_MAX)
			return REFUSE(draft, r, "the name has more than 65535 records of a type");
		if (r->next == NULL || r->next->type != r->type)
			count = 0;
	}
	return OK;
}

static enum status node_check(struct draft *draft, uint32_t i)
{
	struct draft_node *node = &draft->nodes[i];
	bool is_wildcard = node->label[0] == 1 && node->label[1] == '*';
	const struct draft_record *cname = NULL, *other = NULL, *ns = NULL, *dname = NULL;

	for (const struct draft_record *r = node->records; r != NULL; r = r->next) {
		if (r->type == DNS_CNAME)
			cname = r;
		else if (!is_beside_cname(r->type))
			other = r;
		if (r->type == DNS_NS)
			ns = r;
		if (r->type == DNS_DNAME)
			dname = r;
	}
	if (cname != NULL && other != NULL)
		return REFUSE(draft, cname->line > other->line ? cname : other,
			"a name with a CNAME record has other records too (RFC 1034 3.6.2)");
	if (is_wildcard && (ns != NULL || dname != NULL))
		return REFUSE(draft, ns != NULL ? ns : dname,
			"NS and DNAME records of a wildcard have no meaning (RFC 4592 4.2, 4.4)");
	if (ns != NULL && dname != NULL && i != NODE_APEX)
		return REFUSE(draft, dname, "a delegated name has a DNAME record (RFC 6672 2.3)");
	if (cname != NULL)
		node->flags |= NODE_CNAME;
	if (dname != NULL)
		node->flags |= NODE_DNAME;
	if (ns != NULL && i != NODE_APEX)
		node->flags |= NODE_CUT;
	return count_check(draft, node->records);
}

static const struct draft_record *record_of(const struct draft_node *node, uint16_t type)
{
	for (const struct draft_record *r = node->records; r != NULL; r = r->next)
		if (r->type == type)
			return r;
	return NULL;
}

/* The nearest node above that has that flag, or NODE_NONE. */
static uint32_t above(const struct draft *draft, uint32_t node, uint8_t flag)
{
	while ((node = draft->nodes[node].parent) != NODE_NONE)
		if (draft->nodes[node].flags & flag)
			return node;
	return NODE_NONE;
}

static enum status apex_check(struct draft *draft)
{
	const struct draft_node *apex = &draft->nodes[NODE_APEX];

	*draft->fault = (struct dns_fault){ .file = draft->fault->file };
	if (record_of(apex, DNS_SOA) == NULL)
		format_text(draft->fault->text, sizeof(draft->fault->text),
			"%.100s has no SOA record", draft->zone->origin_text);
	else if (record_of(apex, DNS_NS) == NULL)
		format_text(draft->fault->text, sizeof(draft->fault->text),
			"%.100s has no NS record", draft->zone->origin_text);
	else
		return OK;
	return MALFORMED;
}

enum status draft_check(struct draft *draft)
{
	char text[80];

	for (uint32_t i = 0; i < draft->node_count; i++) {
		struct draft_node *node = &draft->nodes[i];

		if (node->records == NULL)
			continue;
		node->records = sort(node->records);
		rrsets_unify(draft, node->records);
		if (node_check(draft, i) != OK)
			return MALFORMED;
	}
	for (uint32_t i = 1; i < draft->node_count; i++) {
		const struct draft_node *node = &draft->nodes[i];
		uint32_t dname;

		if (node->records == NULL)
			continue;
		dname = above(draft, i, NODE_DNAME);
		if (dname != NODE_NONE)
			return REFUSE(draft, node->records,
				"the record lies below the DNAME of %s (RFC 6672 2.4)",
				node_text(draft, dname, text, sizeof(text)));
	}
	return apex_check(draft);
}

/* Can resolvers get from this NS record to an address? */
static void target_review(const struct draft *draft, uint32_t owner, const struct draft_record *ns)
{
	const struct dns_zone *zone = draft->zone;
	struct dns_name name;
	char text[80];
	uint32_t node;

	if (!dns_name_read(&name, view_of(ns->data, ns->length)) || !zone_has(zone, &name))
		return;
	name_text(name.bytes, text, sizeof(text));
	node = zone_find(zone, &name);
	if (node == NODE_NONE) {
		WARN(draft, ns, "the name server %s has no address in the zone", text);
	} else if (zone->nodes[node].flags & NODE_CNAME) {
		WARN(draft, ns, "the name server %s is a CNAME (RFC 2181 10.3)", text);
	} else if (zone_rrset(zone, node, DNS_A) == NULL &&
		   zone_rrset(zone, node, DNS_AAAA) == NULL) {
		uint32_t cut = above(draft, node, NODE_CUT);

		/* Another delegation's server: its address is that zone's own affair. */
		if (cut == NODE_NONE || cut == owner)
			WARN(draft, ns, "the name server %s has no address in the zone", text);
	}
}

void draft_review(const struct draft *draft)
{
	char text[80];

	for (uint32_t i = 0; i < draft->node_count; i++) {
		uint32_t cut = above(draft, i, NODE_CUT);

		for (const struct draft_record *r = draft->nodes[i].records; r != NULL;
			r = r->next) {
			if (r->type == DNS_NS && cut == NODE_NONE)
				target_review(draft, i, r);
			if (cut != NODE_NONE && r->type != DNS_A && r->type != DNS_AAAA)
				WARN(draft, r, "the record is never served: %s is delegated",
					node_text(draft, cut, text, sizeof(text)));
		}
	}
}
