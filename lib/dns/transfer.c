/*
 * The walk through a zone, in order of its nodes. See transfer.h.
 */
#include "lib/dns/transfer.h"

#include "diatom/address.h"

bool transfer_is_allowed(const struct dns_options *options, const struct address *to)
{
	for (size_t i = 0; i < options->transfer_count; i++)
		if (prefix_contains(&options->transfer_to[i], to))
			return true;
	return false;
}

void transfer_start(struct dns_transfer *transfer, const struct dns_zone *zone,
	const struct dns_query *query, uint16_t id)
{
	*transfer = (struct dns_transfer){
		.zone = zone,
		.id = id,
		.flags = (uint16_t)(DNS_QR | DNS_AA | (query->flags & DNS_RD)),
		.type = query->type,
		/* RFC 1982: is the client's serial ours, or after it? */
		.is_serial_only = query->type == DNS_IXFR && query->has_serial &&
				  (int32_t)(query->serial - zone->facts.serial) >= 0,
	};
}

/* The node's name in full: its labels up to the apex, then the origin's. */
static void name_of(const struct dns_zone *zone, uint32_t node, uint8_t name[DNS_NAME_BYTES])
{
	size_t length = 0;

	for (; node != NODE_APEX; node = zone->nodes[node].parent) {
		const uint8_t *label = zone->bytes + zone->nodes[node].label;

		memcpy(name + length, label, (size_t)label[0] + 1);
		length += (size_t)label[0] + 1;
	}
	memcpy(name + length, zone->origin.bytes, zone->origin.length);
}

static uint16_t place_of(const struct dns_transfer *t, uint32_t node)
{
	const struct transfer_place *place = &t->places[node % TRANSFER_PLACES];

	if (node == NODE_APEX)
		return DNS_HEADER_BYTES; /* the question's */
	return place->node == node ? place->at : 0;
}

/* The owner's place in the message if it has one; else its label before its parent's, if that has one;
 * else the name in full. */
static void own(
	const struct dns_transfer *t, struct dns_record *record, uint8_t name[DNS_NAME_BYTES])
{
	const struct dns_node *node = &t->zone->nodes[t->node];
	uint16_t at = place_of(t, t->node);

	record->owner_label = NULL;
	if (at == 0) {
		at = place_of(t, node->parent);
		record->owner_label = t->zone->bytes + node->label;
	}
	record->owner_pointer = at != 0 ? 0xc000 | at : 0;
	record->owner = name;
	if (at == 0)
		name_of(t->zone, t->node, name);
}

static bool put_record(struct dns_transfer *t, struct dns_writer *w, struct dns_record *record)
{
	uint8_t name[DNS_NAME_BYTES];
	size_t at = (size_t)(w->next - w->start);

	own(t, record, name);
	if (w->counts[DNS_ANSWER] == UINT16_MAX || !dns_write_record(w, record))
		return false;
	w->counts[DNS_ANSWER]++;
	if (place_of(t, t->node) == 0 && at <= DNS_POINTER_MAX)
		t->places[t->node % TRANSFER_PLACES] =
			(struct transfer_place){ t->node, (uint16_t)at };
	return true;
}

/* The RRset's records from t->record on; false: the message is full. */
static bool put_rrset(struct dns_transfer *t, struct dns_writer *w, const struct dns_rrset *rrset)
{
	struct dns_record record = {
		.type = rrset->type, .ttl = rrset->ttl, .shape = rrset->shape
	};

	if (t->record == 0)
		t->data = rrset->data;
	for (; t->record < rrset->count; t->record++) {
		const uint8_t *data = t->zone->bytes + t->data;

		record.data = view_of(data + 2, be16_at(data));
		if (!put_record(t, w, &record))
			return false;
		t->data += 2 + (uint32_t)record.data.length;
	}
	t->record = 0;
	return true;
}

static bool put_node(struct dns_transfer *t, struct dns_writer *w)
{
	const struct dns_node *node = &t->zone->nodes[t->node];

	for (; t->rrset < node->rrset_count; t->rrset++) {
		const struct dns_rrset *rrset = &t->zone->rrsets[node->rrsets + t->rrset];

		if (t->node == NODE_APEX && rrset->type == DNS_SOA)
			continue; /* the first and the last of all */
		if (!put_rrset(t, w, rrset))
			return false;
	}
	t->rrset = 0;
	return true;
}

/* All that fits. False: nothing did. */
static bool fill(struct dns_transfer *t, struct dns_writer *w)
{
	if (!t->has_begun && !zone_write_soa(t->zone, w))
		return false;
	t->has_begun = true;
	if (t->is_serial_only) {
		t->is_over = true;
		return true;
	}
	for (; t->node < t->zone->node_count; t->node++)
		if (!put_node(t, w))
			return w->counts[DNS_ANSWER] > 0;
	t->is_over = w->counts[DNS_ANSWER] < UINT16_MAX && zone_write_soa(t->zone, w);
	return w->counts[DNS_ANSWER] > 0;
}

/* RFC 5936 2.2.1: the first message must have it, the others may: names point to it. */
static size_t put_question(const struct dns_transfer *t, uint8_t *out)
{
	const struct dns_name *origin = &t->zone->origin;
	uint8_t *next = out + DNS_HEADER_BYTES;

	memcpy(next, origin->bytes, origin->length);
	be16_to(next + origin->length, t->type);
	be16_to(next + origin->length + 2, DNS_CLASS_IN);
	return (size_t)DNS_HEADER_BYTES + origin->length + DNS_QUESTION_BYTES;
}

size_t transfer_next(struct dns_transfer *t, uint8_t *out, size_t capacity)
{
	struct dns_writer w;
	size_t length;

	if (t->is_over)
		return 0;
	memset(t->places, 0, sizeof(t->places));
	memset(out, 0, DNS_HEADER_BYTES);
	be16_to(out, t->id);
	be16_to(out + 2, t->flags);
	length = put_question(t, out);
	be16_to(out + 4, 1);
	dns_writer_start(&w, out, capacity, length, &t->zone->origin);
	if (!fill(t, &w))
		return 0;
	be16_to(out + 6, w.counts[DNS_ANSWER]);
	return (size_t)(w.next - out);
}
