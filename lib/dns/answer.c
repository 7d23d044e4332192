/*
 * The algorithm of RFC 1034 section 4.3.2, as RFC 2308, 4592 and 6672 amend it. Its steps:
 *
 *     2.  the zone that is the nearest ancestor of the name; none: REFUSED
 *     3.  down from the apex, label by label:
 *         b. a zone cut: referral (NS in authority, glue in additional)
 *         a. the whole name matches: its RRset; or its CNAME, and step 2 with the CNAME's target;
 *            or nothing (NODATA: SOA in authority)
 *         c. a label is missing: a DNAME on the way; or the "*" below the closest encloser; or
 *            NXDOMAIN with SOA
 */
#include "lib/dns/server.h"

enum step { STEP_DONE, STEP_AGAIN };

/* Appends an RRset as a whole; false: it does not fit, and nothing was written. */
static bool put(struct dns_reply *r, enum dns_section section, struct dns_record *record,
	const struct dns_rrset *rrset)
{
	struct dns_mark mark = dns_mark(&r->writer);
	const uint8_t *data = r->zone->bytes + rrset->data;

	record->type = rrset->type;
	record->shape = rrset->shape;
	for (unsigned i = 0; i < rrset->count; i++) {
		record->data = view_of(data + 2, be16_at(data));
		if (!dns_write_record(&r->writer, record)) {
			dns_rewind(&r->writer, mark);
			return false;
		}
		data += 2 + record->data.length;
	}
	r->writer.counts[section] = (uint16_t)(r->writer.counts[section] + rrset->count);
	return true;
}

/* The owner is the name looked for without its first `label` labels. */
static struct dns_record owned_by(const struct dns_reply *r, unsigned label, uint32_t ttl)
{
	struct dns_record record = { .ttl = ttl, .owner = r->name->bytes + r->name->at[label] };

	if (r->name != &r->chased && label < r->name->labels)
		record.owner_pointer = (uint16_t)(0xc000 | (DNS_HEADER_BYTES + r->name->at[label]));
	return record;
}

/* The same for an RRset that the answer is not complete without. */
static void put_needed(struct dns_reply *r, enum dns_section section, unsigned label, uint32_t ttl,
	const struct dns_rrset *rrset)
{
	struct dns_record record = owned_by(r, label, ttl);

	if (!r->is_truncated && !put(r, section, &record, rrset))
		r->is_truncated = true;
}

/* NODATA and NXDOMAIN: the SOA tells for how long (RFC 2308 section 3). */
static enum step negative(struct dns_reply *r, uint8_t rcode)
{
	const struct dns_zone *zone = r->zone;

	r->rcode = rcode;
	r->is_memorable = false;
	put_needed(r, DNS_AUTHORITY, (unsigned)r->name->labels - zone->origin.labels,
		zone->negative_ttl, zone_rrset(zone, NODE_APEX, DNS_SOA));
	return STEP_DONE;
}

static bool is_below(const struct dns_zone *zone, uint32_t node, uint32_t ancestor)
{
	while (node != ancestor && node != NODE_APEX)
		node = zone->nodes[node].parent;
	return node == ancestor;
}

/* The addresses of a delegation's name servers that lie below the cut (or elsewhere in the zone). */
static void glue(struct dns_reply *r, uint32_t cut, const struct dns_rrset *ns, bool is_below_cut)
{
	const struct dns_zone *zone = r->zone;
	const uint8_t *data = zone->bytes + ns->data;

	for (unsigned i = 0; i < ns->count; i++) {
		struct view target = view_of(data + 2, be16_at(data));
		uint32_t node;

		data += 2 + target.length;
		if (!dns_name_read(&r->other, target))
			continue;
		node = zone_find(zone, &r->other);
		if (node == NODE_NONE || is_below(zone, node, cut) != is_below_cut)
			continue;
		for (unsigned j = 0; j < zone->nodes[node].rrset_count; j++) {
			const struct dns_rrset *rrset = &zone->rrsets[zone->nodes[node].rrsets + j];
			struct dns_record record = { .ttl = rrset->ttl, .owner = target.data };

			if (rrset->type != DNS_A && rrset->type != DNS_AAAA)
				continue;
			if (!put(r, DNS_ADDITIONAL, &record, rrset)) {
				r->is_memorable = false;
				r->is_truncated |= is_below_cut; /* RFC 9471 */
				return;
			}
		}
	}
}

