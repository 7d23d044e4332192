/*
 * What HTTP makes of a stream, with state: lib/http on a TCP of this file's own, whose bytes come as the input says.
 *
 *     input:  mode | where the stream is cut | the stream
 *
 *     server   requests to handlers that read bodies, forward them, and speak WebSocket
 *     client   a response, read; and the same response forwarded and read again
 *
 * Claims: what comes out doesn't depend on where the stream was cut; what is forwarded is one message, with the same
 * body; nothing broken is forwarded as if it were whole. A view is of the exact size, and gone at the next read call or
 * with the bytes that are consumed.
 */
#include <stdlib.h>

#include "diatom/assert.h"
#include "diatom/http_client.h"
#include "diatom/websocket.h"
#include "lib/http/client.h"
#include "net/linear.h"
#include "wire/http_chunk.h"
#include "wire/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MOST (1 << 18)

/* --- a TCP whose peer has sent everything already, in pieces --- */

struct tcp {
	struct view in;
	size_t at, arrived, buffer_end; /* read; here; where the first buffer ends */
	size_t step;			/* a cut every so many bytes */
	uint8_t *shown;
	void (*changed)(struct tcp *connection, void *argument);
	void *argument;
	uint8_t *out;
	size_t out_used;
	bool is_aborted, is_closed;
};

static void tcp_begin(struct tcp *c, struct view in, size_t step)
{
	*c = (struct tcp){ .in = in, .step = step, .out = malloc(OUT_MOST) };
}

static void tcp_end(struct tcp *c)
{
	free(c->shown);
	free(c->out);
	c->shown = c->out = NULL;
}

static bool arrive(struct tcp *c)
{
	size_t left = c->in.length - c->arrived;

	c->arrived += left < c->step ? left : c->step;
	return left > 0;
}

static void unshow(struct tcp *c)
{
	free(c->shown);
	c->shown = NULL;
}

static void next_buffer(struct tcp *c)
{
	if (c->at < c->buffer_end)
		return;
	c->buffer_end = c->at - c->at % c->step + c->step;
	if (c->buffer_end > c->arrived)
		c->buffer_end = c->arrived;
}

enum status tcp_peek(struct tcp *c, size_t least, struct view *bytes, instant deadline)
{
	enum status status = OK;
	size_t length;

	unshow(c);
	*bytes = view_of(NULL, 0);
	ASSERT(least <= TCP_PEEK_MAX);
	while (c->arrived - c->at < least && deadline != AT_ONCE && arrive(c))
		;
	if (c->arrived - c->at < least) {
		if (c->arrived < c->in.length)
			return TIMED_OUT;
		status = CLOSED;
		least = c->arrived - c->at;
	}
	next_buffer(c);
	if (c->buffer_end < c->at + least)
		c->buffer_end = c->at + least;
	length = c->buffer_end - c->at;
	if (length == 0)
		return status;
	c->shown = malloc(length);
	memcpy(c->shown, c->in.data + c->at, length);
	*bytes = view_of(c->shown, length);
	return status;
}

void tcp_consume(struct tcp *c, size_t length)
{
	ASSERT(length <= c->arrived - c->at);
	if (length > 0)
		unshow(c);
	c->at += length;
}

size_t tcp_readable(const struct tcp *c)
{
	return c->arrived - c->at;
}

enum status tcp_read_packet(struct tcp *c, struct packet **packet, instant deadline)
{
	struct view bytes;
	enum status status = tcp_peek(c, 1, &bytes, deadline);

	*packet = NULL;
	if (status != OK)
		return status;
	*packet = linear_alloc((uint32_t)bytes.length);
	ASSERT(*packet != NULL);
	memcpy((*packet)->data, bytes.data, bytes.length);
	tcp_consume(c, bytes.length);
	return OK;
}

static enum status put(struct tcp *c, struct view bytes)
{
	if (bytes.length > OUT_MOST - c->out_used)
		return UNREACHABLE;
	if (bytes.length > 0)
		memcpy(c->out + c->out_used, bytes.data, bytes.length);
	c->out_used += bytes.length;
	return OK;
}

enum status tcp_writev(
	struct tcp *c, const struct tcp_piece *pieces, unsigned count, instant deadline)
{
	enum status status = OK;

	for (unsigned i = 0; i < count && status == OK; i++)
		status = put(c, pieces[i].bytes);
	return status;
}

enum status tcp_write(struct tcp *c, struct view bytes, instant deadline)
{
	return put(c, bytes);
}

enum status tcp_write_packet(struct tcp *c, struct packet *packet, instant deadline)
{
	enum status status = put(c, packet_view(packet));

	packet_free(packet);
	return status;
}

void tcp_shutdown(struct tcp *c)
{
}

void tcp_close(struct tcp *c)
{
	c->is_closed = true;
}

void tcp_abort(struct tcp *c)
{
	c->is_closed = c->is_aborted = true;
}

void tcp_watch(
	struct tcp *c, void (*changed)(struct tcp *connection, void *argument), void *argument)
{
	c->changed = changed;
	c->argument = argument;
}

