/*
 * Connections between requests: a timer, and a callback that looks for the end of a head.
 */
#include <string.h>

#include "diatom/counter.h"
#include "diatom/memory.h"
#include "lib/http/inner.h"

#define LINGER_MS 2000

COUNTER(http_connections, "http.connections", "connections accepted");
COUNTER(http_refused, "http.refused", "connections refused: their limit, or no memory");
COUNTER(http_idle_closed, "http.idle_closed", "connections closed: no request came in time");
COUNTER(http_slow_heads, "http.slow_heads", "connections closed: a head took too long");

static struct pool connections = POOL("http connections", sizeof(struct http_connection), 0);

void connection_close(struct http_connection *c)
{
	struct http_server *server = c->server;

	task_cancel(&c->timer);
	if (c->is_cut)
		tcp_abort(c->tcp);
	else
		tcp_close(c->tcp);
	if (c->newer != NULL)
		c->newer->older = c->older;
	else
		server->newest = c->older;
	if (c->older != NULL)
		c->older->newer = c->newer;
	server->connection_count--;
	pool_free(&connections, c);
	if (server->is_finishing)
		wake_all(&server->all_gone);
}

/* Nobody waits for it: if the client's window is shut it goes without. */
static void refuse_slow(struct http_connection *c)
{
	const struct tcp_piece pieces[] = {
		{ .bytes = view_text("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
				     "Content-Length: 0\r\nDate: ") },
		{ .bytes = server_date(c->server) },
		{ .bytes = view_text("\r\n\r\n") },
	};

	count(&http_slow_heads);
	tcp_writev(c->tcp, pieces, ARRAY_LEN(pieces), AT_ONCE);
	connection_linger(c);
}

/* A deadline that is later than the timer leaves it be: it looks again when it runs. */
static void set_deadline(struct http_connection *c, uint32_t ms)
{
	c->deadline = in_ms(ms);
	if (!task_is_set(&c->timer) || c->timer.when > c->deadline)
		task_at(&c->timer, c->deadline);
}

static void time_is_up(struct task *task)
{
	struct http_connection *c = CONTAINER_OF(task, struct http_connection, timer);

	/* While a worker has it, the phases of the exchange have clocks of their own. */
	if (c->state == CONNECTION_QUEUED || c->state == CONNECTION_SERVED)
		return;
	if (time_now() < c->deadline) {
		task_at(task, c->deadline);
		return;
	}
	if (c->state == CONNECTION_PARKED && c->is_in_head) {
		refuse_slow(c);
		return;
	}
	if (c->state == CONNECTION_PARKED)
		count(&http_idle_closed);
	connection_close(c);
}

/* A head has begun: from now on another clock runs, and it is not wound up by further bytes. */
static void begin_head(struct http_connection *c)
{
	if (c->is_in_head)
		return;
	c->is_in_head = true;
	set_deadline(c, c->server->options.head_ms);
}

/* Shows what has come of the head. OK, or the status that ends the connection; EMPTY: nothing has. */
static enum status look(struct http_connection *c, struct view *bytes)
{
	size_t have = tcp_readable(c->tcp), most = c->server->options.head_bytes;
	enum status status = tcp_peek(c->tcp, 1, bytes, AT_ONCE);

	if (status == TIMED_OUT)
		return EMPTY;
	if (status == OK && bytes->length < have && bytes->length < most)
		status = tcp_peek(c->tcp, have < most ? have : most, bytes, AT_ONCE);
	if (status == OK && bytes->length > most)
		bytes->length = most;
	return status;
}

/* Something changed on a parked connection: bytes, its end, its death. True: a head is complete. */
static bool examine(struct http_connection *c)
{
	struct view bytes;
	enum status status = look(c, &bytes);
	size_t seen = c->seen;

	if (status == EMPTY)
		return false;
	if (status != OK) {
		connection_close(c);
		return false;
	}
	c->has_head = http_head_is_complete(bytes, &seen);
	/* A head that fills its limit without an end is the worker's to refuse. */
	if (c->has_head || bytes.length >= c->server->options.head_bytes)
		return true;
	c->seen = (uint32_t)seen;
	begin_head(c);
	return false;
}

/* Drops what comes after our end; the peer's end is the connection's. */
static void drop_input(struct http_connection *c)
{
	struct view bytes;
	enum status status;

	while ((status = tcp_peek(c->tcp, 1, &bytes, AT_ONCE)) == OK)
		tcp_consume(c->tcp, bytes.length);
	if (status != TIMED_OUT)
		connection_close(c);
}

static void changed(struct tcp *tcp, void *argument)
{
	struct http_connection *c = argument;

	if (c->state == CONNECTION_LINGERING)
		drop_input(c);
	else if (c->state == CONNECTION_PARKED && examine(c))
		worker_call(c);
}

bool connection_park(struct http_connection *c)
{
	if (c->server->is_finishing) {
		connection_close(c);
		return false;
	}
	c->state = CONNECTION_PARKED;
	c->seen = 0;
	c->is_in_head = false;
	set_deadline(c, c->server->options.idle_ms);
	return examine(c);
}

void connection_linger(struct http_connection *c)
{
	c->state = CONNECTION_LINGERING;
	tcp_shutdown(c->tcp);
	set_deadline(c, LINGER_MS);
	drop_input(c);
}

void connection_accept(struct http_server *server, struct tcp *tcp)
{
	struct http_connection *c = NULL;

	if (server->options.connections == 0 ||
		server->connection_count < server->options.connections)
		c = pool_alloc_zeroed(&connections);
	if (c == NULL) {
		count(&http_refused);
		tcp_abort(tcp);
		return;
	}
	count(&http_connections);
	server->connection_count++;
	c->tcp = tcp;
	c->server = server;
	c->timer.run = time_is_up;
	c->older = server->newest;
	if (c->older != NULL)
		c->older->newer = c;
	server->newest = c;
	tcp_set(tcp, TCP_NO_DELAY, 1);
	/* Also when it is closed: a client that acknowledges nothing can't hold what is queued for it. */
	tcp_set(tcp, TCP_USER_TIMEOUT_MS, server->options.write_ms);
	tcp_watch(tcp, changed, c);
	if (connection_park(c))
		worker_call(c);
}

void connection_close_parked(struct http_server *server)
{
	struct http_connection *c = server->newest, *older;

	for (; c != NULL; c = older) {
		older = c->older;
		if (c->state == CONNECTION_PARKED || c->state == CONNECTION_LINGERING)
			connection_close(c);
	}
}
