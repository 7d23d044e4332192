/*
 * The request's body, as the handler asks for it (lib/http/body.h), and 100-continue before it.
 */
#include <string.h>

#include "lib/http/inner.h"

static const char continue_reply[] = "HTTP/1.1 100 Continue\r\n\r\n";

void upload_start(struct http_request *r)
{
	r->body.began = r->began;
	r->body.step_ms = r->options->body_ms;
	r->body.most = r->options->body_bytes;
	r->body.trailer_most = r->options->head_bytes;
	r->body.room = r->path_copy + r->path.length;
	r->body.capacity = sizeof(r->path_copy) - r->path.length;
	body_start(&r->body, r->connection->tcp, &r->head);
	r->must_continue = r->head.expects_continue;
}

/* RFC 9110 10.1.1: unless a part of the body is here already. */
enum status upload_invite(struct http_request *r)
{
	bool is_owed = r->must_continue;

	r->must_continue = false;
	if (!is_owed || r->reply != REPLY_NONE || tcp_readable(r->connection->tcp) > 0)
		return OK;
	return tcp_write(
		r->connection->tcp, view_text(continue_reply), in_ms(r->options->write_ms));
}

enum status http_read(struct http_request *r, struct view *bytes)
{
	enum status status = r->body.status == OK ? upload_invite(r) : OK;

	*bytes = view_of(NULL, 0);
	if (status != OK)
		r->body.status = status;
	else
		status = body_read(&r->body, bytes);
	/* What can't be read on leaves the stream in the middle of a message. */
	if (status != OK && status != CLOSED)
		r->closes = true;
	return status;
}

enum status http_read_all(struct http_request *r, void *out, size_t capacity, struct view *body)
{
	size_t used = 0;
	struct view part;
	enum status status;

	*body = view_of(NULL, 0);
	while ((status = http_read(r, &part)) == OK) {
		if (part.length > capacity - used)
			return TOO_LONG;
		memcpy((uint8_t *)out + used, part.data, part.length);
		used += part.length;
	}
	*body = view_of(out, used);
	return status == CLOSED ? OK : status;
}

bool http_trailer(const struct http_request *r, const char *name, struct view *value)
{
	return r->body.status == CLOSED && body_trailer(&r->body, name, value);
}

bool upload_drain(struct http_request *r)
{
	uint64_t most = r->body.read + HTTP_DRAIN_MAX;
	duration allowed = MILLISECONDS(HTTP_DRAIN_MS);
	struct view unused;
	enum status status;

	/* A client that waits for 100 may send the body or not: nobody knows what comes next. */
	if (r->body.status == OK && r->must_continue)
		return false;
	/* The reply is sent: who is slow now would hold a fiber for nothing. */
	if (r->body.step_ms > HTTP_DRAIN_MS) {
		r->body.step_ms = HTTP_DRAIN_MS;
		r->body.began = time_now() - allowed * (duration)(r->body.read / HTTP_BODY_STEP);
	}
	while ((status = http_read(r, &unused)) == OK)
		if (r->body.read > most)
			return false;
	return status == CLOSED;
}
