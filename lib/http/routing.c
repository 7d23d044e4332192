/*
 * Routing: each pattern is walked beside the path, segment by segment. Routes are few; a walk ends at the
 * first segment that differs.
 */
#include <string.h>

#include "base/format.h"
#include "lib/http/inner.h"

/* The segment behind the '/' at *at, and past it. */
static struct view next_segment(struct view path, size_t *at)
{
	size_t start = ++*at;

	while (*at < path.length && path.data[*at] != '/')
		++*at;
	return view_part(path, start, *at - start);
}

static void add_param(struct http_request *r, struct view name, struct view value)
{
	if (r->param_count < HTTP_PARAMS_MAX)
		r->params[r->param_count++] = (struct http_param){ name, value };
}

static bool matches(struct http_request *r, const char *text)
{
	struct view pattern = view_text(text), path = r->path;
	size_t p = 0, at = 0;

	r->param_count = 0;
	while (p < pattern.length && at < path.length) {
		struct view wanted = next_segment(pattern, &p), have;

		if (wanted.length == 1 && wanted.data[0] == '*' && p == pattern.length) {
			add_param(r, wanted, view_part(path, at + 1, path.length));
			return true;
		}
		have = next_segment(path, &at);
		if (wanted.length > 1 && wanted.data[0] == ':') {
			if (have.length == 0)
				return false;
			add_param(r, view_part(wanted, 1, wanted.length), have);
		} else if (!view_equal(wanted, have)) {
			return false;
		}
	}
	return p == pattern.length && at == path.length;
}

static bool serves(const struct http_route *route, enum http_method method)
{
	return route->method == method || (route->method == GET && method == HEAD);
}

static const struct http_route *find(struct http_request *r, unsigned *status)
{
	const struct http_options *o = r->options;
	bool is_known = false;

	for (size_t i = 0; i < o->route_count; i++) {
		if (!matches(r, o->routes[i].path))
			continue;
		if (serves(&o->routes[i], r->head.method))
			return &o->routes[i];
		is_known = true;
	}
	r->param_count = 0;
	*status = !is_known ? 404 : r->head.method == OTHER_METHOD ? 501 : 405;
	return NULL;
}

static size_t allow(const struct http_request *request, char *text, size_t room)
{
	const struct http_options *o = request->options;
	struct http_request *r = (struct http_request *)(uintptr_t)request;
	size_t used = 0;

	for (int m = 0; m < OTHER_METHOD; m++) {
		bool is_served = false;

		for (size_t i = 0; i < o->route_count && !is_served; i++)
			is_served = serves(&o->routes[i], (enum http_method)m) &&
				    matches(r, o->routes[i].path);
		if (is_served)
			used += (size_t)format_text(text + used, room - used, "%s%s",
				used > 0 ? ", " : "", http_method_text((enum http_method)m));
	}
	return used;
}

static void refuse_method(struct http_request *r, unsigned status)
{
	char methods[128];
	const char *text = "not found\n";

	if (status == 405) {
		http_add(r, "Allow", view_of(methods, allow(r, methods, sizeof(methods))));
		text = "method not allowed\n";
	} else if (status == 501) {
		text = "unknown method\n";
	}
	http_reply_text(r, status, text);
}

void routing_handle(struct http_request *r)
{
	unsigned status;
	const struct http_route *route = find(r, &status);

	if (route != NULL)
		route->handle(r, route->argument);
	else
		refuse_method(r, status);
}
