/*
 * Reading bodies by their framing. A body that can't be read on leaves the stream in the middle of a
 * message, so its connection must end.
 */
#include "lib/http/body.h"

#include <string.h>

#include "diatom/assert.h"
#include "wire/http_text.h"

void body_start(struct http_body *b, struct tcp *tcp, const struct http_head *head)
{
	b->tcp = tcp;
	b->framing = (uint8_t)head->framing;
	b->status = head->framing == HTTP_NO_BODY ? CLOSED : OK;
	b->left = head->content_length;
	b->read = 0;
	b->shown = 0;
	b->chunks = (struct http_chunks){ 0 };
	b->trailers = view_of(NULL, 0);
}

static enum status end(struct http_body *b, enum status status)
{
	b->status = status;
	return status;
}

static instant deadline_of(const struct http_body *b)
{
	uint64_t steps = b->read / HTTP_BODY_STEP + 1;

	return instant_after(b->began, MILLISECONDS(b->step_ms) * (duration)steps);
}

static enum status peek(struct http_body *b, size_t least, struct view *bytes)
{
	enum status status = tcp_peek(b->tcp, least, bytes, deadline_of(b));

	return status == OK ? OK : end(b, status == CLOSED ? MALFORMED : status);
}

static void consume_shown(struct http_body *b)
{
	tcp_consume(b->tcp, b->shown);
	b->shown = 0;
}

static enum status note_read(struct http_body *b, size_t length)
{
	b->read += length;
	return b->read > b->most ? end(b, TOO_LONG) : OK;
}

static enum status read_length(struct http_body *b, struct view *bytes)
{
	enum status status;

	if (b->left == 0)
		return end(b, CLOSED);
	status = peek(b, 1, bytes);
	if (status != OK)
		return status;
	if (bytes->length > b->left)
		bytes->length = (size_t)b->left;
	b->left -= bytes->length;
	b->shown = bytes->length;
	return OK;
}

static enum status read_until_close(struct http_body *b, struct view *bytes)
{
	enum status status = tcp_peek(b->tcp, 1, bytes, deadline_of(b));

	if (status != OK)
		return end(b, status);
	b->shown = bytes->length;
	return OK;
}

/* --- trailers --- */

static enum status keep_trailers(struct http_body *b, struct view text)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned count;
	size_t length;

	if (http_fields_parse(fields, &count, text, &length) != HTTP_OK)
		return end(b, MALFORMED);
	if (length > b->capacity)
		return end(b, TOO_LONG);
	memcpy(b->room + b->capacity - length, text.data, length);
	b->trailers = view_of(b->room + b->capacity - length, length);
	tcp_consume(b->tcp, length);
	return end(b, CLOSED);
}

static enum status read_trailers(struct http_body *b)
{
	size_t least = 2, seen = 0;
	struct view bytes;

	for (;;) {
		enum status status = peek(b, least, &bytes);

		if (status != OK)
			return status;
		if (bytes.data[0] == '\r' && bytes.data[1] == '\n') {
			tcp_consume(b->tcp, 2);
			return end(b, CLOSED);
		}
		/* No more than that is looked at, however much has come at once. */
		bytes = view_part(bytes, 0, b->trailer_most);
		if (http_head_is_complete(bytes, &seen))
			return keep_trailers(b, bytes);
		least = bytes.length + 1;
		if (least > b->trailer_most)
			return end(b, TOO_LONG);
	}
}

bool body_trailer(const struct http_body *b, const char *name, struct view *value)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned count = 0;
	size_t length;

	if (b->trailers.length == 0 ||
		http_fields_parse(fields, &count, b->trailers, &length) != HTTP_OK)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (http_text_is(fields[i].name, name)) {
			*value = fields[i].value;
			return true;
		}
	}
	return false;
}

static enum status read_chunks(struct http_body *b, struct view *bytes)
{
	for (;;) {
		struct view shown, rest;
		enum http_chunk_event event;
		enum status status = peek(b, 1, &shown);

		if (status != OK)
			return status;
		rest = shown;
		event = http_chunk_next(&b->chunks, &rest, bytes);
		switch (event) {
		case HTTP_CHUNK_DATA:
			b->shown = shown.length - rest.length;
			return OK;
		case HTTP_CHUNK_MORE:
			tcp_consume(b->tcp, shown.length);
			break;
		case HTTP_CHUNK_TRAILERS:
			tcp_consume(b->tcp, shown.length - rest.length);
			return read_trailers(b);
		case HTTP_CHUNK_FAULT:
			return end(b, MALFORMED);
		}
	}
}

enum status body_read(struct http_body *b, struct view *bytes)
{
	enum status status;