/* Step 3b. `label`: the cut's place in the name looked for. */
static enum step referral(struct dns_reply *r, uint32_t cut, unsigned label)
{
	const struct dns_rrset *ns = zone_rrset(r->zone, cut, DNS_NS);

	if (r->steps == 0)
		r->is_authoritative = false;
	if (label > 0) /* any name below the cut gets here */
		r->is_memorable = false;
	put_needed(r, DNS_AUTHORITY, label, ns->ttl, ns);
	if (!r->is_truncated)
		glue(r, cut, ns, true);
	if (!r->is_truncated)
		glue(r, cut, ns, false);
	return STEP_DONE;
}

/* Was the chain at this name before? Then it is a loop, and all of it has been told. */
static bool is_visited(const struct dns_reply *r)
{
	for (unsigned i = 0; i < r->steps; i++)
		if (dns_name_equals(r->writer.start, r->visited[i], r->name->bytes))
			return true;
	return false;
}

/* Goes on with the name in r->other; false when the chain ends here. `place`: of the last record;
 * `dname`: what led here, NULL for a CNAME of the zone. */
static bool chase(struct dns_reply *r, size_t place, const struct dns_rrset *dname)
{
	if (r->is_truncated || r->steps == ANSWER_CHAIN_MAX)
		return false;
	r->dnames[r->steps] = dname;
	r->visited[r->steps++] = (uint16_t)place;
	r->chased = r->other;
	r->name = &r->chased;
	return true;
}

static size_t place_of(const struct dns_reply *r)
{
	return (size_t)(r->writer.next - r->writer.start);
}

static enum step cname(struct dns_reply *r, const struct dns_rrset *rrset)
{
	const uint8_t *data = r->zone->bytes + rrset->data;
	size_t place = place_of(r);

	if (is_visited(r))
		return STEP_DONE;
	put_needed(r, DNS_ANSWER, 0, rrset->ttl, rrset);
	if (!dns_name_read(&r->other, view_of(data + 2, be16_at(data))) || !chase(r, place, NULL))
		return STEP_DONE;
	return STEP_AGAIN;
}

/* Step 3a, and the same with the wildcard's node. */
static enum step at_node(struct dns_reply *r, uint32_t index, uint16_t type)
{
	const struct dns_zone *zone = r->zone;
	const struct dns_node *node = &zone->nodes[index];
	const struct dns_rrset *rrset;

	if (type == DNS_ANY) /* RFC 8482 4.1: one RRset of the name's */
		rrset = node->rrset_count > 0 ? &zone->rrsets[node->rrsets] : NULL;
	else
		rrset = zone_rrset(zone, index, type);
	if (rrset == NULL && (node->flags & NODE_CNAME))
		return cname(r, zone_rrset(zone, index, DNS_CNAME));
	if (rrset == NULL)
		return negative(r, DNS_NOERROR);
	put_needed(r, DNS_ANSWER, 0, rrset->ttl, rrset);
	return STEP_DONE;
}

/* Has the chain come through this DNAME before? An RRset is told once. */
static bool is_told(const struct dns_reply *r, const struct dns_rrset *dname)
{
	for (unsigned i = 0; i < r->steps; i++)
		if (r->dnames[i] == dname)
			return true;
	return false;
}

/* The DNAME record. Later names may point to its target, which itself is never compressed. */
static void put_dname(
	struct dns_reply *r, unsigned label, const struct dns_rrset *rrset, struct view target)
{
	if (is_told(r, rrset))
		return;
	put_needed(r, DNS_ANSWER, label, rrset->ttl, rrset);
	if (!r->is_truncated)
		dns_anchor_name(&r->writer, place_of(r) - target.length, target.data);
}

/* RFC 6672 section 3: the DNAME, and the CNAME that follows from it. `label`: the DNAME's owner. */
static enum step dname(struct dns_reply *r, uint32_t node, unsigned label, uint16_t type)
{
	const struct dns_rrset *rrset = zone_rrset(r->zone, node, DNS_DNAME);
	const uint8_t *data = r->zone->bytes + rrset->data;
	struct view target = view_of(data + 2, be16_at(data));
	size_t prefix = r->name->at[label];
	uint8_t product[DNS_NAME_BYTES];
	struct dns_record record;
	size_t place;

