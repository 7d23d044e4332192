/*
 * One call: the request's head is put together first, so that it leaves in one write and can be sent again.
 */
#include <string.h>

#include "base/format.h"
#include "diatom/memory.h"
#include "lib/http/client.h"
#include "wire/http_text.h"

#define INTERIM_MAX 16 /* responses 1xx before the one that counts */

static struct pool calls = POOL("http calls", sizeof(struct http_call), 0);

/* --- the head --- */

static enum status emit(struct http_call *call, struct view bytes)
{
	if (bytes.length > sizeof(call->request_head) - call->used)
		return FULL;
	if (bytes.length > 0)
		memcpy(call->request_head + call->used, bytes.data, bytes.length);
	call->used += bytes.length;
	return OK;
}

static enum status emit_field(struct http_call *call, struct view name, struct view value)
{
	size_t before = call->used;
	enum status status = emit(call, name);

	status = status == OK ? emit(call, view_text(": ")) : status;
	status = status == OK ? emit(call, value) : status;
	status = status == OK ? emit(call, view_text("\r\n")) : status;
	if (status != OK)
		call->used = before;
	return status;
}

enum status http_call_add(struct http_call *call, struct view name, struct view value)
{
	if (call->state != CALL_OPEN)
		return IN_USE;
	if (name.length == 0 || !http_all(&http_token, name) || !http_all(&http_value, value))
		return INVALID_VALUE;
	return emit_field(call, name, value);
}

enum status http_call_upgrade(struct http_call *call, struct view protocol)
{
	enum status status = http_call_add(call, view_text("Upgrade"), protocol);

	status = status == OK ? http_call_add(call, view_text("Connection"), view_text("Upgrade"))
			      : status;
	call->asks_upgrade |= status == OK;
	return status;
}

static enum status emit_host(struct http_call *call, struct view host)
{
	const struct http_client_options *o = &call->client->options;
	char text[ADDRESS_TEXT_BYTES + 16], address[ADDRESS_TEXT_BYTES];
	bool is_v4 = address_is_v4(&o->to.address);

	if (host.length == 0 && o->host != NULL)
		host = view_text(o->host);
	if (host.length > 0)
		return http_call_add(call, view_text("Host"), host);
	address_text(&o->to.address, address);
	format_text(text, sizeof(text), "%s%s%s:%u", is_v4 ? "" : "[", address, is_v4 ? "" : "]",
		o->to.port);
	return emit_field(call, view_text("Host"), view_text(text));
}

static enum status start(
	struct http_call *call, struct view method, struct view target, struct view host)
{
	enum status status;

	if (method.length == 0 || !http_all(&http_token, method) || target.length == 0 ||
		!http_all(&http_target, target))
		return INVALID_VALUE;
	status = emit(call, method);
	status = status == OK ? emit(call, view_text(" ")) : status;
	status = status == OK ? emit(call, target) : status;
	status = status == OK ? emit(call, view_text(" HTTP/1.1\r\n")) : status;
	status = status == OK ? emit_host(call, host) : status;
	return status == FULL ? TOO_LONG : status;
}

enum status http_call_open(struct http_client *client, struct view method, struct view target,
	struct view host, struct http_call **out)
{
	struct http_call *call = *out = pool_alloc(&calls);
	enum status status;

	if (call == NULL)
		return NO_MEMORY;
	memset(call, 0, offsetof(struct http_call, head));
	call->used = 0;
	call->head.status = 0;
	call->head.field_count = 0;
	call->client = client;
	call->method = http_method_of(method);
	status = start(call, method, target, host);
	if (status != OK) {
		pool_free(&calls, call);
		*out = NULL;
	}
	return status;
}

/* --- sending --- */

static enum status note(struct http_call *call, enum status status)
{
	call->is_broken |= status != OK;
	return status;
}

static enum status write_pieces(
	struct http_call *call, const struct tcp_piece *pieces, unsigned count)
{
	return note(
		call, tcp_writev(call->tcp, pieces, count, in_ms(call->client->options.write_ms)));
}

static enum status send_head(struct http_call *call, struct view first)
{
	struct tcp_piece pieces[] = {
		{ .bytes = view_of(call->request_head, call->used) },
		{ .bytes = first },
	};

	return write_pieces(call, pieces, first.length > 0 ? 2 : 1);
}

/* RFC 9110 8.6: a length also where there is nothing, for methods that want a body. */
static enum status emit_framing(struct http_call *call, uint64_t length)
{
	char text[24];