enum status tcp_set(struct tcp *c, enum tcp_option option, uint32_t value)
{
	return OK;
}

struct endpoint tcp_remote(const struct tcp *c)
{
	return (struct endpoint){ address_v4(0x0a000001), 40000 };
}

struct tcp_listener *tcp_listen(struct net *net, uint16_t port)
{
	return NULL;
}

enum status tcp_accept(struct tcp_listener *listener, struct tcp **c, instant deadline)
{
	return CLOSED;
}

void tcp_unlisten(struct tcp_listener *listener)
{
}

enum status tcp_finish(struct net *net, instant deadline)
{
	return OK;
}

static struct tcp *to_connect; /* whom the next tcp_connect_to gets */

enum status tcp_connect_to(
	struct net *net, const struct endpoint *to, struct tcp **c, instant deadline)
{
	*c = to_connect;
	return to_connect != NULL ? OK : REFUSED;
}

/* --- what is forwarded to a server is one request --- */

static void check_is_one_request(struct view bytes)
{
	static struct http_head head;
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_chunks chunks = { 0 };
	struct view rest, data;
	unsigned count;
	size_t length;

	ASSERT(http_request_parse(&head, bytes) == HTTP_OK);
	rest = view_part(bytes, head.length, bytes.length);
	if (head.framing == HTTP_CHUNKED) {
		enum http_chunk_event event;

		while ((event = http_chunk_next(&chunks, &rest, &data)) == HTTP_CHUNK_DATA)
			;
		ASSERT(event == HTTP_CHUNK_TRAILERS);
		ASSERT(http_fields_parse(fields, &count, rest, &length) == HTTP_OK);
		ASSERT(length == rest.length);
	} else {
		ASSERT(rest.length == (head.framing == HTTP_LENGTH ? head.content_length : 0));
	}
}

/* --- handlers --- */

static void echo(struct http_request *r, void *unused)
{
	static uint8_t room[4096];
	struct view body = view_of(NULL, 0), trailer;
	enum status status = http_read_all(r, room, sizeof(room), &body);

	if (status == OK && http_trailer(r, "x-late", &trailer))
		http_add(r, "X-Late", trailer);
	http_reply(r, status == OK ? 200 : 400, "text/plain", body);
}

static void stream(struct http_request *r, void *unused)
{
	struct view value;
	char text[64];

	http_begin(r, 200, NULL);
	if (http_query(r, "q", text, sizeof(text), &value) == OK)
		http_event(r, "e", value);
	http_add_trailer(r, "X-End", view_text("1"));
}

static void chat(struct http_request *r, void *unused)
{
	uint8_t room[300];
	struct websocket_message m;
	struct websocket w;

	if (websocket_open(&w, r, room, sizeof(room)) != OK)
		return;
	while (websocket_receive(&w, &m, in_seconds(1)) == OK)
		websocket_send(&w, m.is_text, m.bytes);
	websocket_close(&w, 1001);
}

static void forward(struct http_request *r, void *unused)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct http_client *client = http_client_open(NULL, &(struct http_client_options){ 0 });
	struct http_call *call;
	struct tcp server;
	bool is_of_request = false;
	enum status status;

	tcp_begin(&server, view_of(reply, sizeof(reply) - 1), 7);
	to_connect = &server;
	status = http_call_open(
		client, http_method_name(r), http_target_text(r), http_host_of(r), &call);
	if (status == OK)
		status = http_forward_request(r, call, &is_of_request);
	if (status == OK) {
		check_is_one_request(view_of(server.out, server.out_used));
		status = http_call_receive(call);
	}
	if (status == OK)
		http_forward_response(call, r);
	else
		http_reply_text(r, is_of_request ? 400 : 502, "no\n");
	http_call_close(call);
	http_client_close(client);
	tcp_end(&server);
}

/* --- the server --- */

static struct http_request request;

/* Serves what is queued, as a worker does. */
static void work(struct http_server *server)
{
	struct http_connection *c = server->queue;

	if (c == NULL)
		return;
	server->queue = NULL;
	server->queue_end = &server->queue;
	c->state = CONNECTION_SERVED;
	while (exchange_serve(&request, c) && connection_park(c))
		c->state = CONNECTION_SERVED;
}

/* Without what says when, and without 100, whose need depends on what is here already. */
static size_t drop_times(uint8_t *out, size_t length)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	size_t used = 0, n = sizeof(interim) - 1;

	for (size_t i = 0; i < length;) {
		if (length - i >= n && memcmp(out + i, interim, n) == 0) {
			i += n;
			continue;
		}
		if (length - i > 35 && memcmp(out + i, "Date: ", 6) == 0)
			memset(out + i, '#', 35);
		out[used++] = out[i++];
	}
	return used;
}

