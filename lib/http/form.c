/*
 * Forms: pairs "name=value", of a target's query or of a body.
 */
#include "lib/http/inner.h"
#include "wire/http_text.h"
#include "wire/http_url.h"

enum status http_form(
	struct view pairs, const char *name, void *out, size_t capacity, struct view *value)
{
	struct view key, text, plain;
	size_t length;

	while (http_query_next(&pairs, &key, &text)) {
		/* Names are encoded as values are. */
		if (key.length > capacity || !http_url_decode(key, true, out, &length))
			continue;
		plain = view_of(out, length);
		if (!view_equal(plain, view_text(name)))
			continue;
		if (text.length > capacity)
			return TOO_LONG;
		if (!http_url_decode(text, true, out, &length))
			return MALFORMED;
		*value = view_of(out, length);
		return OK;
	}
	return NOT_FOUND;
}

enum status http_query(const struct http_request *r, const char *name, void *out, size_t capacity,
	struct view *value)
{
	return http_form(r->head.query, name, out, capacity, value);
}

bool http_has_type(const struct http_request *r, const char *type)
{
	struct view value, essence;

	return http_field(r, "content-type", &value) && http_split_next(&value, ';', &essence) &&
	       http_text_is(essence, type);
}
