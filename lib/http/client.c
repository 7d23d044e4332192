/*
 * A client's connections. A kept one on which anything came, be it its end, is of no use: nobody asked.
 */
#include "lib/http/client.h"

#include <string.h>

#include "diatom/counter.h"
#include "diatom/memory.h"

COUNTER(client_connects, "http.client_connects", "connections that clients opened");
COUNTER(client_failed, "http.client_failed", "connections that could not be opened");
COUNTER(client_reused, "http.client_reused", "calls on a connection that was kept");

static struct pool clients = POOL("http clients", sizeof(struct http_client), 0);

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

struct http_client *http_client_open(struct net *net, const struct http_client_options *options)
{
	struct http_client *c = pool_alloc_zeroed(&clients);
	struct http_client_options *o;

	if (c == NULL)
		return NULL;
	c->net = net;
	c->options = *options;
	o = &c->options;
	o->connections = or_default(o->connections, 64);
	o->kept = or_default(o->kept, 8);
	if (o->kept > HTTP_KEPT_MAX)
		o->kept = HTTP_KEPT_MAX;
	o->connect_ms = or_default(o->connect_ms, 5000);
	o->write_ms = or_default(o->write_ms, 30000);
	o->head_ms = or_default(o->head_ms, 30000);
	o->body_ms = or_default(o->body_ms, 20000);
	if (o->body_bytes == 0)
		o->body_bytes = UINT64_MAX;
	return c;
}

static void discard(struct http_client *c, struct tcp *tcp)
{
	tcp_close(tcp);
	c->connection_count--;
}

void http_client_close(struct http_client *c)
{
	if (c == NULL)
		return;
	while (c->kept_count > 0)
		discard(c, c->kept[--c->kept_count]);
	ASSERT(c->connection_count == 0);
	pool_free(&clients, c);
}

/* The newest that is still good; NULL if there is none. */
static struct tcp *take_kept(struct http_client *c)
{
	struct view bytes;

	while (c->kept_count > 0) {
		struct tcp *tcp = c->kept[--c->kept_count];

		if (tcp_peek(tcp, 1, &bytes, AT_ONCE) == TIMED_OUT)
			return tcp;
		discard(c, tcp);
	}
	return NULL;
}

static enum status connect_new(struct http_call *call)
{
	struct http_client *c = call->client;
	enum status status;

	if (c->connection_count >= c->options.connections)
		return FULL;
	c->connection_count++; /* now, for connecting lets others run */
	status = tcp_connect_to(c->net, &c->options.to, &call->tcp, in_ms(c->options.connect_ms));
	if (status != OK) {
		count(&client_failed);
		c->connection_count--;
		call->tcp = NULL;
		return status;
	}
	count(&client_connects);
	tcp_set(call->tcp, TCP_NO_DELAY, 1);
	return OK;
}

enum status client_take(struct http_call *call, bool may_reuse)
{
	call->tcp = may_reuse ? take_kept(call->client) : NULL;
	call->is_reused = call->tcp != NULL;
	if (!call->is_reused)
		return connect_new(call);
	count(&client_reused);
	return OK;
}

void client_give(struct http_call *call, bool is_good)
{
	struct http_client *c = call->client;

	if (call->tcp == NULL)
		return;
	if (is_good && c->kept_count < c->options.kept)
		c->kept[c->kept_count++] = call->tcp;
	else
		discard(c, call->tcp);
	call->tcp = NULL;
}
