/*
 * Workers: fibers with room for one request. They take connections whose next head is complete, serve
 * them until none is, and wait a while for more before they end.
 */
#include "diatom/counter.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "lib/http/inner.h"

#define IDLE_SECONDS 1

COUNTER(http_no_worker, "http.no_worker", "requests that waited: no fiber or memory for a worker");

static struct pool requests = POOL("http requests", sizeof(struct http_request), 0);

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
		server->idle_count--;
		if (status != OK && server->queue == NULL)
			return NULL;
	}
	return c;
}

static void work(void *argument)
{
	struct http_server *server = argument;
	struct http_request *request = pool_alloc(&requests);
	struct http_connection *c;

	if (request == NULL)
		count(&http_no_worker);
	while (request != NULL && (c = next_connection(server)) != NULL)
		while (exchange_serve(request, c) && connection_park(c))
			c->state = CONNECTION_SERVED;
	pool_free(&requests, request);
	server->worker_count--;
	if (server->is_finishing)
		wake_all(&server->all_gone);
}

static void start_worker(struct http_server *server)
{
	struct fiber *fiber;

	if (server->worker_count >= server->options.handlers)
		return;
	fiber = fiber_start("http", work, server);
	if (fiber == NULL) {
		count(&http_no_worker);
		return;
	}
	server->worker_count++;
	fiber_detach(fiber);
}

void worker_call(struct http_connection *c)
{
	struct http_server *server = c->server;

	c->state = CONNECTION_QUEUED;
	c->next = NULL;
	*server->queue_end = c;
	server->queue_end = &c->next;
	if (server->idle_count > 0)
		wake_one(&server->idle);
	else
		start_worker(server);
}
