/*
 * One exchange: head, handler, reply, and what is left of the request's body.
 */
#include <string.h>

#include "diatom/counter.h"
#include "lib/http/inner.h"
#include "wire/http_url.h"

COUNTER(http_requests, "http.requests", "requests answered");
COUNTER(http_malformed, "http.malformed", "requests refused: malformed, or beyond limits");
COUNTER(http_unanswered, "http.unanswered", "handlers that returned without a reply");

/* All but the buffers and the head, which are filled when they are needed. */
static void start(struct http_request *r, struct http_connection *c)
{
	memset((uint8_t *)r + offsetof(struct http_request, path), 0,
		offsetof(struct http_request, fields) - offsetof(struct http_request, path));
	r->connection = c;
	r->options = &c->server->options;
	r->began = time_now();
	r->head.length = 0;
	r->head.framing = HTTP_NO_BODY;
}

/* Shows the whole head, which was seen to be complete or to fill its limit. */
static enum status show_head(struct http_request *r, struct view *bytes)
{
	struct tcp *tcp = r->connection->tcp;
	size_t have = tcp_readable(tcp), most = r->options->head_bytes;
	enum status status = tcp_peek(tcp, have < most ? have : most, bytes, AT_ONCE);

	if (status == OK && bytes->length > most)
		bytes->length = most;
	return status;
}

enum http_fault exchange_keep_head(struct http_request *r)
{
	const uint8_t *start = r->head.method_text.data;
	size_t length = r->head.length - r->head_offset;
	enum http_fault fault;

	/* Where the head's views point: behind empty lines. */
	memcpy(r->head_copy, start, length);
	tcp_consume(r->connection->tcp, r->head.length);
	fault = http_request_parse(&r->head, view_of(r->head_copy, length));
	r->is_head_kept = true;
	return fault;
}

/* A head whose body follows is read again from a copy: reading the body ends the view. */
static enum http_fault take_head(struct http_request *r, struct view bytes)
{
	enum http_fault fault = http_request_parse(&r->head, bytes);

	if (fault != HTTP_OK)
		return fault;
	r->head_offset = (size_t)(r->head.method_text.data - bytes.data);
	return r->head.framing == HTTP_NO_BODY ? HTTP_OK : exchange_keep_head(r);
}

static bool take_path(struct http_request *r)
{
	size_t length;

	r->path = r->head.path;
	if (r->head.method == CONNECT || r->path.data[0] != '/')
		return true;
	if (!http_path_normalise(r->head.path, r->path_copy, &length))
		return false;
	r->path = view_of(r->path_copy, length);
	return true;
}

static void answer(struct http_request *r)
{
	bool is_path_good = true;

	r->closes = !r->head.keeps_alive || r->connection->server->is_finishing;
	if (!take_path(r)) {
		r->path = view_of(NULL, 0);
		is_path_good = false;
	}
	upload_start(r);
	if (!is_path_good)
		reply_fault(r, 400, "malformed path");
	else if (r->head.method == CONNECT)
		reply_fault(r, 501, "no tunnels here");
	else if (r->head.framing == HTTP_LENGTH && r->head.content_length > r->options->body_bytes)
		reply_fault(r, 413, "the body is too large");
	else
		r->server->handle(r);
	if (r->reply == REPLY_NONE) {
		count(&http_unanswered);
		reply_fault(r, 500, "internal error");
	}
	reply_finish(r);
	count(&http_requests);
	if (r->server->log != NULL)
		r->server->log(r);
}

static void refuse(struct http_request *r, unsigned status, const char *why)
{
	count(&http_malformed);
	r->head.method = GET;
	r->head.minor = 1;
	r->body.status = CLOSED;
	reply_fault(r, status, why);
	reply_finish(r);
}

/* RFC 9112 3: a target that nobody wants to read has a status of its own. */
static void refuse_large(struct http_request *r, struct view bytes)
{
	bool is_line_whole = memchr(bytes.data, '\n', bytes.length) != NULL;

	refuse(r, is_line_whole ? 431 : 414, "the head is too large");
}

bool exchange_serve(struct http_request *r, struct http_connection *c)
{
	enum http_fault fault;
	struct view bytes;

	start(r, c);
	if (show_head(r, &bytes) != OK) {
		connection_close(c);
		return false;
	}
	if (!c->has_head) {
		refuse_large(r, bytes);
	} else {
		fault = take_head(r, bytes);
		if (fault != HTTP_OK)
			refuse(r, http_fault_status(fault), http_fault_text(fault));
		else
			answer(r);
	}
	/* Else it was left in the stack's buffers. */
	if (!r->is_head_kept)
		tcp_consume(c->tcp, r->head.length);
	if (!r->closes && r->write_status == OK && upload_drain(r))
		return true;
	c->is_cut = r->is_cut;
	if (r->write_status == OK && !r->is_cut)
		connection_linger(c);
	else
		connection_close(c);
	return false;
}
