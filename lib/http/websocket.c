/*
 * WebSocket on an exchange's connection. The exchange's reply is the 101; what follows on the stream is
 * frames, and the connection ends with the handler.
 */
#include "diatom/websocket.h"

#include <string.h>

#include "base/endian.h"
#include "base/utf8.h"
#include "lib/http/inner.h"
#include "wire/http_text.h"
#include "wire/websocket.h"

enum close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_PROTOCOL = 1002,
	CLOSE_NO_CODE = 1005, /* never on the wire */
	CLOSE_NOT_TEXT = 1007,
	CLOSE_TOO_LONG = 1009,
};

static struct tcp *tcp_of(const struct websocket *w)
{
	return w->request->connection->tcp;
}

static enum status send_frame(struct websocket *w, uint8_t opcode, struct view payload)
{
	uint8_t head[WEBSOCKET_HEADER_MAX];
	const struct websocket_header header = {
		.length = payload.length, .opcode = opcode, .is_final = true
	};
	struct tcp_piece pieces[] = {
		{ .bytes = view_of(head, websocket_emit(head, &header)) },
		{ .bytes = payload },
	};

	return reply_writev(w->request, pieces, payload.length > 0 ? 2 : 1);
}

void websocket_close(struct websocket *w, unsigned code)
{
	uint8_t payload[2];

	if (w->is_closed)
		return;
	w->is_closed = true;
	be16_to(payload, (uint16_t)code);
	send_frame(w, WEBSOCKET_CLOSE, view_of(payload, code == CLOSE_NO_CODE ? 0 : 2));
}

/* --- the handshake --- */

static enum status refuse(struct http_request *r, unsigned status, const char *why)
{
	/* RFC 9110 15.5.22, 7.8 */
	if (status == 426) {
		http_add(r, "Upgrade", view_text("websocket"));
		http_add(r, "Connection", view_text("Upgrade"));
		http_add(r, "Sec-WebSocket-Version", view_text("13"));
	}
	http_reply_text(r, status, why);
	return REFUSED;
}

/* 4.2.1 */
static enum status check(struct http_request *r, struct view *key)
{
	struct view upgrade, version;

	if (r->head.method != GET || !r->head.wants_upgrade ||
		!http_field(r, "upgrade", &upgrade) || !http_list_has(upgrade, "websocket"))
		return refuse(r, 426, "this is a WebSocket\n");
	if (!http_field(r, "sec-websocket-version", &version) || !http_text_is(version, "13"))
		return refuse(r, 426, "only version 13\n");
	if (!http_field(r, "sec-websocket-key", key) || !websocket_key_is_good(*key))
		return refuse(r, 400, "malformed Sec-WebSocket-Key\n");
	return OK;
}

static enum status accept(struct http_request *r, struct view key)
{
	char answer[WEBSOCKET_ACCEPT_BYTES];

	websocket_accept(key, answer);
	if (http_add(r, "Sec-WebSocket-Accept", view_of(answer, sizeof(answer))) != OK)
		return refuse(r, 500, "the handler's fields are too long\n");
	exchange_keep_head(r);
	return reply_switch(r, view_text("websocket"));
}

enum status websocket_open(struct websocket *w, struct http_request *r, void *room, size_t capacity)
{
	struct view key;
	enum status status;

	*w = (struct websocket){ .request = r, .room = room, .capacity = capacity };
	if (r->reply != REPLY_NONE || r->head.framing != HTTP_NO_BODY)
		return refuse(r, 400, "a handshake has no body\n");
	status = check(r, &key);
	return status == OK ? accept(r, key) : status;
}

bool websocket_protocol(struct http_request *r, const char *name)
{
	struct view offered, element;

	if (!http_field(r, "sec-websocket-protocol", &offered))
		return false;
	while (http_list_next(&offered, &element))
		if (view_equal(element, view_text(name)))
			return http_add(r, "Sec-WebSocket-Protocol", element) == OK;
	return false;
}

/* --- frames --- */

static enum status fail(struct websocket *w, enum status status, unsigned code)
{
	websocket_close(w, code);
	return status;
}

/* A frame's header, and past it. Frames of clients are masked (5.1). */
static enum status take_header(
	struct websocket *w, struct websocket_header *header, instant deadline)
{
	size_t least = 2, length;

