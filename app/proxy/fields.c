/*
 * Heads on their way: what belongs to one connection only is not handed on (RFC 9110 7.6.1), and who was passed is
 * noted (7.6.3, RFC 7239).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy.h"

/* --- fields of one hop --- */

static bool is_named(struct view name, const char *word)
{
	return name.length == strlen(word) &&
	       strncasecmp((const char *)name.data, word, name.length) == 0;
}

static bool ends_element(uint8_t c)
{
	return c == ',' || c == ' ' || c == '\t';
}

/* Is the name, or word, an element of the list? */
static bool is_listed(struct view list, const char *word, size_t length)
{
	const char *text = (const char *)list.data;

	for (size_t at = 0; at + length <= list.length; at++) {
		bool starts = at == 0 || ends_element(list.data[at - 1]);
		size_t end = at + length;

		if (starts && (end == list.length || ends_element(list.data[end])) &&
			strncasecmp(text + at, word, length) == 0)
			return true;
	}
	return false;
}

/* The fields of a request or a response, in their order. */
typedef bool field_at(const void *message, unsigned index, struct view *name, struct view *value);

static bool request_field_at(
	const void *request, unsigned index, struct view *name, struct view *value)
{
	return http_field_at(request, index, name, value);
}

static bool call_field_at(const void *call, unsigned index, struct view *name, struct view *value)
{
	return http_call_field_at(call, index, name, value);
}

/* Does one of the Connection fields name it? */
static bool is_for_this_hop(const void *message, field_at *at, struct view name)
{
	struct view other, list;

	for (unsigned i = 0; at(message, i, &other, &list); i++)
		if (is_named(other, "connection") &&
			is_listed(list, (const char *)name.data, name.length))
			return true;
	return false;
}

static bool is_of_one_hop(const void *message, field_at *at, struct view name)
{
	static const char *const names[] = { "connection", "keep-alive", "proxy-connection", "te",
		"trailer", "transfer-encoding", "upgrade", "content-length", "host", "expect" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_named(name, names[i]))
			return true;
	return is_for_this_hop(message, at, name);
}

/* --- the request --- */

/* "X-Forwarded-For: earlier, 192.0.2.1": one field, behind all that the client sent. */
static enum status add_behind(
	struct http_request *r, struct http_call *call, const char *name, const char *more)
{
	struct view other, value;
	char text[512];
	size_t used = 0;

	for (unsigned i = 0; http_field_at(r, i, &other, &value); i++) {
		if (!is_named(other, name) || value.length == 0)
			continue;
		if (value.length + 2 > sizeof(text) - used)
			return FULL;
		memcpy(text + used, value.data, value.length);
		memcpy(text + used + value.length, ", ", 2);
		used += value.length + 2;
	}
	if (strlen(more) > sizeof(text) - used)
		return FULL;
	memcpy(text + used, more, strlen(more));
	return http_call_add(call, view_text(name), view_of(text, used + strlen(more)));
}

static enum status add_path(struct http_request *r, struct http_call *call)
{
	struct endpoint from = http_client_endpoint(r);
	char address[ADDRESS_TEXT_BYTES], forwarded[ADDRESS_TEXT_BYTES + 16];
	bool is_v4 = address_is_v4(&from.address);
	enum status status;

	address_text(&from.address, address);
	snprintf(forwarded, sizeof(forwarded), is_v4 ? "for=%s" : "for=\"[%s]\"", address);
	status = add_behind(r, call, "X-Forwarded-For", address);
	if (status == OK)
		status = add_behind(r, call, "Forwarded", forwarded);
	return status == OK ? add_behind(r, call, "Via", "1.1 diatom") : status;
}

/*
 * What we ask of the next hop ourselves. WebSocket is the only protocol that may follow: a server that took another
 * ("h2c") would have requests come to it that nobody here has read.
 */
static enum status add_asked(struct http_request *r, struct http_call *call)
{
	struct view protocol, te;
	enum status status = OK;

	if (http_wants_upgrade(r, &protocol) && is_named(protocol, "websocket"))
		return http_call_upgrade(call, protocol);
	if (!http_field(r, "te", &te) || !is_listed(te, "trailers", strlen("trailers")))
		return OK;
	status = http_call_add(call, view_text("TE"), view_text("trailers"));
	return status == OK ? http_call_add(call, view_text("Connection"), view_text("TE"))
			    : status;
}

static bool is_path_field(struct view name)
{
	return is_named(name, "x-forwarded-for") || is_named(name, "forwarded") ||
	       is_named(name, "via") || is_named(name, "max-forwards");
}

bool fields_forwards_left(const struct http_request *r, unsigned *left)
{
	struct view value;

	*left = 0;
	if (http_method(r) != OPTIONS || !http_field(r, "max-forwards", &value) ||
		value.length == 0 || value.length > 6)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		*left = *left * 10 + value.data[i] - '0';
	}
	return true;
}

static enum status add_forwards_left(struct http_request *r, struct http_call *call)
{
	unsigned left;
	char text[16];

	if (!fields_forwards_left(r, &left))
		return OK;
	snprintf(text, sizeof(text), "%u", left - 1);
	return http_call_add(call, view_text("Max-Forwards"), view_text(text));
}

enum status fields_add(struct http_request *r, struct http_call *call)
{
	struct view name, value;
	enum status status = OK;

	for (unsigned i = 0; status == OK && http_field_at(r, i, &name, &value); i++)
		if (!is_of_one_hop(r, request_field_at, name) && !is_path_field(name))
			status = http_call_add(call, name, value);
	status = status == OK ? add_forwards_left(r, call) : status;
	status = status == OK ? add_asked(r, call) : status;
	return status == OK ? add_path(r, call) : status;
}

/* --- the response --- */

enum status fields_take(struct http_request *r, struct http_call *call)
{
	struct view name, value;
	enum status status = OK;
	char text[256];

	for (unsigned i = 0; status == OK && http_call_field_at(call, i, &name, &value); i++) {
		if (is_of_one_hop(call, call_field_at, name))
			continue;
		if (name.length >= sizeof(text))
			return FULL;
		memcpy(text, name.data, name.length);
		text[name.length] = '\0';
		status = http_add(r, text, value);
	}
	return status == OK ? http_add(r, "Via", view_text("1.1 diatom")) : status;
}