	if (is_visited(r))
		return STEP_DONE;
	r->is_memorable = false;
	put_dname(r, label, rrset, target);
	if (prefix + target.length > sizeof(product)) {
		r->rcode = DNS_YXDOMAIN;
		return STEP_DONE;
	}
	memcpy(product, r->name->bytes, prefix);
	memcpy(product + prefix, target.data, target.length);
	if (r->is_truncated || !dns_name_read(&r->other, view_of(product, prefix + target.length)))
		return STEP_DONE;
	place = place_of(r);
	record = owned_by(r, 0, rrset->ttl);
	record.type = DNS_CNAME;
	record.shape = (struct dns_shape){ 0, 1 };
	record.data = view_of(product, prefix + target.length);
	if (!dns_write_record(&r->writer, &record)) {
		r->is_truncated = true;
		return STEP_DONE;
	}
	r->writer.counts[DNS_ANSWER]++;
	if (type == DNS_CNAME || type == DNS_ANY || !chase(r, place, rrset))
		return STEP_DONE;
	return STEP_AGAIN;
}

/* Step 3 in r->zone. */
static enum step look_up(struct dns_reply *r, uint16_t type)
{
	const struct dns_zone *zone = r->zone;
	unsigned label = (unsigned)r->name->labels - zone->origin.labels;
	uint32_t node = NODE_APEX;

	for (;; label--) {
		const struct dns_node *here = &zone->nodes[node];
		uint32_t child;

		if ((here->flags & NODE_CUT) && !(label == 0 && type == DNS_DS))
			return referral(r, node, label);
		if (label == 0)
			return at_node(r, node, type);
		if (here->flags & NODE_DNAME)
			return dname(r, node, label, type);
		child = zone_child(zone, node, r->name->bytes + r->name->at[label - 1]);
		if (child == NODE_NONE)
			break;
		node = child;
	}
	r->is_memorable = false;
	if (zone->nodes[node].flags & NODE_WILDCARD) /* of the closest encloser only, RFC 4592 */
		return at_node(r, zone_wildcard(zone, node), type);
	return negative(r, DNS_NXDOMAIN);
}

static bool zone_delegates(const struct dns_zone *zone, const struct dns_name *name)
{
	uint32_t node = zone_find(zone, name);

	return node != NODE_NONE && (zone->nodes[node].flags & NODE_CUT);
}

/* Step 2. DS belongs to the parent's side of a cut (RFC 4035 3.1.4.1). */
static const struct dns_zone *zone_for(
	const struct dns_server *server, const struct dns_name *name, uint16_t type)
{
	const struct dns_zone *zone = server_zone(server, name, name->labels), *parent;

	if (zone == NULL || type != DNS_DS || zone->origin.labels != name->labels ||
		name->labels == 0)
		return zone;
	parent = server_zone(server, name, name->labels - 1U);
	return parent != NULL && zone_delegates(parent, name) ? parent : zone;
}

/* Types that are asked often enough, and are few enough, to be kept in the memo. */
static bool is_memorable_type(uint16_t type)
{
	return type <= DNS_HTTPS || type == DNS_ANY || type == DNS_CAA;
}

void answer_build(struct dns_server *server, uint8_t *out, size_t limit)
{
	const struct dns_query *query = &server->query;
	struct dns_reply *r = &server->reply;

	dns_writer_start(&r->writer, out, limit, query->end, &query->name);
	r->name = &query->name;
	r->steps = 0;
	r->rcode = DNS_NOERROR;
	r->is_truncated = false;
	r->is_authoritative = true;
	r->is_memorable = is_memorable_type(query->type);
	do {
		r->zone = zone_for(server, r->name, query->type);
		if (r->zone == NULL) {
			if (r->steps == 0) {
				r->rcode = DNS_REFUSED;
				r->is_authoritative = r->is_memorable = false;
			}
			return; /* a chain that leaves our zones is for the resolver to go on with */
		}
	} while (look_up(r, query->type) == STEP_AGAIN);
}