	for (;;) {
		struct view bytes;
		enum status status = tcp_peek(tcp_of(w), least, &bytes, deadline);

		if (status != OK)
			return status;
		switch (websocket_parse(header, bytes, &length)) {
		case WEBSOCKET_OK:
			if (!header->is_masked)
				return fail(w, MALFORMED, CLOSE_PROTOCOL);
			tcp_consume(tcp_of(w), length);
			return OK;
		case WEBSOCKET_SHORT:
			least = bytes.length + 1;
			break;
		case WEBSOCKET_PROTOCOL:
			return fail(w, MALFORMED, CLOSE_PROTOCOL);
		}
	}
}

/* The payload, unmasked, into memory of ours. Once a frame has begun each step of its rest has body_ms. */
static enum status take_payload(
	struct websocket *w, const struct websocket_header *header, uint8_t *out)
{
	duration step = MILLISECONDS(w->request->options->body_ms);
	instant began = time_now();
	uint64_t done = 0;

	while (done < header->length) {
		uint64_t left = header->length - done;
		duration allowed = step * (duration)(done / HTTP_BODY_STEP + 1);
		struct view bytes;
		enum status status = tcp_peek(tcp_of(w), 1, &bytes, instant_after(began, allowed));
		size_t n = bytes.length < left ? bytes.length : (size_t)left;

		if (status != OK)
			return status;
		memcpy(out + done, bytes.data, n);
		websocket_mask(out + done, n, header->mask, done);
		tcp_consume(tcp_of(w), n);
		done += n;
	}
	return OK;
}

/* 5.5.1: answered with the same code. */
static enum status take_close(struct websocket *w, struct view payload)
{
	w->close_code = payload.length >= 2 ? be16_at(payload.data) : CLOSE_NO_CODE;
	if (payload.length == 1 || (payload.length >= 2 && !websocket_code_is_good(w->close_code)))
		return fail(w, MALFORMED, CLOSE_PROTOCOL);
	if (!utf8_is_valid(view_part(payload, 2, payload.length)))
		return fail(w, MALFORMED, CLOSE_NOT_TEXT);
	websocket_close(w, w->close_code);
	return CLOSED;
}

static enum status take_control(struct websocket *w, const struct websocket_header *header)
{
	uint8_t payload[WEBSOCKET_CONTROL_MAX];
	struct view bytes = view_of(payload, (size_t)header->length);
	enum status status = take_payload(w, header, payload);

	if (status != OK)
		return status;
	if (header->opcode == WEBSOCKET_CLOSE)
		return take_close(w, bytes);
	return header->opcode == WEBSOCKET_PING ? send_frame(w, WEBSOCKET_PONG, bytes) : OK;
}

/* The next data frame; control frames between are acted upon. */
static enum status next_frame(
	struct websocket *w, struct websocket_header *header, instant deadline)
{
	for (;;) {
		enum status status = take_header(w, header, deadline);

		if (status != OK || header->opcode < WEBSOCKET_CLOSE)
			return status;
		status = take_control(w, header);
		if (status != OK)
			return status;
	}
}

enum status websocket_receive(
	struct websocket *w, struct websocket_message *message, instant deadline)
{
	struct websocket_header header = { .is_final = false };
	struct utf8 text = { 0 };
	size_t used = 0;

	if (w->is_closed)
		return CLOSED;
	for (bool is_first = true; !header.is_final; is_first = false) {
		enum status status = next_frame(w, &header, deadline);

		if (status != OK)
			return status;
		if (is_first == (header.opcode == WEBSOCKET_CONTINUATION))
			return fail(w, MALFORMED, CLOSE_PROTOCOL);
		if (is_first)
			message->is_text = header.opcode == WEBSOCKET_TEXT;
		if (header.length > w->capacity - used)
			return fail(w, TOO_LONG, CLOSE_TOO_LONG);
		status = take_payload(w, &header, w->room + used);
		if (status != OK)
			return status;
		if (message->is_text &&
			!utf8_feed(&text, view_of(w->room + used, (size_t)header.length)))
			return fail(w, MALFORMED, CLOSE_NOT_TEXT);
		used += (size_t)header.length;
	}
	if (message->is_text && !utf8_is_whole(&text))
		return fail(w, MALFORMED, CLOSE_NOT_TEXT);
	message->bytes = view_of(w->room, used);
	return OK;
}

enum status websocket_send(struct websocket *w, bool is_text, struct view bytes)
{
	if (w->is_closed)
		return CLOSED;
	return send_frame(w, is_text ? WEBSOCKET_TEXT : WEBSOCKET_BINARY, bytes);
}

enum status websocket_ping(struct websocket *w, struct view payload)
{
	if (w->is_closed)
		return CLOSED;
	return send_frame(w, WEBSOCKET_PING, view_part(payload, 0, WEBSOCKET_CONTROL_MAX));
}
