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

bool http_field(const struct http_request *r, const char *name, struct view *value)
{
	return http_head_field(&r->head, name, value);
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
