/*
 * Gathering a zone's records and laying them out. See draft.h and zone.h.
 */
#include "lib/dns/draft.h"

#include "diatom/log.h"

#define NODES_FIRST    64
#define SLOTS_OF(room) ((size_t)(room) * 2)

static void draft_free_tables(struct draft *draft)
{
	extent_free(draft->nodes, draft->node_room * sizeof(*draft->nodes));
	extent_free(draft->slots, SLOTS_OF(draft->node_room) * sizeof(*draft->slots));
}

static void slot_put(struct dns_slot *slots, uint32_t mask, uint64_t hash, uint32_t node)
{
	uint32_t i = (uint32_t)hash & mask;

	while (slots[i].node != 0)
		i = (i + 1) & mask;
	slots[i] = (struct dns_slot){ node + 1, (uint32_t)(hash >> 32) };
}

/* A label in a padded buffer, as the hash wants it. */
static uint64_t hash_of(const struct draft *draft, uint32_t parent, const uint8_t *label)
{
	uint8_t padded[DNS_LABEL_BYTES + 1 + 8];

	memcpy(padded, label, (size_t)label[0] + 1);
	memset(padded + label[0] + 1, 0, 8);
	return dns_label_hash(draft->zone->key, parent, padded);
}

/* Fills empty slots with all nodes but the apex, which is nobody's child. */
static void slots_fill(const struct draft *draft, struct dns_slot *slots, uint32_t mask)
{
	memset(slots, 0, ((size_t)mask + 1) * sizeof(*slots));
	for (uint32_t i = 1; i < draft->node_count; i++)
		slot_put(slots, mask, hash_of(draft, draft->nodes[i].parent, draft->nodes[i].label),
			i);
}

static enum status draft_grow(struct draft *draft, uint32_t room)
{
	struct draft_node *nodes = extent_alloc(room * sizeof(*nodes));
	struct dns_slot *slots = extent_alloc(SLOTS_OF(room) * sizeof(*slots));

	if (nodes == NULL || slots == NULL) {
		extent_free(nodes, room * sizeof(*nodes));
		extent_free(slots, SLOTS_OF(room) * sizeof(*slots));
		return NO_MEMORY;
	}
	if (draft->node_count > 0)
		memcpy(nodes, draft->nodes, draft->node_count * sizeof(*nodes));
	draft_free_tables(draft);
	draft->nodes = nodes;
	draft->slots = slots;
	draft->node_room = room;
	slots_fill(draft, slots, (uint32_t)SLOTS_OF(room) - 1);
	return OK;
}

enum status draft_start(struct draft *draft, struct dns_zone *zone, const struct dns_source *source,
	struct dns_fault *fault)
{
	static const uint8_t no_label[1] = { 0 };

	*draft = (struct draft){ .source = source, .fault = fault, .zone = zone };
	draft->arena.limit = source->memory_max;
	if (draft_grow(draft, NODES_FIRST) != OK)
		return NO_MEMORY;
	draft->nodes[0] = (struct draft_node){ .parent = NODE_NONE, .label = no_label };
	draft->node_count = 1;
	return OK;
}

void draft_end(struct draft *draft)
{
	draft_free_tables(draft);
	arena_clear(&draft->arena);
}

static uint32_t draft_child(
	const struct draft *draft, uint32_t parent, const uint8_t *label, uint64_t hash)
{
	uint32_t mask = (uint32_t)SLOTS_OF(draft->node_room) - 1;

	for (uint32_t i = (uint32_t)hash & mask; draft->slots[i].node != 0; i = (i + 1) & mask) {
		uint32_t child = draft->slots[i].node - 1;

		if (draft->slots[i].tag == (uint32_t)(hash >> 32) &&
			draft->nodes[child].parent == parent &&
			memcmp(draft->nodes[child].label, label, (size_t)label[0] + 1) == 0)
			return child;
	}
	return NODE_NONE;
}

static enum status child_make(
	struct draft *draft, uint32_t parent, const uint8_t *label, uint64_t hash, uint32_t *child)
{
	uint8_t *copy = arena_bytes(&draft->arena, (size_t)label[0] + 1);

	if (copy == NULL)
		return NO_MEMORY;
	if (draft->node_count == draft->node_room && draft_grow(draft, draft->node_room * 2) != OK)
		return NO_MEMORY;
	memcpy(copy, label, (size_t)label[0] + 1);
	*child = draft->node_count++;
	draft->nodes[*child] = (struct draft_node){ .parent = parent, .label = copy };
	slot_put(draft->slots, (uint32_t)SLOTS_OF(draft->node_room) - 1, hash, *child);
	if (label[0] == 1 && label[1] == '*')
		draft->nodes[parent].flags |= NODE_WILDCARD;
	return OK;
}

enum status draft_node(struct draft *draft, const struct dns_name *name, uint32_t *node)
{
	uint32_t parent = NODE_APEX;

	if (!zone_has(draft->zone, name))
		return NOT_FOUND;
	for (unsigned i = name->labels - draft->zone->origin.labels; i > 0; i--) {
		const uint8_t *label = name->bytes + name->at[i - 1];
		uint64_t hash = dns_label_hash(draft->zone->key, parent, label);
		uint32_t child = draft_child(draft, parent, label, hash);

		if (child == NODE_NONE && child_make(draft, parent, label, hash, &child) != OK)
			return NO_MEMORY;
		parent = child;
	}
	*node = parent;
	return OK;
}