	*bytes = view_of(NULL, 0);
	if (b->status != OK)
		return b->status;
	consume_shown(b);
	if (b->framing == HTTP_CHUNKED)
		status = read_chunks(b, bytes);
	else if (b->framing == HTTP_UNTIL_CLOSE)
		status = read_until_close(b, bytes);
	else
		status = read_length(b, bytes);
	return status == OK ? note_read(b, bytes->length) : status;
}

/* --- forwarding --- */

/* How many of the bytes are the message's, and whether it ends with them. */
static enum status measure(struct http_body *b, struct view bytes, size_t *mine, bool *is_last)
{
	struct view rest = bytes, data;
	enum http_chunk_event event = HTTP_CHUNK_DATA;

	*is_last = false;
	*mine = bytes.length;
	if (b->framing == HTTP_LENGTH) {
		*mine = bytes.length < b->left ? bytes.length : (size_t)b->left;
		b->left -= *mine;
		*is_last = b->left == 0;
	}
	if (b->framing != HTTP_CHUNKED)
		return OK;
	while (event == HTTP_CHUNK_DATA)
		event = http_chunk_next(&b->chunks, &rest, &data);
	*mine = bytes.length - rest.length;
	*is_last = event == HTTP_CHUNK_TRAILERS;
	return event == HTTP_CHUNK_FAULT ? MALFORMED : OK;
}

/* The buffer itself where it holds nothing but the message's bytes; else a copy of those. */
static enum status hand_on(
	struct http_body *b, struct tcp *to, struct view bytes, size_t mine, instant deadline)
{
	struct packet *packet = NULL;
	enum status status;

	if (mine == bytes.length && tcp_read_packet(b->tcp, &packet, AT_ONCE) == OK) {
		ASSERT(packet->total_length == mine);
		return tcp_write_packet(to, packet, deadline);
	}
	status = tcp_write(to, view_part(bytes, 0, mine), deadline);
	tcp_consume(b->tcp, mine);
	return status;
}

/* May it stand behind a body, where whoever decided by the head is past it already? */
static bool is_fit_for_trailer(struct view name)
{
	static const char *const unfit[] = { "connection", "content-encoding", "content-length",
		"content-range", "content-type", "cookie", "authorization", "expect", "host",
		"keep-alive", "proxy-authorization", "set-cookie", "te", "trailer",
		"transfer-encoding", "upgrade" };

	for (size_t i = 0; i < ARRAY_LEN(unfit); i++)
		if (http_text_is(name, unfit[i]))
			return false;
	return true;
}

/* The lines that may be handed on, moved together where they lie, and the empty one. */
static struct view fit_trailers(struct http_body *b)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	uint8_t *start = b->room + b->capacity - b->trailers.length, *out = start;
	const uint8_t *end = start + b->trailers.length - 2;
	unsigned count = 0;
	size_t length;

	if (!b->hands_trailers || b->trailers.length == 0 ||
		http_fields_parse(fields, &count, b->trailers, &length) != HTTP_OK)
		return view_text("\r\n");
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *line = fields[i].name.data;
		const uint8_t *next = i + 1 < count ? fields[i + 1].name.data : end;

		if (!is_fit_for_trailer(fields[i].name))
			continue;
		memmove(out, line, (size_t)(next - line));
		out += next - line;
	}
	memcpy(out, "\r\n", 2);
	return view_of(start, (size_t)(out + 2 - start));
}

static enum status end_forward(
	struct http_body *b, struct tcp *to, instant deadline, enum status *write_status)
{
	enum status status = CLOSED;

	if (b->framing == HTTP_CHUNKED) {
		status = read_trailers(b);
		if (status == CLOSED)
			*write_status = tcp_write(to, fit_trailers(b), deadline);
	}
	return *write_status == OK ? end(b, status) : end(b, *write_status);
}

enum status body_forward(
	struct http_body *b, struct tcp *to, instant deadline, enum status *write_status)
{
	struct view bytes;
	enum status status;
	size_t mine;
	bool is_last;

	*write_status = OK;
	if (b->status != OK)
		return b->status;
	consume_shown(b);
	status = tcp_peek(b->tcp, 1, &bytes, deadline_of(b));
	if (status != OK)
		return end(
			b, status == CLOSED && b->framing != HTTP_UNTIL_CLOSE ? MALFORMED : status);
	status = measure(b, bytes, &mine, &is_last);
	if (status != OK)
		return end(b, status);
	*write_status = hand_on(b, to, bytes, mine, deadline);
	if (*write_status != OK)
		return end(b, *write_status);
	status = note_read(b, mine);
	return status == OK && is_last ? end_forward(b, to, deadline, write_status) : status;
}