static void serve(struct view in, size_t step, struct tcp *tcp)
{
	static const struct http_route routes[] = {
		{ POST, "/e", echo, NULL },
		{ GET, "/s", stream, NULL },
		{ GET, "/w", chat, NULL },
		{ GET, "/p/*", forward, NULL },
		{ POST, "/p/*", forward, NULL },
		{ PUT, "/p/*", forward, NULL },
	};
	struct http_server server = { .options = { .routes = routes,
					      .route_count = ARRAY_LEN(routes),
					      .head_bytes = 1024,
					      .body_bytes = 4000,
					      .handlers = 1,
					      .head_ms = 1000,
					      .body_ms = 1000,
					      .idle_ms = 1000,
					      .write_ms = 1000 },
		.handle = routing_handle,
		.worker_count = 1,
		.date_second = -1 };

	server.queue_end = &server.queue;
	request.server = &server;
	tcp_begin(tcp, in, step);
	connection_accept(&server, tcp);
	work(&server);
	while (!tcp->is_closed && arrive(tcp)) {
		tcp->changed(tcp, tcp->argument);
		work(&server);
	}
	connection_close_parked(&server);
	ASSERT(tcp->is_closed && server.connection_count == 0 && server.queue == NULL);
	tcp->out_used = drop_times(tcp->out, tcp->out_used);
}

static void fuzz_server(struct view in, size_t step)
{
	struct tcp whole, cut;

	serve(in, in.length + 1, &whole);
	serve(in, step, &cut);
	ASSERT(whole.out_used == cut.out_used && memcmp(whole.out, cut.out, cut.out_used) == 0);
	tcp_end(&whole);
	tcp_end(&cut);
}

/* --- the client --- */

struct heard {
	enum status status, read; /* of the head; of the body */
	unsigned code;
	struct view body;
	uint8_t room[1 << 16];
};

static struct http_call *call_on(struct http_client *client, struct tcp *tcp)
{
	struct http_call *call;

	to_connect = tcp;
	ASSERT(http_call_open(client, view_text("GET"), view_text("/"), view_of(NULL, 0), &call) ==
		OK);
	ASSERT(http_call_send(call, view_of(NULL, 0)) == OK);
	return call;
}

static void hear(struct heard *h, struct view in, size_t step)
{
	struct http_client *client = http_client_open(NULL, &(struct http_client_options){ 0 });
	struct http_call *call;
	struct tcp tcp;

	tcp_begin(&tcp, in, step);
	call = call_on(client, &tcp);
	h->body = view_of(NULL, 0);
	h->read = OK;
	h->code = 0;
	h->status = http_call_receive(call);
	if (h->status == OK) {
		h->code = http_call_status(call);
		h->read = http_call_read_all(call, h->room, sizeof(h->room), &h->body);
	}
	http_call_close(call);
	http_client_close(client);
	tcp_end(&tcp);
}

static bool same(const struct heard *a, const struct heard *b)
{
	return a->status == b->status && a->read == b->read && a->code == b->code &&
	       view_equal(a->body, b->body);
}

/* The response as the reply to a request; what was sent is in `to`. */
static enum status forward_to(struct tcp *to, struct view in, size_t step, bool *is_replied)
{
	static const char asked[] = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n";
	static struct http_server server = { .options = { .write_ms = 1000 }, .date_second = -1 };
	struct http_connection connection = { .tcp = to, .server = &server };
	struct http_client *client = http_client_open(NULL, &(struct http_client_options){ 0 });
	struct http_call *call;
	enum status status;
	struct tcp from;

	tcp_begin(to, view_of(NULL, 0), 1);
	tcp_begin(&from, in, step);
	memset(&request, 0, offsetof(struct http_request, fields));
	request.server = &server;
	request.connection = &connection;
	request.options = &server.options;
	request.body.status = CLOSED;
	ASSERT(http_request_parse(&request.head, view_text(asked)) == HTTP_OK);
	call = call_on(client, &from);
	status = http_call_receive(call);
	if (status == OK)
		status = http_forward_response(call, &request);
	*is_replied = request.reply != REPLY_NONE && !request.is_cut;
	http_call_close(call);
	http_client_close(client);
	tcp_end(&from);
	return status;
}

static void fuzz_client(struct view in, size_t step)
{
	static struct heard whole, cut, again;
	bool is_replied;
	enum status status;
	struct tcp to;

	hear(&whole, in, in.length + 1);
	hear(&cut, in, step);
	ASSERT(same(&whole, &cut));
	status = forward_to(&to, in, step, &is_replied);
	ASSERT(is_replied == (status == OK));
	if (whole.status != OK || (whole.read != OK && whole.read != TOO_LONG))
		ASSERT(status != OK);
	if (status == OK && whole.read == OK) {
		hear(&again, view_of(to.out, to.out_used), step);
		ASSERT(same(&whole, &again));
	}
	tcp_end(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view stream;
	size_t step;

	if (size < 2 || size > 60000)
		return 0;
	step = (size_t)data[1] % 64 + 1;
	stream = view_of(data + 2, size - 2);
	if (data[0] & 1)
		fuzz_server(stream, step);
	else
		fuzz_client(stream, step);
	return 0;
}
