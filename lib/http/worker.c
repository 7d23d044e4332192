/*
 * Workers: fibers with room for one request. They take connections whose next head is complete, serve
 * them until none is, and wait a while for more before they end.
 *
 * At most one is called at a time, and calls the next when it takes one of several connections: so handlers
 * that don't block are all run by one or two workers, whose memory stays in the cache, and one that blocks
 * holds up nobody.
 */
#include "diatom/counter.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "lib/http/inner.h"

#define IDLE_SECONDS 1
#define FAIR_COUNT   16 /* requests of one connection before the others have their turn */

COUNTER(http_no_worker, "http.no_worker", "requests that waited: no fiber or memory for a worker");

static struct pool requests = POOL("http requests", sizeof(struct http_request), 0);

static void call_worker(struct http_server *server);

static struct http_connection *take_queued(struct http_server *server)
{
	struct http_connection *c = server->queue;

	if (c == NULL)
		return NULL;
	server->queue = c->next;
	if (server->queue == NULL)
		server->queue_end = &server->queue;
	c->next = NULL;
	c->state = CONNECTION_SERVED;
	if (server->queue != NULL)
		call_worker(server);
	return c;
}

/* The next connection to serve; NULL when none came in a while. */
static struct http_connection *next_connection(struct http_server *server)
{
	struct http_connection *c;

	while ((c = take_queued(server)) == NULL) {
		enum status status;

		server->idle_count++;
		status = wait_on(&server->idle, in_seconds(IDLE_SECONDS));
		if (status == OK) { /* who called has counted us out */
			server->is_coming = false;
			continue;
		}
		server->idle_count--;
		if (server->queue == NULL)
			return NULL;
	}
	return c;
}

/* Serves what the client has sent, but lets others run between. */
static void serve(struct http_request *request, struct http_connection *c)
{
	for (unsigned n = 1; exchange_serve(request, c) && connection_park(c); n++) {
		c->state = CONNECTION_SERVED;
		if (n % FAIR_COUNT == 0)
			fiber_yield();
	}
}

static void work(void *argument)
{
	struct http_request *request = argument;
	struct http_server *server = request->server;
	struct http_connection *c;

	server->is_coming = false;
	while ((c = next_connection(server)) != NULL)
		serve(request, c);
	pool_free(&requests, request);
	server->worker_count--;
	if (server->is_finishing)
		wake_all(&server->all_gone);
}

static bool start_worker(struct http_server *server)
{
	struct http_request *request = NULL;
	struct fiber *fiber = NULL;

	if (server->worker_count >= server->options.handlers)
		return false;
	request = pool_alloc(&requests);
	if (request != NULL) {
		request->server = server;
		fiber = fiber_start("http", work, request);
	}
	if (fiber == NULL) {
		pool_free(&requests, request);
		count(&http_no_worker);
		return false;
	}
	server->worker_count++;
	fiber_detach(fiber);
	return true;
}

static void call_worker(struct http_server *server)
{
	if (server->is_coming)
		return;
	if (server->idle_count > 0) {
		server->idle_count--;
		server->is_coming = true;
		wake_one(&server->idle);
	} else {
		server->is_coming = start_worker(server);
	}
}

void worker_call(struct http_connection *c)
{
	struct http_server *server = c->server;

	c->state = CONNECTION_QUEUED;
	c->next = NULL;
	*server->queue_end = c;
	server->queue_end = &c->next;
	call_worker(server);
	/* No memory for a first worker: nobody would ever take it. */
	if (server->worker_count == 0)
		connection_close(take_queued(server));
}