enum status draft_add(
	struct draft *draft, uint32_t node, const struct draft_record *fields, struct view data)
{
	struct draft_record *record = arena_alloc(&draft->arena, sizeof(*record) + data.length);

	if (record == NULL)
		return NO_MEMORY;
	*record = *fields;
	record->length = (uint16_t)data.length;
	if (data.length > 0)
		memcpy(record->data, data.data, data.length);
	record->next = draft->nodes[node].records;
	draft->nodes[node].records = record;
	return OK;
}

struct layout {
	size_t rrsets, bytes;
};

/* The end of the RRset that starts at `record`: lists are in order of type by now. */
static const struct draft_record *rrset_end(const struct draft_record *record, struct layout *sum)
{
	const struct draft_record *end = record;

	for (; end != NULL && end->type == record->type; end = end->next)
		sum->bytes += 2 + (size_t)end->length;
	sum->rrsets++;
	return end;
}

static struct layout measure(const struct draft *draft)
{
	struct layout sum = { 0, 0 };

	for (uint32_t i = 0; i < draft->node_count; i++) {
		const struct draft_record *record = draft->nodes[i].records;

		sum.bytes += (size_t)draft->nodes[i].label[0] + 1;
		while (record != NULL)
			record = rrset_end(record, &sum);
	}
	return sum;
}

/* Lays out the RRset at `record`; returns what follows it. */
static const struct draft_record *rrset_lay(
	struct dns_zone *zone, const struct draft_record *record, struct layout *at)
{
	struct dns_rrset *rrset = &zone->rrsets[at->rrsets++];
	const struct draft_record *r = record;

	*rrset = (struct dns_rrset){
		.ttl = record->ttl,
		.data = (uint32_t)at->bytes,
		.type = record->type,
		.shape = dns_type_shape(record->type),
	};
	for (; r != NULL && r->type == record->type; r = r->next) {
		be16_to(zone->bytes + at->bytes, r->length);
		memcpy(zone->bytes + at->bytes + 2, r->data, r->length);
		at->bytes += 2 + (size_t)r->length;
		rrset->count++;
	}
	zone->facts.records += rrset->count;
	return r;
}

static void node_lay(const struct draft *draft, uint32_t i, struct layout *at)
{
	const struct draft_node *from = &draft->nodes[i];
	struct dns_zone *zone = draft->zone;
	struct dns_node *node = &zone->nodes[i];
	const struct draft_record *record = from->records;

	node->parent = from->parent;
	node->flags = from->flags;
	node->label = (uint32_t)at->bytes;
	memcpy(zone->bytes + at->bytes, from->label, (size_t)from->label[0] + 1);
	at->bytes += (size_t)from->label[0] + 1;
	node->rrsets = (uint32_t)at->rrsets;
	zone->facts.names += record != NULL;
	while (record != NULL)
		record = rrset_lay(zone, record, at);
	node->rrset_count = (uint16_t)(at->rrsets - node->rrsets);
}

enum status draft_compile(struct draft *draft)
{
	struct dns_zone *zone = draft->zone;
	struct layout size = measure(draft), at = { 0, 0 };
	const struct dns_rrset *soa;
	const uint8_t *data;
	uint32_t slots = 16;

	while (slots < draft->node_count + draft->node_count / 2)
		slots *= 2;
	if (size.bytes > UINT32_MAX)
		return NO_MEMORY;
	zone->nodes = arena_alloc(&zone->arena, draft->node_count * sizeof(*zone->nodes));
	zone->rrsets = arena_alloc(&zone->arena, size.rrsets * sizeof(*zone->rrsets));
	zone->slots = arena_alloc(&zone->arena, slots * sizeof(*zone->slots));
	zone->bytes = arena_bytes(&zone->arena, size.bytes);
	if (!zone->nodes || !zone->rrsets || !zone->slots || !zone->bytes)
		return NO_MEMORY;
	zone->slot_mask = slots - 1;
	zone->node_count = draft->node_count;
	slots_fill(draft, zone->slots, zone->slot_mask);
	for (uint32_t i = 0; i < draft->node_count; i++)
		node_lay(draft, i, &at);
	soa = zone_rrset(zone, NODE_APEX, DNS_SOA);
	data = zone->bytes + soa->data;
	data += 2 + be16_at(data); /* the end: five 32-bit numbers before it */
	zone->facts.serial = be32_at(data - 20);
	zone->negative_ttl = be32_at(data - 4) < soa->ttl ? be32_at(data - 4) : soa->ttl;
	zone->facts.bytes = zone->arena.used;
	return OK;
}

void fault_report(const struct dns_source *source, const struct dns_fault *fault)
{
	enum log_level level = fault->is_warning ? LOG_WARNING : LOG_ERROR;

	if (source->report != NULL)
		source->report(source->argument, fault);
	else if (fault->line == 0)
		LOG(level, "dns", "%s: %s", fault->file, fault->text);
	else
		LOG(level, "dns", "%s:%u:%u: %s", fault->file, fault->line, fault->column,
			fault->text);
}
