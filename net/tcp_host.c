/*
 * TCP of one stack: its start, its end, its batches and ticks.
 */
#include "diatom/task.h" /* CONTAINER_OF */
#include "net/tcp_inner.h"

/* What half-open and waiting flows, and their number, may take of the heap. */
#define SHARE_HALF_OPEN 256
#define SHARE_WAITING	128

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void set_limits(struct tcp_host *host)
{
	size_t heap = memory_usage().heap_bytes;
	struct tcp_limits *limits = &host->limits;

	if (limits->connections == 0)
		limits->connections = (uint32_t)least(heap / 4 / host->pool->object_bytes, 4000000);
	if (limits->half_open == 0)
		limits->half_open = (uint32_t)least(
			heap / SHARE_HALF_OPEN / sizeof(struct tcp_half_open), 16384);
	if (limits->waiting == 0)
		limits->waiting =
			(uint32_t)least(heap / SHARE_WAITING / sizeof(struct tcp_waiting), 262144);
	if (limits->memory == 0)
		limits->memory = heap / 4;
}

enum status tcp_host_start(struct tcp_host *host, struct net_stack *stack)
{
	uint64_t *keys[4] = { &host->table_key.k0, &host->table_key.k1, &host->secret.k0,
		&host->secret.k1 };

	host->stack = stack;
	if (tcp_table_start(host) != OK)
		return NO_MEMORY;
	for (unsigned i = 0; i < 4; i++)
		*keys[i] = (uint64_t)stack->random() << 32 | stack->random();
	set_limits(host);
	host->due_end = &host->due;
	host->ready_end = &host->ready;
	host->reorders_end = &host->reorders;
	tcp_wheel_start(&host->wheel, stack->now);
	stack->tcp = host;
	return OK;
}

static struct tcp_connection *take_due(struct tcp_host *host)
{
	struct tcp_connection *c = host->due;

	if (c == NULL)
		return NULL;
	host->due = c->next_due;
	if (host->due == NULL)
		host->due_end = &host->due;
	c->is_due = false;
	return c;
}

static struct tcp_connection *take_ready(struct tcp_host *host)
{
	struct tcp_connection *c = host->ready;

	if (c == NULL)
		return NULL;
	host->ready = c->next_ready;
	if (host->ready == NULL)
		host->ready_end = &host->ready;
	c->is_ready = false;
	return c;
}

static void tell_owners(struct tcp_host *host)
{
	struct tcp_connection *c;

	while (host->ready_ports != NULL) {
		struct tcp_port *port = host->ready_ports;

		host->ready_ports = port->next_ready;
		port->is_ready = false;
		port->ready(port);
	}
	while ((c = take_ready(host)) != NULL) {
		if (c->is_dead)
			tcp_connection_free(c);
		else
			host->notify(c);
	}
}

static void send_due(struct tcp_host *host)
{
	struct tcp_connection *c;

	while ((c = take_due(host)) != NULL) {
		if (c->is_dead)
			tcp_connection_free(c);
		else if (c->flow.ends.is_listed)
			tcp_output(c);
	}
}

void tcp_batch_end(struct net_stack *stack)
{
	struct tcp_host *host = stack->tcp;
	instant next;

	if (host == NULL)
		return;
	host->is_in_batch = true;
	do {
		tell_owners(host);
		send_due(host);
	} while (host->ready != NULL || host->ready_ports != NULL);
	host->is_in_batch = false;
	next = tcp_wheel_next(&host->wheel);
	if (next != FOREVER)
		net_stack_wake_at(stack, next);
}

static void expired(struct tcp_host *host, struct tcp_flow *flow)
{
	switch ((enum tcp_kind)flow->ends.kind) {
	case TCP_KIND_CONNECTION:
		tcp_deadline_expired((struct tcp_connection *)flow);
		break;
	case TCP_KIND_HALF_OPEN:
		tcp_half_open_expired(host, (struct tcp_half_open *)flow);
		break;
	case TCP_KIND_WAITING:
		tcp_waiting_free(host, (struct tcp_waiting *)flow);
		break;
	}
}

void tcp_tick(struct net_stack *stack)
{
	struct tcp_host *host = stack->tcp;
	struct tcp_timer *timer;

	if (host == NULL)
		return;
	host->is_in_batch = true;
	while ((timer = tcp_wheel_take(&host->wheel, stack->now)) != NULL)
		expired(host, CONTAINER_OF(timer, struct tcp_flow, timer));
	tcp_batch_end(stack);
}

/* Ends one flow without a word. */
static void flow_end(struct tcp_host *host, struct tcp_flow *flow)
{
	struct tcp_connection *c = (struct tcp_connection *)flow;

	switch ((enum tcp_kind)flow->ends.kind) {
	case TCP_KIND_CONNECTION:
		c->is_owned = c->is_accepting = false;
		tcp_connection_die(c, CLOSED);
		break;
	case TCP_KIND_HALF_OPEN:
		tcp_half_open_free(host, (struct tcp_half_open *)flow);
		break;
	case TCP_KIND_WAITING:
		tcp_waiting_free(host, (struct tcp_waiting *)flow);
		break;
	}
}

void tcp_host_end(struct tcp_host *host)
{
	tcp_batch_end(host->stack);
	for (uint32_t i = 0; i < host->bucket_count; i++)
		while (host->buckets[i] != NULL)
			flow_end(host, host->buckets[i]);
	tcp_table_end(host);
	host->stack->tcp = NULL;
}
