/*
 * A server's life: listen, accept, and an end in good order.
 */
#include <string.h>

#include "diatom/log.h"
#include "diatom/memory.h"
#include "lib/http/inner.h"

#define PORT_DEFAULT 80

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

static void set_defaults(struct http_options *o)
{
	o->port = o->port != 0 ? o->port : PORT_DEFAULT;
	o->handlers = or_default(o->handlers, 1024);
	if (o->head_bytes == 0 || o->head_bytes > HTTP_HEAD_BYTES)
		o->head_bytes = HTTP_HEAD_BYTES;
	o->body_bytes = o->body_bytes != 0 ? o->body_bytes : MEBIBYTES(16);
	o->idle_ms = or_default(o->idle_ms, 60000);
	o->head_ms = or_default(o->head_ms, 10000);
	o->body_ms = or_default(o->body_ms, 20000);
	o->write_ms = or_default(o->write_ms, 30000);
	o->finish_ms = or_default(o->finish_ms, 5000);
}

static void accept_all(void *argument)
{
	struct http_server *server = argument;
	struct tcp *tcp;

	while (tcp_accept(server->listener, &tcp, FOREVER) == OK)
		connection_accept(server, tcp);
}

/* Requests in hand are answered; connections without one end. */
static void finish(struct http_server *server)
{
	instant deadline = in_ms(server->options.finish_ms);

	server->is_finishing = true;
	tcp_unlisten(server->listener);
	connection_close_parked(server);
	while (server->connection_count > 0)
		if (wait_on(&server->all_gone, deadline) != OK)
			break;
	tcp_finish(server->net, deadline);
}

static void handle_all(struct http_request *r)
{
	r->options->handle(r, r->options->argument);
}

/* False: it can't start (logged). */
static bool start(struct http_server *server)
{
	struct fiber *acceptor;

	server->queue_end = &server->queue;
	server->date_second = -1;
	set_defaults(&server->options);
	server->listener = tcp_listen(server->net, server->options.port);
	acceptor = server->listener != NULL ? fiber_start("http accept", accept_all, server) : NULL;
	if (acceptor == NULL) {
		log_error("http", "the server can't start on port %u", server->options.port);
		return false;
	}
	fiber_detach(acceptor);
	log_info(
		"http", "serving on %s port %u", server->net->manifest->name, server->options.port);
	return true;
}

static int serve(struct net *net, const struct http_options *options,
	void (*handle)(struct http_request *), void (*log)(const struct http_request *))
{
	static struct pool servers = POOL("http servers", sizeof(struct http_server), 0);
	struct http_server *server = pool_alloc_zeroed(&servers);

	if (server == NULL) {
		log_error("http", "no memory for a server");
		return 1;
	}
	server->net = net;
	server->options = *options;
	server->handle = handle;
	server->log = log;
	if (!start(server))
		return 1;
	if (finish_wait(FOREVER) == OK)
		finish(server);
	return 0;
}

int http_serve_with(struct net *net, const struct http_options *options)
{
	return serve(net, options, options->routes != NULL ? routing_handle : handle_all,
		options->has_access_log ? access_log : NULL);
}

int http_serve(struct net *net, uint16_t port, http_handler *handle, void *argument)
{
	return serve(net,
		&(struct http_options){ .port = port, .handle = handle, .argument = argument },
		handle_all, NULL);
}

int http_serve_routes(struct net *net, uint16_t port, const struct http_route *routes, size_t count)
{
	return serve(net,
		&(struct http_options){ .port = port, .routes = routes, .route_count = count },
		routing_handle, NULL);
}
