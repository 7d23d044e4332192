/*
 * One pass over the fields gathers those that matter (struct facts); the rules are applied to them
 * afterwards, in the order in which the RFC has them.
 */
#include "wire/http_framing.h"

#include "wire/http_text.h"

struct facts {
	unsigned hosts, lengths, codings;
	struct view host;
	uint64_t length;
	bool is_bad_length;
	bool is_chunked; /* "chunked" and nothing else */
	bool says_close, says_keep_alive, says_upgrade, has_upgrade;
	bool expects_continue, expects_else;
};

static void note_connection(struct facts *f, struct view value)
{
	struct view element;

	while (http_list_next(&value, &element)) {
		f->says_close |= http_text_is(element, "close");
		f->says_keep_alive |= http_text_is(element, "keep-alive");
		f->says_upgrade |= http_text_is(element, "upgrade");
	}
}

static void note_length(struct facts *f, struct view value)
{
	f->lengths++;
	f->is_bad_length |= !http_decimal(value, &f->length);
}

static void note_host(struct facts *f, struct view value)
{
	f->hosts++;
	f->host = value;
}

static void note_expect(struct facts *f, struct view value)
{
	bool is_known = http_text_is(value, "100-continue");

	f->expects_continue |= is_known;
	f->expects_else |= !is_known;
}

/* By the name's length first: most fields are none of these. */
static void note(struct facts *f, const struct http_field *field)
{
	struct view name = field->name, value = field->value;

	switch (name.length) {
	case 4:
		if (http_text_is(name, "host"))
			note_host(f, value);
		break;
	case 6:
		if (http_text_is(name, "expect"))
			note_expect(f, value);
		break;
	case 7:
		f->has_upgrade |= http_text_is(name, "upgrade");
		break;
	case 10:
		if (http_text_is(name, "connection"))
			note_connection(f, value);
		break;
	case 14:
		if (http_text_is(name, "content-length"))
			note_length(f, value);
		break;
	case 17:
		if (http_text_is(name, "transfer-encoding")) {
			f->codings++;
			f->is_chunked = http_text_is(value, "chunked");
		}
		break;
	default:
		break;
	}
}

static void gather(const struct http_head *head, struct facts *f)
{
	memset(f, 0, sizeof(*f));
	for (unsigned i = 0; i < head->field_count; i++)
		note(f, &head->fields[i]);
}

/* 9112 6.1, 6.2, and the parts of 6.3 that requests and responses share. */
static enum http_fault check_length(const struct http_head *head, const struct facts *f)
{
	if (f->codings > 0 && (f->lengths > 0 || head->minor == 0))
		return HTTP_AMBIGUOUS_LENGTH;
	if (f->codings > 1 || (f->codings == 1 && !f->is_chunked))
		return HTTP_TRANSFER_CODING;
	if (f->lengths > 1 || f->is_bad_length)
		return HTTP_CONTENT_LENGTH;
	return HTTP_OK;
}

/* 9112 9.3 */
static bool keeps_alive(const struct http_head *head, const struct facts *f)
{
	if (f->says_close)
		return false;
	return head->minor > 0 || f->says_keep_alive;
}

/* 9112 3.2: exactly one, but that HTTP/1.0 may go without; an absolute target takes precedence. */
static enum http_fault check_host(struct http_head *head, const struct facts *f)
{
	if (f->hosts > 1 || (f->hosts == 0 && head->minor > 0) || !http_all(&http_host, f->host))
		return HTTP_HOST;
	if (head->host.length == 0)
		head->host = f->host;
	return HTTP_OK;
}

enum http_fault http_frame_request(struct http_head *head)
{
	enum http_fault fault;
	struct facts f;

	gather(head, &f);
	fault = check_length(head, &f);
	if (fault == HTTP_OK)
		fault = check_host(head, &f);
	if (fault != HTTP_OK)
		return fault;
	if (f.expects_else)
		return HTTP_EXPECTATION;
	if (f.codings > 0)
		head->framing = HTTP_CHUNKED;
	else if (f.lengths > 0 && f.length > 0)
		head->framing = HTTP_LENGTH;
	head->content_length = f.length;
	head->keeps_alive = keeps_alive(head, &f);
	head->wants_upgrade = f.says_upgrade && f.has_upgrade && head->minor > 0;
	/* 9110 10.1.1: ignored in HTTP/1.0, and where there is no body. */
	head->expects_continue =
		f.expects_continue && head->minor > 0 && head->framing != HTTP_NO_BODY;
	return HTTP_OK;
}

/* 9112 6.3, rules 1 and 2. */
static bool has_no_body(unsigned status, enum http_method method)
{
	return method == HEAD || status < 200 || status == 204 || status == 304 ||
	       (method == CONNECT && status < 300);
}

enum http_fault http_frame_response(struct http_head *head, enum http_method method)
{
	enum http_fault fault;
	struct facts f;

	gather(head, &f);
	fault = check_length(head, &f);
	if (fault != HTTP_OK)
		return fault;
	if (has_no_body(head->status, method))
		head->framing = HTTP_NO_BODY;
	else if (f.codings > 0)
		head->framing = HTTP_CHUNKED;
	else if (f.lengths > 0)
		head->framing = f.length > 0 ? HTTP_LENGTH : HTTP_NO_BODY;
	else
		head->framing = HTTP_UNTIL_CLOSE;
	head->content_length = f.length;
	head->keeps_alive = keeps_alive(head, &f) && head->framing != HTTP_UNTIL_CLOSE;
	head->wants_upgrade = f.says_upgrade && f.has_upgrade;
	return HTTP_OK;
}
