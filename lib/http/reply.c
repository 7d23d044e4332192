/*
 * Replies. The head is put together in one buffer and leaves with the first bytes of the body, in one
 * write.
 */
#include <string.h>

#include "diatom/assert.h"
#include "base/format.h"
#include "lib/http/inner.h"
#include "wire/http_text.h"

/* Those that follow are called, not inlined: a head is a dozen of them. */
__attribute__((noinline)) static void emit_text(struct emitter *e, const char *text)
{
	emit_bytes(e, view_text(text));
}

__attribute__((noinline)) static void emit_number(struct emitter *e, uint64_t number)
{
	uint8_t digits[20];
	unsigned n = sizeof(digits);

	do {
		digits[--n] = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	emit_bytes(e, view_of(digits + n, sizeof(digits) - n));
}

__attribute__((noinline)) static void emit_field(
	struct emitter *e, const char *name, struct view value)
{
	emit_text(e, name);
	emit_text(e, ": ");
	emit_bytes(e, value);
	emit_text(e, "\r\n");
}

struct view server_date(struct http_server *server)
{
	int64_t second = time_wall_ns() / SECONDS(1);

	if (second != server->date_second) {
		server->date_second = second;
		http_date_write(server->date, second);
	}
	return view_of(server->date, HTTP_DATE_BYTES);
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

static struct view make_head(struct http_request *r, const char *type, uint64_t length)
{
	struct emitter e = emitter_on(r->reply_head, HTTP_REPLY_BYTES);

	emit_text(&e, "HTTP/1.1 ");
	emit_number(&e, r->status);
	emit_text(&e, " ");
	emit_text(&e, http_status_text(r->status));
	emit_text(&e, "\r\n");
	if (!r->has_date)
		emit_field(&e, "Date", server_date(r->server));
	if (type != NULL)
		emit_field(&e, "Content-Type", view_text(type));
	emit_framing(&e, r, length);
	emit_bytes(&e, view_of(r->fields, r->added));
	emit_connection(&e, r);
	emit_text(&e, "\r\n");
	ASSERT(!e.is_short);
	r->added = 0;
	r->promised = length;
	return view_of(e.start, emitter_length(&e));
}

static enum status note_write(struct http_request *r, enum status status)
{
	if (status != OK) {
		r->write_status = status;
		r->closes = true;
	}
	return status;
}

instant reply_write_deadline(struct http_request *r)
{
	uint64_t step = r->written / HTTP_WRITE_STEP + 1;

	if (step != r->write_step) {
		r->write_step = step;
		r->write_left = MILLISECONDS(r->options->write_ms);
	}
	return in_ns(r->write_left);
}

enum status reply_note_written(
	struct http_request *r, instant start, uint64_t bytes, enum status status)
{
	r->write_left -= time_now() - start;
	r->written += bytes;
	return note_write(r, status);
}

enum status reply_writev(struct http_request *r, const struct tcp_piece *pieces, unsigned count)
{
	instant start = time_now(), deadline = reply_write_deadline(r);
	uint64_t bytes = 0;

	for (unsigned i = 0; i < count; i++)
		bytes += pieces[i].bytes.length;
	return reply_note_written(
		r, start, bytes, tcp_writev(r->connection->tcp, pieces, count, deadline));
}

static enum status write_one(struct http_request *r, struct view bytes, bool is_kept)
{
	struct tcp_piece piece = { .bytes = bytes, .is_kept = is_kept };

	return reply_writev(r, &piece, 1);
}

/* Long replies step by step: each has its time, so that a slow reader can't hold a fiber for ever. */
static enum status write_long(struct http_request *r, struct view body, bool is_kept)
{
	for (size_t at = 0; at < body.length; at += HTTP_WRITE_STEP) {
		enum status status = write_one(r, view_part(body, at, HTTP_WRITE_STEP), is_kept);

		if (status != OK)
			return status;
	}
	return OK;
}

static enum status begin(struct http_request *r, unsigned status, const char *type)
{
	ASSERT(status >= 200 && status <= 599);
	if (r->reply != REPLY_NONE)
		return IN_USE;
	if (type != NULL &&
		(strlen(type) > HTTP_TYPE_BYTES || !http_all(&http_value, view_text(type))))
		return INVALID_VALUE;
	r->reply = REPLY_BEGUN;
	r->status = status;
	/* A body that nobody will read to its end closes the connection; say so now. */
	if (r->body.status == OK && (r->must_continue || r->body.left > HTTP_DRAIN_MAX))
		r->closes = true;
	return OK;
}

/*
 * The whole reply is queued, and nothing follows it on this connection: its end leaves with our FIN, in one
 * segment. Held back until then by the cork is less than a segment.
 */
static enum status write_last(struct http_request *r, struct tcp_piece *pieces, unsigned count,
	struct view rest, bool is_kept)
{
	enum status status;

	tcp_set(r->connection->tcp, TCP_CORK, 1);
	status = reply_writev(r, pieces, count);
	if (status == OK)
		status = write_long(r, rest, is_kept);
	if (status == OK)
		tcp_shutdown(r->connection->tcp);
	return status;
}

static enum status reply(
	struct http_request *r, unsigned status, const char *type, struct view body, bool is_kept)
{
	bool has_body = r->head.method != HEAD && !is_bodiless(status) && body.length > 0;
	struct tcp_piece pieces[2];
	struct view first = view_part(body, 0, HTTP_WRITE_STEP),
		    rest = view_part(body, first.length, has_body ? body.length : 0);
	enum status result = begin(r, status, type);

	if (result != OK)
		return result;
	r->reply = REPLY_DONE;
	pieces[0] = (struct tcp_piece){ .bytes = make_head(r, type, body.length) };
	pieces[1] = (struct tcp_piece){ .bytes = first, .is_kept = is_kept };
	r->reply_bytes = has_body ? body.length : 0;
	if (r->closes)
		return write_last(r, pieces, has_body ? 2 : 1, rest, is_kept);
	result = reply_writev(r, pieces, has_body ? 2 : 1);
	return result == OK ? write_long(r, rest, is_kept) : result;
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

static enum status add(struct http_request *r, const char *name, struct view value)
{
	struct emitter e = emitter_on((uint8_t *)r->fields + r->added, HTTP_ADDED_BYTES - r->added);

	ASSERT(name[0] != '\0' && http_all(&http_token, view_text(name)));
	if (!http_all(&http_value, value))
		return INVALID_VALUE;
	emit_field(&e, name, value);
	if (e.is_short)
		return FULL;
	r->added += emitter_length(&e);
	return OK;
}

enum status http_add(struct http_request *r, const char *name, struct view value)
{
	if (r->reply != REPLY_NONE)
		return IN_USE;
	r->has_date |= http_text_is(view_text(name), "date");
	return add(r, name, value);
}

/* RFC 9110 6.5.1: only for who says that it wants trailers. */
enum status http_add_trailer(struct http_request *r, const char *name, struct view value)
{
	struct view wanted;

	if (r->reply != REPLY_BEGUN)
		return IN_USE;
	if (!r->is_chunked || !http_field(r, "te", &wanted) || !http_list_has(wanted, "trailers"))
		return UNSUPPORTED;
	return add(r, name, value);
}

enum status http_begin_sized(
	struct http_request *r, unsigned status, const char *type, uint64_t length)
{
	enum status result = begin(r, status, type);

	return result == OK ? write_one(r, make_head(r, type, length), false) : result;
}

enum status http_begin(struct http_request *r, unsigned status, const char *type)
{
	return http_begin_sized(r, status, type, HAS_NO_LENGTH);
}

static enum status write_chunk(struct http_request *r, struct view bytes)
{
	uint8_t head[HTTP_CHUNK_HEAD_BYTES];
	struct tcp_piece pieces[] = {
		{ .bytes = view_of(head, http_chunk_head(head, bytes.length)) },
		{ .bytes = bytes },
		{ .bytes = view_text("\r\n") },
	};

	return reply_writev(r, pieces, ARRAY_LEN(pieces));
}

enum status http_write(struct http_request *r, struct view bytes)
{
	if (r->reply != REPLY_BEGUN)
		return INVALID_VALUE;
	if (r->write_status != OK)
		return r->write_status;
	if (r->head.method == HEAD || is_bodiless(r->status))
		return OK;
	if (bytes.length > r->promised - r->reply_bytes)
		return TOO_LONG;
	for (size_t at = 0; at < bytes.length; at += HTTP_WRITE_STEP) {
		struct view part = view_part(bytes, at, HTTP_WRITE_STEP);
		enum status status =
			r->is_chunked ? write_chunk(r, part) : write_one(r, part, false);

		if (status != OK)
			return status;
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
	struct tcp_piece pieces[] = {
		{ .bytes = view_text("0\r\n") },
		{ .bytes = view_of(r->fields, r->added) },
		{ .bytes = view_text("\r\n") },
	};

	if (r->reply != REPLY_BEGUN)
		return INVALID_VALUE;
	r->reply = REPLY_DONE;
	if (r->promised != HAS_NO_LENGTH && r->reply_bytes < r->promised &&
		r->head.method != HEAD && !is_bodiless(r->status))
		r->closes = true;
	if (r->write_status != OK || !r->is_chunked || r->head.method == HEAD)
		return r->write_status;
	return reply_writev(r, pieces, ARRAY_LEN(pieces));
}

enum status reply_switch(struct http_request *r, struct view protocol)
{
	struct tcp_piece pieces[] = {
		{ .bytes = view_text("HTTP/1.1 101 Switching Protocols\r\n"
				     "Connection: Upgrade\r\nUpgrade: ") },
		{ .bytes = protocol },
		{ .bytes = view_text("\r\n") },
		{ .bytes = view_of(r->fields, r->added) },
		{ .bytes = view_text("\r\n") },
	};

	r->reply = REPLY_DONE;
	r->status = 101;
	r->closes = true;
	return reply_writev(r, pieces, ARRAY_LEN(pieces));
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
	r->has_date = false;
	format_text(text, sizeof(text), "%u %s: %s\n", status, http_status_text(status), why);
	http_reply_text(r, status, text);
}

void reply_finish(struct http_request *r)
{
	if (r->reply == REPLY_BEGUN)
		http_end(r);
}
