/*
 * Decoding never makes text longer, so it is bounded by its input.
 */
#include "wire/http_url.h"

#include "wire/http_text.h"

/* The byte at text[*at], decoded, and past it; -1 if it is malformed. */
static int decode_one(struct view text, size_t *at)
{
	uint8_t c = text.data[(*at)++];
	int high, low;

	if (c != '%')
		return c;
	if (text.length - *at < 2)
		return -1;
	high = http_hex(text.data[*at]);
	low = http_hex(text.data[*at + 1]);
	if (high < 0 || low < 0 || (high | low) == 0)
		return -1;
	*at += 2;
	return high << 4 | low;
}

bool http_url_decode(struct view text, bool plus_is_blank, uint8_t *out, size_t *length)
{
	size_t n = 0;

	for (size_t at = 0; at < text.length;) {
		bool is_plus = text.data[at] == '+';
		int byte = decode_one(text, &at);

		if (byte < 0)
			return false;
		out[n++] = is_plus && plus_is_blank ? ' ' : (uint8_t)byte;
	}
	*length = n;
	return true;
}

/* Takes the last segment off what is written: "/a/b" -> "/a". False at the root. */
static bool drop_segment(const uint8_t *out, size_t *length)
{
	if (*length == 0)
		return false;
	while (*length > 0 && out[--*length] != '/')
		;
	return true;
}

/* Decodes one segment, up to the next '/' or the end. False if it is refused. */
static bool take_segment(struct view path, size_t *at, uint8_t *out, size_t *length)
{
	while (*at < path.length && path.data[*at] != '/') {
		bool is_encoded = path.data[*at] == '%';
		int byte = decode_one(path, at);

		if (byte < 0 || byte == '\\' || (byte == '/' && is_encoded))
			return false;
		out[(*length)++] = (uint8_t)byte;
	}
	return true;
}

bool http_path_normalise(struct view path, uint8_t *out, size_t *length)
{
	size_t n = 0, at = 0;

	if (path.length == 0 || path.data[0] != '/')
		return false;
	while (at < path.length) {
		size_t start = n;
		struct view segment;

		at++; /* the '/' */
		out[n++] = '/';
		if (!take_segment(path, &at, out, &n))
			return false;
		segment = view_of(out + start + 1, n - start - 1);
		if (!http_text_is(segment, ".") && !http_text_is(segment, ".."))
			continue;
		n = start;
		if (segment.length == 2 && !drop_segment(out, &n))
			return false;
		if (at == path.length)
			out[n++] = '/'; /* what is named is a folder */
	}
	*length = n;
	return true;
}

static void split_pair(struct view pair, struct view *name, struct view *value)
{
	const uint8_t *equals = memchr(pair.data, '=', pair.length);
	size_t end = equals != NULL ? (size_t)(equals - pair.data) : pair.length;

	*name = view_part(pair, 0, end);
	*value = view_part(pair, end + 1, pair.length);
}

bool http_query_next(struct view *rest, struct view *name, struct view *value)
{
	while (rest->length > 0) {
		const uint8_t *mark = memchr(rest->data, '&', rest->length);
		size_t end = mark != NULL ? (size_t)(mark - rest->data) : rest->length;
		struct view pair = view_part(*rest, 0, end);

		*rest = view_part(*rest, end + 1, rest->length);
		if (pair.length == 0)
			continue;
		split_pair(pair, name, value);
		return true;
	}
	return false;
}

bool http_cookie_next(struct view *rest, struct view *name, struct view *value)
{
	struct view pair;

	while (http_split_next(rest, ';', &pair)) {
		if (memchr(pair.data, '=', pair.length) == NULL)
			continue;
		split_pair(pair, name, value);
		*name = http_trim(*name);
		*value = http_trim(*value);
		if (value->length >= 2 && value->data[0] == '"' &&
			value->data[value->length - 1] == '"')
			*value = view_part(*value, 1, value->length - 2);
		return true;
	}
	return false;
}