	call->has_body = length > 0;
	call->is_chunked = length == HTTP_CHUNKS;
	call->left = length;
	if (call->is_chunked)
		return emit(call, view_text("Transfer-Encoding: chunked\r\n\r\n"));
	if (length == 0 && call->method != POST && call->method != PUT && call->method != PATCH)
		return emit(call, view_text("\r\n"));
	format_text(text, sizeof(text), "%llu\r\n", (unsigned long long)length);
	return emit_field(call, view_text("Content-Length"), view_text(text));
}

static enum status begin(struct http_call *call, uint64_t length, struct view first)
{
	enum status status;

	if (call->state != CALL_OPEN)
		return IN_USE;
	status = emit_framing(call, length);
	if (status != OK)
		return status;
	call->state = CALL_SENDING;
	status = client_take(call, true);
	return status == OK ? send_head(call, first) : status;
}

enum status http_call_begin(struct http_call *call, uint64_t length)
{
	return begin(call, length, view_of(NULL, 0));
}

static enum status write_part(struct http_call *call, struct view part)
{
	uint8_t line[HTTP_CHUNK_HEAD_BYTES];
	struct tcp_piece pieces[] = {
		{ .bytes = view_of(line, 0) },
		{ .bytes = part },
		{ .bytes = view_text("\r\n") },
	};

	if (!call->is_chunked)
		return write_pieces(call, pieces + 1, 1);
	pieces[0].bytes.length = http_chunk_head(line, part.length);
	return write_pieces(call, pieces, ARRAY_LEN(pieces));
}

enum status http_call_write(struct http_call *call, struct view bytes)
{
	enum status status = OK;

	if (call->state != CALL_SENDING || call->tcp == NULL)
		return INVALID_VALUE;
	if (!call->is_chunked && bytes.length > call->left)
		return note(call, MALFORMED);
	for (size_t at = 0; status == OK && at < bytes.length; at += HTTP_WRITE_STEP)
		status = write_part(call, view_part(bytes, at, HTTP_WRITE_STEP));
	if (!call->is_chunked)
		call->left -= bytes.length;
	return status;
}

enum status http_call_end(struct http_call *call)
{
	struct tcp_piece last = { .bytes = view_text("0\r\n\r\n") };

	if (call->state != CALL_SENDING || call->tcp == NULL)
		return INVALID_VALUE;
	call->state = CALL_SENT;
	if (call->is_chunked)
		return write_pieces(call, &last, 1);
	return call->left == 0 ? OK : note(call, MALFORMED);
}

enum status http_call_send(struct http_call *call, struct view body)
{
	struct view first = view_part(body, 0, HTTP_WRITE_STEP);
	enum status status = begin(call, body.length, first);

	if (status != OK)
		return status;
	call->left -= first.length;
	status = http_call_write(call, view_part(body, first.length, body.length));
	return status == OK ? http_call_end(call) : status;
}

bool http_call_is_begun(const struct http_call *call)
{
	return call->tcp != NULL;
}

/* --- receiving --- */

/* Shows the stream until a head is whole. */
static enum status wait_for_head(struct http_call *call, struct view *bytes, instant deadline)
{
	size_t least = 1, seen = 0;

	for (;;) {
		enum status status = tcp_peek(call->tcp, least, bytes, deadline);

		if (status != OK)
			return status;
		/* No more than that is looked at, however much has come at once. */
		*bytes = view_part(*bytes, 0, HTTP_HEAD_BYTES);
		if (http_head_is_complete(*bytes, &seen))
			return OK;
		least = bytes->length + 1;
		if (least > HTTP_HEAD_BYTES)
			return TOO_LONG;
	}
}

static enum status take_head(struct http_call *call, instant deadline)
{
	struct view bytes;
	enum status status = wait_for_head(call, &bytes, deadline);

	if (status != OK)
		return status;
	if (http_response_parse(&call->head, bytes, call->method) != HTTP_OK)
		return MALFORMED;
	memcpy(call->head_copy, bytes.data, call->head.length);
	tcp_consume(call->tcp, call->head.length);
	return http_response_parse(&call->head, view_of(call->head_copy, call->head.length),
		       call->method) == HTTP_OK
		       ? OK
		       : MALFORMED;
}

