/*
 * Neighbour cache: a fixed table with hash chains through it. Eviction looks at all entries; it runs
 * only when the table is full and something new comes.
 */
#include "net/neighbour.h"

#include "diatom/counter.h"

COUNTER(neighbour_evicted, "neighbour.evicted", "entries replaced because the cache was full");
COUNTER(neighbour_refused, "neighbour.refused",
	"addresses not asked for: half of the cache is pending");
COUNTER(neighbour_dropped, "neighbour.tx_dropped", "packets dropped while waiting for an address");

static struct neighbour **bucket_of(struct neighbour_cache *cache, const struct address *address)
{
	uint64_t words[2];

	memcpy(words, address->bytes, sizeof(words));
	words[1] = (words[0] ^ words[1] ^ cache->key) * UINT64_C(0x9e3779b97f4a7c15);
	return &cache->buckets[(words[1] ^ words[1] >> 32) >> 16 & (NEIGHBOUR_BUCKETS - 1)];
}

void neighbour_cache_init(struct neighbour_cache *cache, uint64_t key)
{
	memset(cache, 0, sizeof(*cache));
	cache->key = key;
	for (unsigned i = NEIGHBOUR_COUNT; i-- > 0;) {
		cache->entries[i].next = cache->free_list;
		cache->free_list = &cache->entries[i];
	}
}

struct neighbour *neighbour_find(struct neighbour_cache *cache, const struct address *address)
{
	struct neighbour *n = *bucket_of(cache, address);

	while (n != NULL && !address_equal(&n->address, address))
		n = n->next;
	return n;
}

/* Is `a` the better one to lose: unused longer, or, both never used, heard of earlier? */
static bool is_older(const struct neighbour *a, const struct neighbour *b)
{
	return a->used != b->used ? a->used < b->used : a->confirmed < b->confirmed;
}

static struct neighbour *least_useful(struct neighbour_cache *cache)
{
	struct neighbour *worst = NULL;

	for (unsigned i = 0; i < NEIGHBOUR_COUNT; i++) {
		struct neighbour *n = &cache->entries[i];

		if (n->state == NEIGHBOUR_FREE || n->state == NEIGHBOUR_PENDING)
			continue;
		if (worst == NULL || is_older(n, worst))
			worst = n;
	}
	return worst;
}

bool neighbour_may_ask(const struct neighbour_cache *cache)
{
	if (cache->pending < NEIGHBOUR_PENDING_MAX)
		return true;
	count(&neighbour_refused);
	return false;
}

struct neighbour *neighbour_add(
	struct neighbour_cache *cache, const struct address *address, bool *evicted)
{
	struct neighbour **bucket, *n;

	*evicted = false;
	if (cache->free_list == NULL) {
		neighbour_remove(cache, least_useful(cache));
		count(&neighbour_evicted);
		*evicted = true;
	}
	n = cache->free_list;
	cache->free_list = n->next;
	memset(n, 0, sizeof(*n));
	n->address = *address;
	bucket = bucket_of(cache, address);
	n->next = *bucket;
	*bucket = n;
	neighbour_set_state(cache, n, NEIGHBOUR_PENDING);
	return n;
}

void neighbour_set_state(
	struct neighbour_cache *cache, struct neighbour *n, enum neighbour_state state)
{
	cache->pending -= n->state == NEIGHBOUR_PENDING;
	cache->pending += state == NEIGHBOUR_PENDING;
	n->state = (uint8_t)state;
	n->requests = 0;
}

void neighbour_wait(struct neighbour_cache *cache, struct neighbour *n, struct packet *packet)
{
	/* RFC 1122 2.3.2.2: the latest packet is the one to keep. */
	if (n->waiting.count >= NEIGHBOUR_WAITING_MAX ||
		(cache->waiting >= NEIGHBOUR_WAITING_TOTAL && n->waiting.count > 0)) {
		packet_free(neighbour_take(cache, n));
		count(&neighbour_dropped);
	}
	if (cache->waiting >= NEIGHBOUR_WAITING_TOTAL) {
		packet_free(packet);
		count(&neighbour_dropped);
		return;
	}
	packet_queue_put(&n->waiting, packet);
	cache->waiting++;
}

struct packet *neighbour_take(struct neighbour_cache *cache, struct neighbour *n)
{
	struct packet *packet = packet_queue_take(&n->waiting);

	cache->waiting -= packet != NULL;
	return packet;
}

void neighbour_remove(struct neighbour_cache *cache, struct neighbour *n)
{
	struct neighbour **link = bucket_of(cache, &n->address);
	struct packet *packet;

	while ((packet = neighbour_take(cache, n)) != NULL) {
		packet_free(packet);
		count(&neighbour_dropped);
	}
	while (*link != n)
		link = &(*link)->next;
	*link = n->next;
	neighbour_set_state(cache, n, NEIGHBOUR_FREE);
	n->next = cache->free_list;
	cache->free_list = n;
}
