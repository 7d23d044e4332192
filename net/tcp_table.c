/*
 * Flows by their two ends, in a hash table that grows with them; listening ports by number.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

#define BUCKETS_FIRST 512
#define BUCKETS_MOST  (1u << 21)

COUNTER(table_kept, "tcp.table_kept", "the table of flows could not grow: lookups get slower");

static bool ends_equal(const struct tcp_ends *a, const struct tcp_ends *b)
{
	return a->remote_port == b->remote_port && a->local_port == b->local_port &&
	       address_equal(&a->remote, &b->remote) && address_equal(&a->local, &b->local);
}

static struct tcp_flow **bucket_of(const struct tcp_host *host, const struct tcp_ends *ends)
{
	uint64_t hash =
		hash_bytes(&host->table_key, ends, offsetof(struct tcp_ends, local_port) + 4);

	return &host->buckets[hash & (host->bucket_count - 1)];
}

static struct tcp_flow **buckets_alloc(uint32_t count)
{
	struct tcp_flow **buckets = extent_alloc(count * sizeof(buckets[0]));

	if (buckets != NULL)
		memset(buckets, 0, count * sizeof(buckets[0]));
	return buckets;
}

enum status tcp_table_start(struct tcp_host *host)
{
	host->buckets = buckets_alloc(BUCKETS_FIRST);
	host->bucket_count = BUCKETS_FIRST;
	return host->buckets != NULL ? OK : NO_MEMORY;
}

void tcp_table_end(struct tcp_host *host)
{
	extent_free(host->buckets, host->bucket_count * sizeof(host->buckets[0]));
	host->buckets = NULL;
}

/* Twice as many buckets, if there is memory. */
static void grow(struct tcp_host *host)
{
	struct tcp_flow **old = host->buckets, *flow;
	uint32_t old_count = host->bucket_count;
	struct tcp_flow **buckets = buckets_alloc(old_count * 2);

	if (buckets == NULL) {
		count(&table_kept);
		return;
	}
	host->buckets = buckets;
	host->bucket_count = old_count * 2;
	for (uint32_t i = 0; i < old_count; i++) {
		while ((flow = old[i]) != NULL) {
			struct tcp_flow **bucket = bucket_of(host, &flow->ends);

			old[i] = flow->next;
			flow->next = *bucket;
			*bucket = flow;
		}
	}
	extent_free(old, old_count * sizeof(old[0]));
}

struct tcp_flow *tcp_flow_find(struct tcp_host *host, const struct tcp_ends *ends)
{
	struct tcp_flow *flow = *bucket_of(host, ends);

	while (flow != NULL && !ends_equal(&flow->ends, ends))
		flow = flow->next;
	return flow;
}

void tcp_flow_add(struct tcp_host *host, struct tcp_flow *flow)
{
	struct tcp_flow **bucket;

	if (host->flow_count >= host->bucket_count && host->bucket_count < BUCKETS_MOST)
		grow(host);
	bucket = bucket_of(host, &flow->ends);
	flow->next = *bucket;
	*bucket = flow;
	flow->ends.is_listed = true;
	host->flow_count++;
}

void tcp_flow_remove(struct tcp_host *host, struct tcp_flow *flow)
{
	struct tcp_flow **link;

	tcp_timer_cancel(&flow->timer);
	if (!flow->ends.is_listed)
		return;
	for (link = bucket_of(host, &flow->ends); *link != flow; link = &(*link)->next)
		;
	*link = flow->next;
	flow->ends.is_listed = false;
	host->flow_count--;
}

struct tcp_port *tcp_port_find(struct tcp_host *host, uint16_t number)
{
	struct tcp_port *port = host->ports[number % TCP_PORTS];

	while (port != NULL && port->number != number)
		port = port->next;
	return port;
}

/* RFC 6056 3.3.3, Algorithm 3: from an offset that only we can compute, and a random step. */
bool tcp_port_choose(struct tcp_host *host, struct tcp_ends *ends)
{
	uint32_t span = 65536 - TCP_EPHEMERAL;
	uint64_t start = hash_bytes(&host->secret, &ends->remote, sizeof(ends->remote)) +
			 host->stack->random() % 8191;

	for (uint32_t i = 0; i < span; i++) {
		ends->local_port = (uint16_t)(TCP_EPHEMERAL + (start + i) % span);
		if (tcp_flow_find(host, ends) == NULL &&
			tcp_port_find(host, ends->local_port) == NULL)
			return true;
	}
	return false;
}
