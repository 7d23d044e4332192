/*
 * Lookups in a compiled zone. See zone.h.
 */
#include "lib/dns/zone.h"

uint32_t zone_child(const struct dns_zone *zone, uint32_t parent, const uint8_t *label)
{
	uint64_t hash = dns_label_hash(zone->key, parent, label);
	uint32_t tag = (uint32_t)(hash >> 32);

	for (uint32_t i = (uint32_t)hash & zone->slot_mask;; i = (i + 1) & zone->slot_mask) {
		const struct dns_slot *slot = &zone->slots[i];
		const struct dns_node *node;

		if (slot->node == 0)
			return NODE_NONE;
		if (slot->tag != tag)
			continue;
		node = &zone->nodes[slot->node - 1];
		if (node->parent == parent &&
			memcmp(zone->bytes + node->label, label, (size_t)label[0] + 1) == 0)
			return slot->node - 1;
	}
}

bool zone_has(const struct dns_zone *zone, const struct dns_name *name)
{
	const struct dns_name *origin = &zone->origin;
	size_t place;

	if (name->labels < origin->labels)
		return false;
	place = name->at[name->labels - origin->labels];
	return (size_t)name->length - place == origin->length &&
	       memcmp(name->bytes + place, origin->bytes, origin->length) == 0;
}

uint32_t zone_find(const struct dns_zone *zone, const struct dns_name *name)
{
	uint32_t node = NODE_APEX;

	if (!zone_has(zone, name))
		return NODE_NONE;
	for (unsigned i = name->labels - zone->origin.labels; i > 0 && node != NODE_NONE; i--)
		node = zone_child(zone, node, name->bytes + name->at[i - 1]);
	return node;
}

const struct dns_rrset *zone_rrset(const struct dns_zone *zone, uint32_t node, uint16_t type)
{
	const struct dns_rrset *rrset = zone->rrsets + zone->nodes[node].rrsets;

	for (unsigned i = 0; i < zone->nodes[node].rrset_count; i++)
		if (rrset[i].type == type)
			return &rrset[i];
	return NULL;
}

uint32_t zone_wildcard(const struct dns_zone *zone, uint32_t node)
{
	static const uint8_t star[16] = { 1, '*' };

	return zone_child(zone, node, star);
}

bool zone_write_soa(const struct dns_zone *zone, struct dns_writer *w)
{
	const struct dns_rrset *soa = zone_rrset(zone, NODE_APEX, DNS_SOA);
	const uint8_t *data = zone->bytes + soa->data;
	const struct dns_record record = { .type = DNS_SOA,
		.ttl = soa->ttl,
		.owner = zone->origin.bytes,
		.shape = soa->shape,
		.data = view_of(data + 2, be16_at(data)) };

	if (!dns_write_record(w, &record))
		return false;
	w->counts[DNS_ANSWER]++;
	return true;
}

struct dns_zone_facts dns_zone_facts(const struct dns_zone *zone)
{
	return zone->facts;
}

const char *dns_zone_origin(const struct dns_zone *zone)
{
	return zone->origin_text;
}

void dns_zone_free(struct dns_zone *zone)
{
	struct arena arena;

	if (zone == NULL)
		return;
	arena = zone->arena; /* the zone lies in it */
	arena_clear(&arena);
}
