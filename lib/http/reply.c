/*
 * Replies. The head is put together in one buffer and leaves with the first bytes of the body, in one
 * write.
 */
#include <string.h>

#include "diatom/assert.h"
#include "base/format.h"
#include "lib/http/inner.h"
#include "wire/http_text.h"

#define HAS_NO_LENGTH UINT64_MAX

static void emit_text(struct emitter *e, const char *text)
{
	emit_bytes(e, view_text(text));
}

static void emit_number(struct emitter *e, uint64_t number)
{
	uint8_t digits[20];
	unsigned n = sizeof(digits);

	do {
		digits[--n] = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	emit_bytes(e, view_of(digits + n, sizeof(digits) - n));
}

static void emit_date(struct emitter *e, struct http_server *server)
{
	int64_t second = time_wall_ns() / SECONDS(1);

	if (second != server->date_second) {
		server->date_second = second;
		http_date_write(server->date, second);
	}
	emit_text(e, "Date: ");
	emit_bytes(e, view_of(server->date, HTTP_DATE_BYTES));
	emit_text(e, "\r\n");
}

/* RFC 9110 8.6, 6.4.1: statuses whose replies have no body, and no length either. */
static bool is_bodiless(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

static void emit_framing(struct emitter *e, struct http_request *r, uint64_t length)
{
	if (is_bodiless(r->status))
		return;
	if (length != HAS_NO_LENGTH) {
		emit_text(e, "Content-Length: ");
		emit_number(e, length);
		emit_text(e, "\r\n");
	} else if (r->head.minor > 0) {
		r->is_chunked = true;
		emit_text(e, "Transfer-Encoding: chunked\r\n");
	} else {
		r->closes = true; /* the body ends with the connection */
	}
}

static void emit_connection(struct emitter *e, const struct http_request *r)
{
	if (r->closes)
		emit_text(e, "Connection: close\r\n");
	else if (r->head.minor == 0)
		emit_text(e, "Connection: keep-alive\r\n");
}

static size_t make_head(struct http_request *r, uint8_t *out, const char *type, uint64_t length)
{
	struct emitter e = emitter_on(out, HTTP_REPLY_BYTES);

	emit_text(&e, "HTTP/1.1 ");
	emit_number(&e, r->status);
	emit_text(&e, " ");
	emit_text(&e, http_status_text(r->status));
	emit_text(&e, "\r\n");
	emit_date(&e, r->connection->server);
	if (type != NULL) {
		emit_text(&e, "Content-Type: ");
		emit_text(&e, type);
		emit_text(&e, "\r\n");
	}
	emit_framing(&e, r, length);
	emit_bytes(&e, view_of(r->fields, r->added));
	emit_connection(&e, r);
	emit_text(&e, "\r\n");
	ASSERT(!e.is_short);
	return emitter_length(&e);
}

static enum status note_write(struct http_request *r, enum status status)
{
	if (status != OK) {
		r->write_status = status;
		r->closes = true;
	}
	return status;
}

static instant write_deadline(const struct http_request *r)
{
	return in_ms(r->options->write_ms);
}

/* Long replies step by step: each has its time, so that a slow reader can't hold a fiber for ever. */
static enum status write_long(struct http_request *r, struct view body, bool is_kept)
{
	for (size_t at = 0; at < body.length; at += HTTP_WRITE_STEP) {
		struct tcp_piece piece = { .bytes = view_part(body, at, HTTP_WRITE_STEP),
			.is_kept = is_kept };
		enum status status = tcp_writev(r->connection->tcp, &piece, 1, write_deadline(r));

		if (status != OK)
			return note_write(r, status);
	}
	return OK;
}

static enum status begin(struct http_request *r, unsigned status)
{
	ASSERT(status >= 200 && status <= 599);
	if (r->reply != REPLY_NONE)
		return IN_USE;
	r->reply = REPLY_BEGUN;
	r->status = status;
	/* A body that nobody will read to its end closes the connection; say so now. */
	if (r->body_status == OK && (r->must_continue || r->body_left > HTTP_DRAIN_MAX))
		r->closes = true;
	return OK;
}

static enum status reply(
	struct http_request *r, unsigned status, const char *type, struct view body, bool is_kept)
{
	uint8_t head[HTTP_REPLY_BYTES];
	bool has_body = r->head.method != HEAD && !is_bodiless(status) && body.length > 0;
	struct tcp_piece pieces[2];
	struct view first = view_part(body, 0, HTTP_WRITE_STEP);
	enum status result = begin(r, status);

	if (result != OK)
		return result;
	r->reply = REPLY_DONE;
	pieces[0] =
		(struct tcp_piece){ .bytes = view_of(head, make_head(r, head, type, body.length)) };
	pieces[1] = (struct tcp_piece){ .bytes = first, .is_kept = is_kept };
	r->reply_bytes = has_body ? body.length : 0;
	result = tcp_writev(r->connection->tcp, pieces, has_body ? 2 : 1, write_deadline(r));
	if (result != OK)
		return note_write(r, result);
	return has_body ? write_long(r, view_part(body, first.length, body.length), is_kept) : OK;
}

enum status http_reply(struct http_request *r, unsigned status, const char *type, struct view body)
{
	return reply(r, status, type, body, false);
}

enum status http_reply_kept(
	struct http_request *r, unsigned status, const char *type, struct view body)
{
	return reply(r, status, type, body, true);
}

enum status http_reply_text(struct http_request *r, unsigned status, const char *text)
{
	return reply(r, status, "text/plain; charset=utf-8", view_text(text), false);
}

enum status http_redirect(struct http_request *r, unsigned status, const char *location)
{
	enum status result = http_add(r, "Location", view_text(location));

	return result == OK ? reply(r, status, NULL, view_of(NULL, 0), false) : result;
}

enum status http_add(struct http_request *r, const char *name, struct view value)
{
	struct emitter e = emitter_on((uint8_t *)r->fields + r->added, HTTP_ADDED_BYTES - r->added);

	ASSERT(name[0] != '\0' && http_all(&http_token, view_text(name)));
	ASSERT(http_all(&http_value, value));
	if (r->reply != REPLY_NONE)
		return IN_USE;
	emit_text(&e, name);
	emit_text(&e, ": ");
	emit_bytes(&e, value);
	emit_text(&e, "\r\n");
	if (e.is_short)
		return FULL;
	r->added += emitter_length(&e);
	return OK;
}

enum status http_begin(struct http_request *r, unsigned status, const char *type)
{
	uint8_t head[HTTP_REPLY_BYTES];
	enum status result = begin(r, status);

	if (result != OK)
		return result;
	result = tcp_write(r->connection->tcp,
		view_of(head, make_head(r, head, type, HAS_NO_LENGTH)), write_deadline(r));
	return note_write(r, result);
}

static enum status write_chunk(struct http_request *r, struct view bytes)
{
	uint8_t head[HTTP_CHUNK_HEAD_BYTES];
	struct tcp_piece pieces[] = {
		{ .bytes = view_of(head, http_chunk_head(head, bytes.length)) },
		{ .bytes = bytes },
		{ .bytes = view_text("\r\n") },
	};

	return tcp_writev(r->connection->tcp, pieces, ARRAY_LEN(pieces), write_deadline(r));
}

enum status http_write(struct http_request *r, struct view bytes)
{
	if (r->reply != REPLY_BEGUN)
		return INVALID_VALUE;
	if (r->write_status != OK)
		return r->write_status;
	if (r->head.method == HEAD || is_bodiless(r->status))
		return OK;
	for (size_t at = 0; at < bytes.length; at += HTTP_WRITE_STEP) {
		struct view part = view_part(bytes, at, HTTP_WRITE_STEP);
		enum status status =
			r->is_chunked ? write_chunk(r, part)
				      : tcp_write(r->connection->tcp, part, write_deadline(r));

		if (status != OK)
			return note_write(r, status);
		r->reply_bytes += part.length;
	}
	return OK;
}

enum status http_write_text(struct http_request *r, const char *text)
{
	return http_write(r, view_text(text));
}

enum status http_end(struct http_request *r)
{
	enum status status = r->write_status;

	if (r->reply != REPLY_BEGUN)
		return INVALID_VALUE;
	r->reply = REPLY_DONE;
	if (status == OK && r->is_chunked && r->head.method != HEAD)
		status = tcp_write(r->connection->tcp, view_text("0\r\n\r\n"), write_deadline(r));
	return note_write(r, status);
}

/* HTML Living Standard 9.2.5: lines "event: NAME", "data: LINE", and an empty one. */
enum status http_event(struct http_request *r, const char *event, struct view data)
{
	enum status status = OK;

	if (event != NULL) {
		status = http_write_text(r, "event: ");
		status = status == OK ? http_write_text(r, event) : status;
		status = status == OK ? http_write_text(r, "\n") : status;
	}
	while (status == OK) {
		const uint8_t *feed = data.length > 0 ? memchr(data.data, '\n', data.length) : NULL;
		size_t end = feed != NULL ? (size_t)(feed - data.data) : data.length;

		status = http_write_text(r, "data: ");
		status = status == OK ? http_write(r, view_part(data, 0, end)) : status;
		status = status == OK ? http_write_text(r, "\n") : status;
		if (feed == NULL)
			break;
		data = view_part(data, end + 1, data.length);
	}
	return status == OK ? http_write_text(r, "\n") : status;
}

bool http_is_replied(const struct http_request *r)
{
	return r->reply != REPLY_NONE;
}

void reply_fault(struct http_request *r, unsigned status, const char *why)
{
	char text[128];

	r->closes = true;
	r->added = 0;
	format_text(text, sizeof(text), "%u %s: %s\n", status, http_status_text(status), why);
	http_reply_text(r, status, text);
}

void reply_finish(struct http_request *r)
{
	if (r->reply == REPLY_BEGUN)
		http_end(r);
}
