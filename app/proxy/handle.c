/*
 * One request's way: choose a server, translate the head, hand on the body; the same back. What belongs to one
 * connection only is not handed on (RFC 9110 7.6.1), and who was passed is noted (7.6.3, RFC 7239).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy.h"

static unsigned next_upstream;

/* The next one in turn that is up. Where none is, any may have come back. */
static struct upstream *choose(unsigned attempt)
{
	for (unsigned i = 0; i < upstream_count; i++) {
		struct upstream *u = &upstreams[next_upstream++ % upstream_count];

		if (u->is_up || attempt > 0)
			return u;
	}
	return &upstreams[next_upstream++ % upstream_count];
}

static bool is_named(struct view name, const char *word)
{
	return name.length == strlen(word) &&
	       strncasecmp((const char *)name.data, word, name.length) == 0;
}

/* Does a Connection field name it? */
static bool is_listed(struct view list, struct view name)
{
	for (size_t at = 0; at + name.length <= list.length; at++) {
		const char *text = (const char *)list.data + at;
		bool starts = at == 0 || strchr(", \t", text[-1]) != NULL;
		bool ends = at + name.length == list.length ||
			    strchr(", \t", text[name.length]) != NULL;

		if (starts && ends && strncasecmp(text, (const char *)name.data, name.length) == 0)
			return true;
	}
	return false;
}

static bool is_of_one_hop(struct view name, struct view connection)
{
	static const char *const names[] = { "connection", "keep-alive", "proxy-connection", "te",
		"trailer", "transfer-encoding", "upgrade", "content-length", "host", "expect" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_named(name, names[i]))
			return true;
	return connection.length > 0 && is_listed(connection, name);
}

/* --- the request --- */

/* "X-Forwarded-For: earlier, 192.0.2.1": behind what the client sent. */
static enum status add_behind(struct http_request *r, struct http_call *call, const char *name,
	const char *lower, const char *more)
{
	char text[512];
	struct view earlier = view_of("", 0);
	bool has_earlier = http_field(r, lower, &earlier) && earlier.length > 0;
	int length = snprintf(text, sizeof(text), "%.*s%s%s", (int)earlier.length,
		(const char *)earlier.data, has_earlier ? ", " : "", more);

	if (length < 0 || length >= (int)sizeof(text))
		return FULL;
	return http_call_add(call, view_text(name), view_of(text, (size_t)length));
}

static enum status add_path(struct http_request *r, struct http_call *call)
{
	struct endpoint from = http_client_endpoint(r);
	char address[ADDRESS_TEXT_BYTES], forwarded[ADDRESS_TEXT_BYTES + 16];
	bool is_v4 = address_is_v4(&from.address);
	enum status status;

	address_text(&from.address, address);
	snprintf(forwarded, sizeof(forwarded), is_v4 ? "for=%s" : "for=\"[%s]\"", address);
	status = add_behind(r, call, "X-Forwarded-For", "x-forwarded-for", address);
	if (status == OK)
		status = add_behind(r, call, "Forwarded", "forwarded", forwarded);
	return status == OK ? add_behind(r, call, "Via", "via", "1.1 diatom") : status;
}

static enum status add_fields(struct http_request *r, struct http_call *call)
{
	struct view connection = view_of(NULL, 0), name, value;
	enum status status = OK;

	http_field(r, "connection", &connection);
	for (unsigned i = 0; status == OK && http_field_at(r, i, &name, &value); i++) {
		if (is_of_one_hop(name, connection) || is_named(name, "x-forwarded-for") ||
			is_named(name, "forwarded") || is_named(name, "via"))
			continue;
		status = http_call_add(call, name, value);
	}
	return status == OK ? add_path(r, call) : status;
}

/* --- the response --- */

static enum status take_fields(struct http_request *r, struct http_call *call)
{
	struct view connection = view_of(NULL, 0), name, value;
	enum status status = OK;
	char text[64];

	http_call_field(call, "connection", &connection);
	for (unsigned i = 0; status == OK && http_call_field_at(call, i, &name, &value); i++) {
		if (is_of_one_hop(name, connection))
			continue;
		if (name.length >= sizeof(text))
			return FULL;
		memcpy(text, name.data, name.length);
		text[name.length] = '\0';
		status = http_add(r, text, value);
	}
	return status == OK ? http_add(r, "Via", view_text("1.1 diatom")) : status;
}

static void fail(struct http_request *r, enum status status)
{
	if (status == TIMED_OUT)
		http_reply_text(r, 504, "504 Gateway Timeout\n");
	else
		http_reply_text(r, 502, "502 Bad Gateway\n");
}

/* --- both --- */

/* True: the request is dealt with. False: the server had nothing of it, so another may be asked. */
static bool forward(struct http_request *r, struct upstream *u, enum status *status)
{
	struct http_call *call;
	bool is_of_request = false;

	*status = http_call_open(
		u->client, http_method_name(r), http_target_text(r), http_host_of(r), &call);
	if (*status == OK)
		*status = add_fields(r, call);
	if (*status != OK) {
		http_reply_text(r, *status == NO_MEMORY ? 503 : 431, "the head is too large\n");
		http_call_close(call);
		return true;
	}
	*status = http_forward_request(r, call, &is_of_request);
	if (is_of_request) {
		http_reply_text(r, 400, "malformed or broken body\n");
		http_call_close(call);
		return true;
	}
	/* It may have answered before it closed: 413, say. */
	if (*status == OK || http_call_is_begun(call))
		*status = http_call_receive(call);
	health_note(u, *status == OK || *status == FULL);
	if (*status == OK) {
		*status = take_fields(r, call);
		if (*status == OK)
			http_forward_response(call, r);
		else
			fail(r, *status);
		http_call_close(call);
		return true;
	}
	*status = http_call_is_begun(call) && *status != TIMED_OUT ? MALFORMED : *status;
	is_of_request = http_call_is_begun(call);
	http_call_close(call);
	return is_of_request;
}

void proxy_handle(struct http_request *r, void *unused)
{
	enum status status = UNREACHABLE;

	if (http_target_text(r).length == 0) {
		http_reply_text(r, 400, "a target without a path\n");
		return;
	}
	for (unsigned attempt = 0; attempt < upstream_count; attempt++)
		if (forward(r, choose(attempt), &status))
			break;
	if (!http_is_replied(r))
		fail(r, status);
}