/* 9110 15.2. A 101 is a final one for who asked for it, and nothing at all for others. */
static enum status take_final_head(struct http_call *call, instant deadline)
{
	for (unsigned i = 0; i < INTERIM_MAX; i++) {
		enum status status = take_head(call, deadline);

		if (status != OK)
			return status;
		if (call->head.status == 101)
			return call->asks_upgrade && call->head.wants_upgrade ? OK : MALFORMED;
		if (call->head.status >= 200)
			return OK;
	}
	return MALFORMED;
}

/* RFC 9110 9.2.2, and 9112 9.3.1 on when to try again. */
static bool may_repeat(const struct http_call *call, enum status status)
{
	bool is_idempotent = call->method != POST && call->method != PATCH &&
			     call->method != CONNECT && call->method != OTHER_METHOD;

	return call->is_reused && !call->has_body && is_idempotent &&
	       (status == CLOSED || status == REFUSED) && call->head.status == 0;
}

static enum status repeat(struct http_call *call)
{
	enum status status;

	client_give(call, false);
	call->is_broken = false;
	status = client_take(call, false);
	return status == OK ? send_head(call, view_of(NULL, 0)) : status;
}

enum status http_call_receive(struct http_call *call)
{
	instant deadline = in_ms(call->client->options.head_ms);
	enum status status;

	if (call->tcp == NULL || (call->state != CALL_SENT && call->state != CALL_SENDING))
		return INVALID_VALUE;
	call->is_broken |= call->state == CALL_SENDING; /* it answers before it has heard all */
	status = take_final_head(call, deadline);
	if (may_repeat(call, status)) {
		status = repeat(call);
		status = status == OK ? take_final_head(call, deadline) : status;
	}
	if (status != OK)
		return note(call, status);
	call->state = CALL_ANSWERED;
	call->is_broken |= !call->head.keeps_alive || call->head.status == 101;
	call->body.began = time_now();
	call->body.step_ms = call->client->options.body_ms;
	call->body.most = call->client->options.body_bytes;
	call->body.trailer_most = HTTP_TRAILER_BYTES;
	call->body.room = call->trailers;
	call->body.capacity = sizeof(call->trailers);
	body_start(&call->body, call->tcp, &call->head);
	return OK;
}

unsigned http_call_status(const struct http_call *call)
{
	return call->head.status;
}

bool http_call_field(const struct http_call *call, const char *name, struct view *value)
{
	return call->state == CALL_ANSWERED && http_head_field(&call->head, name, value);
}

bool http_call_field_at(
	const struct http_call *call, unsigned index, struct view *name, struct view *value)
{
	if (call->state != CALL_ANSWERED || index >= call->head.field_count)
		return false;
	*name = call->head.fields[index].name;
	*value = call->head.fields[index].value;
	return true;
}

enum status http_call_read(struct http_call *call, struct view *bytes)
{
	*bytes = view_of(NULL, 0);
	return call->state == CALL_ANSWERED ? body_read(&call->body, bytes) : INVALID_VALUE;
}

enum status http_call_read_all(
	struct http_call *call, void *out, size_t capacity, struct view *body)
{
	size_t used = 0;
	struct view part;
	enum status status;

	*body = view_of(NULL, 0);
	while ((status = http_call_read(call, &part)) == OK) {
		if (part.length > capacity - used)
			return TOO_LONG;
		memcpy((uint8_t *)out + used, part.data, part.length);
		used += part.length;
	}
	*body = view_of(out, used);
	return status == CLOSED ? OK : status;
}

bool http_call_trailer(const struct http_call *call, const char *name, struct view *value)
{
	return call->state == CALL_ANSWERED && body_trailer(&call->body, name, value);
}

/* A body whose end was not asked for may have been read all the same. */
static bool is_at_end(struct http_call *call)
{
	struct http_body *b = &call->body;
	struct view none;

	if (b->status == OK && b->framing == HTTP_LENGTH && b->left == 0)
		body_read(b, &none);
	return b->status == CLOSED;
}

void http_call_close(struct http_call *call)
{
	if (call == NULL)
		return;
	client_give(call, call->state == CALL_ANSWERED && !call->is_broken && is_at_end(call));
	pool_free(&calls, call);
}

enum status http_get(struct http_client *client, const char *target, struct http_call **call)
{
	enum status status =
		http_call_open(client, view_text("GET"), view_text(target), view_of(NULL, 0), call);

	status = status == OK ? http_call_send(*call, view_of(NULL, 0)) : status;
	return status == OK ? http_call_receive(*call) : status;
}
