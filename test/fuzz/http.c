/*
 * Every reader of HTTP and WebSocket, on any bytes: none may read outside of them, and what they say must not depend
 * on where the stream is cut.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "diatom/assert.h"
#include "wire/http.h"
#include "wire/http_chunk.h"
#include "wire/http_condition.h"
#include "wire/http_date.h"
#include "wire/http_url.h"
#include "wire/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct view part, struct view whole)
{
	return part.length == 0 ||
	       (part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}

static void heads(struct view bytes)
{
	static struct http_head head;
	const struct http_validators resource = { view_text("\"a\""), 1000000000 };
	struct http_range range;

	if (http_request_parse(&head, bytes) == HTTP_OK) {
		ASSERT(head.length <= bytes.length);
		ASSERT(is_inside(head.target, bytes) && is_inside(head.query, bytes));
		ASSERT(head.framing == HTTP_LENGTH || head.framing == HTTP_CHUNKED ||
			head.framing == HTTP_NO_BODY);
		http_check_preconditions(&head, &resource, 1700000000);
		if (http_check_range(&head, &resource, 1000, 1700000000, &range) == HTTP_PART)
			ASSERT(range.length > 0 && range.first < 1000 &&
				range.length <= 1000 - range.first);
		ASSERT(http_coding_quality(&head, "gzip") <= 1000);
	}
	if (http_response_parse(&head, bytes, GET) == HTTP_OK)
		ASSERT(head.length <= bytes.length && head.status >= 100);
}

/* A head is found complete at the same place, however it comes. */
static void completeness(struct view bytes)
{
	size_t at_once = 0, slowly = 0, end = 0;
	bool is_complete = http_head_is_complete(bytes, &at_once);

	while (end <= bytes.length && !http_head_is_complete(view_part(bytes, 0, end), &slowly))
		end++;
	ASSERT(is_complete == (end <= bytes.length));
	if (is_complete)
		ASSERT(at_once == slowly);
}

static uint64_t digest(uint64_t sum, struct view data)
{
	for (size_t i = 0; i < data.length; i++)
		sum = sum * 31 + data.data[i];
	return sum;
}

static uint64_t unchunk(struct view bytes, size_t cut)
{
	struct http_chunks chunks = { 0 };
	uint64_t sum = 0;

	for (size_t at = 0; at < bytes.length; at += cut) {
		struct view part = view_part(bytes, at, cut), data;
		enum http_chunk_event event;

		while ((event = http_chunk_next(&chunks, &part, &data)) == HTTP_CHUNK_DATA)
			sum = digest(sum, data);
		if (event != HTTP_CHUNK_MORE)
			return sum * 31 + event;
	}
	return sum;
}

static void texts(struct view bytes)
{
	uint8_t *out = malloc(bytes.length + 1), *again = malloc(bytes.length + 1);
	struct view rest, name, value;
	size_t length, twice;
	int64_t seconds;

	http_url_decode(bytes, true, out, &length);
	if (http_path_normalise(bytes, out, &length)) {
		ASSERT(length >= 1 && length <= bytes.length && out[0] == '/');
		if (memchr(out, '%', length) == NULL) {
			ASSERT(http_path_normalise(view_of(out, length), again, &twice));
			ASSERT(view_equal(view_of(out, length), view_of(again, twice)));
		}
	}
	for (rest = bytes; http_query_next(&rest, &name, &value);)
		ASSERT(is_inside(name, bytes) && is_inside(value, bytes));
	for (rest = bytes; http_cookie_next(&rest, &name, &value);)
		ASSERT(is_inside(name, bytes) && is_inside(value, bytes));
	if (http_date_read(bytes, 1700000000, &seconds))
		ASSERT(seconds >= 0);
	free(out);
	free(again);
}

/* What parses as a frame's header is emitted as the same bytes again. */
static void frames(struct view bytes)
{
	struct websocket_header header;
	uint8_t out[WEBSOCKET_HEADER_MAX];
	struct utf8 slow = { 0 };
	bool is_text = true;
	size_t length;

	if (websocket_parse(&header, bytes, &length) == WEBSOCKET_OK) {
		ASSERT(length <= bytes.length);
		ASSERT(websocket_emit(out, &header) == length);
		ASSERT(memcmp(out, bytes.data, length) == 0);
	}
	for (size_t i = 0; i < bytes.length && is_text; i++)
		is_text = utf8_feed(&slow, view_part(bytes, i, 1));
	ASSERT(utf8_is_valid(bytes) == (is_text && utf8_is_whole(&slow)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that a byte beyond is one too many. */
	uint8_t *copy = malloc(size + (size == 0));
	struct view bytes = view_of(copy, size);

	if (size > 0)
		memcpy(copy, data, size);
	heads(bytes);
	completeness(bytes);
	ASSERT(unchunk(bytes, size + 1) == unchunk(bytes, 1));
	ASSERT(unchunk(bytes, size + 1) == unchunk(bytes, 7));
	texts(bytes);
	frames(bytes);
	free(copy);
	return 0;
}
