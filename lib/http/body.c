/*
 * The request's body, read from the stream as the handler asks for it.
 *
 *     tcp_peek --> view --> (chunks taken off) --> the handler's view; consumed at its next call
 */
#include <string.h>

#include "lib/http/inner.h"

static const char continue_reply[] = "HTTP/1.1 100 Continue\r\n\r\n";

void body_start(struct http_request *r)
{
	r->body_status = r->head.framing == HTTP_NO_BODY ? CLOSED : OK;
	r->body_left = r->head.content_length;
	r->must_continue = r->head.expects_continue;
}

/* What can't be read on leaves the stream in the middle of a message. */
static enum status fail(struct http_request *r, enum status status)
{
	r->closes = true;
	r->body_status = status;
	return status;
}

static instant deadline_of(const struct http_request *r)
{
	uint64_t steps = r->body_read / HTTP_BODY_STEP + 1;

	return instant_after(r->began, MILLISECONDS(r->options->body_ms) * (duration)steps);
}

static enum status peek(struct http_request *r, size_t least, struct view *bytes)
{
	enum status status = tcp_peek(r->connection->tcp, least, bytes, deadline_of(r));

	return status == OK ? OK : fail(r, status == CLOSED ? MALFORMED : status);
}

static void consume_shown(struct http_request *r)
{
	tcp_consume(r->connection->tcp, r->body_shown);
	r->body_shown = 0;
}

static enum status read_length(struct http_request *r, struct view *bytes)
{
	enum status status;

	if (r->body_left == 0)
		return r->body_status = CLOSED;
	status = peek(r, 1, bytes);
	if (status != OK)
		return status;
	if (bytes->length > r->body_left)
		bytes->length = (size_t)r->body_left;
	r->body_left -= bytes->length;
	r->body_shown = bytes->length;
	return OK;
}

/* The trailers are checked and dropped, up to their empty line. */
static enum status read_trailers(struct http_request *r)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	struct view bytes;
	size_t length, least = 2, seen = 0;
	unsigned count;

	for (;;) {
		enum status status = peek(r, least, &bytes);

		if (status != OK)
			return status;
		if (bytes.data[0] == '\r' && bytes.data[1] == '\n') {
			tcp_consume(r->connection->tcp, 2);
			return r->body_status = CLOSED;
		}
		if (http_head_is_complete(bytes, &seen))
			break;
		least = bytes.length + 1;
		if (least > r->options->head_bytes)
			return fail(r, TOO_LONG);
	}
	if (http_fields_parse(fields, &count, bytes, &length) != HTTP_OK)
		return fail(r, MALFORMED);
	tcp_consume(r->connection->tcp, length);
	return r->body_status = CLOSED;
}

static enum status read_chunks(struct http_request *r, struct view *bytes)
{
	for (;;) {
		struct view shown, rest;
		enum http_chunk_event event;
		enum status status = peek(r, 1, &shown);

		if (status != OK)
			return status;
		rest = shown;
		event = http_chunk_next(&r->chunks, &rest, bytes);
		switch (event) {
		case HTTP_CHUNK_DATA:
			r->body_shown = shown.length - rest.length;
			return OK;
		case HTTP_CHUNK_MORE:
			tcp_consume(r->connection->tcp, shown.length);
			break;
		case HTTP_CHUNK_TRAILERS:
			tcp_consume(r->connection->tcp, shown.length - rest.length);
			return read_trailers(r);
		case HTTP_CHUNK_FAULT:
			return fail(r, MALFORMED);
		}
	}
}

/* RFC 9110 10.1.1: unless a part of the body is here already. */
static enum status keep_promise(struct http_request *r)
{
	enum status status = OK;

	if (r->must_continue && r->reply == REPLY_NONE && tcp_readable(r->connection->tcp) == 0)
		status = tcp_write(r->connection->tcp, view_text(continue_reply), deadline_of(r));
	r->must_continue = false;
	return status == OK ? OK : fail(r, status);
}

enum status http_read(struct http_request *r, struct view *bytes)
{
	enum status status;

	*bytes = view_of(NULL, 0);
	if (r->body_status != OK)
		return r->body_status;
	consume_shown(r);
	status = keep_promise(r);
	if (status != OK)
		return status;
	status = r->head.framing == HTTP_CHUNKED ? read_chunks(r, bytes) : read_length(r, bytes);
	if (status != OK)
		return status;
	r->body_read += bytes->length;
	return r->body_read > r->options->body_bytes ? fail(r, TOO_LONG) : OK;
}

enum status http_read_all(struct http_request *r, void *out, size_t capacity, struct view *body)
{
	size_t used = 0;
	struct view part;
	enum status status;

	while ((status = http_read(r, &part)) == OK) {
		if (part.length > capacity - used)
			return TOO_LONG;
		memcpy((uint8_t *)out + used, part.data, part.length);
		used += part.length;
	}
	*body = view_of(out, used);
	return status == CLOSED ? OK : status;
}

bool body_drain(struct http_request *r)
{
	uint64_t most = r->body_read + HTTP_DRAIN_MAX;
	struct view unused;
	enum status status;

	/* A client that waits for 100 may send the body or not: nobody knows what comes next. */
	if (r->body_status == OK && r->must_continue)
		return false;
	while ((status = http_read(r, &unused)) == OK)
		if (r->body_read > most)
			return false;
	return status == CLOSED;
}
