/*
 * What a handler asks about its request.
 */
#include "lib/http/inner.h"
#include "wire/http_text.h"
#include "wire/http_url.h"

enum http_method http_method(const struct http_request *r)
{
	return r->head.method;
}

struct view http_method_name(const struct http_request *r)
{
	return r->head.method_text;
}

struct view http_path(const struct http_request *r)
{
	return r->path;
}

struct view http_query_text(const struct http_request *r)
{
	return r->head.query;
}

struct view http_host_of(const struct http_request *r)
{
	return r->head.host;
}

struct view http_target_text(const struct http_request *r)
{
	const uint8_t *start = r->head.path.data, *end = start + r->head.path.length;

	if (!r->head.has_query)
		return r->head.path;
	/* An absolute target without a path has one that stands elsewhere. */
	if (r->head.query.data != end + 1)
		return view_of(NULL, 0);
	return view_of(start, r->head.path.length + 1 + r->head.query.length);
}

struct endpoint http_client_endpoint(const struct http_request *r)
{
	return tcp_remote(r->connection->tcp);
}

bool http_field_at(
	const struct http_request *r, unsigned index, struct view *name, struct view *value)
{
	if (index >= r->head.field_count)
		return false;
	*name = r->head.fields[index].name;
	*value = r->head.fields[index].value;
	return true;
}

bool http_field(const struct http_request *r, const char *name, struct view *value)
{
	return http_head_field(&r->head, name, value);
}

bool http_wants_upgrade(const struct http_request *r, struct view *protocol)
{
	return r->head.wants_upgrade && r->head.framing == HTTP_NO_BODY &&
	       http_field(r, "upgrade", protocol);
}

struct view http_param(const struct http_request *r, const char *name)
{
	for (unsigned i = 0; i < r->param_count; i++)
		if (view_equal(r->params[i].name, view_text(name)))
			return r->params[i].value;
	return view_of(NULL, 0);
}

bool http_cookie(const struct http_request *r, const char *name, struct view *value)
{
	struct view key, rest;

	for (unsigned i = 0; i < r->head.field_count; i++) {
		if (!http_text_is(r->head.fields[i].name, "cookie"))
			continue;
		rest = r->head.fields[i].value;
		while (http_cookie_next(&rest, &key, value))
			if (view_equal(key, view_text(name)))
				return true;
	}
	return false;
}
