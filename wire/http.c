/*
 * Start lines and field lines. A head is only taken apart when it is complete, so that a peer which
 * sends it byte by byte costs one look at each byte.
 */
#include "wire/http.h"

#include "wire/http_framing.h"
#include "wire/http_text.h"

#define LEADING_LINES_MAX 4 /* empty ones, which 9112 2.2 lets a robust server pass over */

struct lines {
	const uint8_t *at, *end;
};

static struct lines lines_of(struct view bytes)
{
	const uint8_t *data = bytes.length > 0 ? bytes.data : (const uint8_t *)"";

	return (struct lines){ data, data + bytes.length };
}

static void skip_empty_lines(struct lines *l)
{
	for (unsigned i = 0; i < LEADING_LINES_MAX; i++) {
		if (l->end - l->at < 2 || l->at[0] != '\r' || l->at[1] != '\n')
			return;
		l->at += 2;
	}
}

bool http_head_is_complete(struct view bytes, size_t *seen)
{
	struct lines l = lines_of(bytes);
	const uint8_t *data = l.at, *start;

	skip_empty_lines(&l);
	start = l.at;
	if (data + *seen > l.at)
		l.at = data + *seen;
	while (l.at < l.end) {
		const uint8_t *feed = memchr(l.at, '\n', (size_t)(l.end - l.at));

		if (feed == NULL)
			break;
		/* An empty line, or the first that is malformed: no point in waiting for more. */
		if (feed == start || feed[-1] != '\r' || feed - 1 == start || feed[-2] == '\n') {
			*seen = (size_t)(feed - data);
			return true;
		}
		l.at = feed + 1;
	}
	*seen = (size_t)(l.at - data);
	return false;
}

/* The line at `at`, without its CR LF, and past it. */
static bool take_line(struct lines *l, struct view *line)
{
	const uint8_t *feed = memchr(l->at, '\n', (size_t)(l->end - l->at));

	if (feed == NULL || feed == l->at || feed[-1] != '\r')
		return false;
	*line = view_of(l->at, (size_t)(feed - 1 - l->at));
	l->at = feed + 1;
	return true;
}

/* "HTTP/1.1" (9112 2.3). A higher minor number speaks 1.1 as well. */
static enum http_fault take_version(struct http_head *head, struct view text)
{
	if (text.length != 8 || memcmp(text.data, "HTTP/", 5) != 0 ||
		!http_is_digit(text.data[5]) || text.data[6] != '.' || !http_is_digit(text.data[7]))
		return HTTP_REQUEST_LINE;
	if (text.data[5] != '1')
		return HTTP_VERSION;
	head->minor = text.data[7] > '0';
	return HTTP_OK;
}

/* The authority of an absolute target, and what follows it. */
static bool split_absolute(struct http_head *head, struct view *rest)
{
	struct view scheme = view_part(*rest, 0, 7);
	size_t skip = 7, end;

	if (!http_text_is(scheme, "http://")) {
		if (!http_text_is(view_part(*rest, 0, 8), "https://"))
			return false;
		skip = 8;
	}
	*rest = view_part(*rest, skip, rest->length);
	for (end = 0; end < rest->length; end++)
		if (rest->data[end] == '/' || rest->data[end] == '?')
			break;
	head->host = view_part(*rest, 0, end);
	*rest = view_part(*rest, end, rest->length);
	return head->host.length > 0 && http_all(&http_host, head->host);
}

static void split_query(struct http_head *head, struct view rest)
{
	const uint8_t *mark = rest.length > 0 ? memchr(rest.data, '?', rest.length) : NULL;
	size_t path = mark != NULL ? (size_t)(mark - rest.data) : rest.length;

	head->path = path > 0 ? view_part(rest, 0, path) : view_text("/");
	head->has_query = mark != NULL;
	head->query = view_part(rest, path + 1, rest.length);
}

/* The four forms of 9112 3.2. */
static enum http_fault take_target(struct http_head *head)
{
	struct view rest = head->target;

	if (rest.length == 0 || !http_all(&http_target, rest) ||
		memchr(rest.data, '#', rest.length) != NULL)
		return HTTP_TARGET;
	if (head->method == CONNECT) { /* authority-form */
		head->host = rest;
		return http_all(&http_host, rest) ? HTTP_OK : HTTP_TARGET;
	}
	if (rest.data[0] == '/') { /* origin-form */
		split_query(head, rest);
		return HTTP_OK;
	}
	if (head->method == OPTIONS && rest.length == 1 && rest.data[0] == '*') {
		head->path = rest; /* asterisk-form */
		return HTTP_OK;
	}
	if (!split_absolute(head, &rest))
		return HTTP_TARGET;
	split_query(head, rest);
	return HTTP_OK;
}

static enum http_fault take_request_line(struct http_head *head, struct view line)
{
	const uint8_t *end = line.data + line.length;
	const uint8_t *blank = http_skip(&http_token, line.data, end), *second;
	enum http_fault fault;

	if (blank == line.data || blank == end || *blank != ' ')
		return HTTP_REQUEST_LINE;
	head->method_text = view_of(line.data, (size_t)(blank - line.data));
	head->method = http_method_of(head->method_text);
	second = memchr(blank + 1, ' ', (size_t)(end - blank - 1));
	if (second == NULL)
		return HTTP_REQUEST_LINE;
	head->target = view_of(blank + 1, (size_t)(second - blank - 1));
	fault = take_version(head, view_of(second + 1, (size_t)(end - second - 1)));
	return fault != HTTP_OK ? fault : take_target(head);
}

static enum http_fault take_status_line(struct http_head *head, struct view line)
{
	const uint8_t *p = line.data;

	if (line.length < 12 || take_version(head, view_part(line, 0, 8)) != HTTP_OK ||
		p[8] != ' ' || !http_is_digit(p[9]) || !http_is_digit(p[10]) ||
		!http_is_digit(p[11]) || p[9] == '0' || (line.length > 12 && p[12] != ' '))
		return HTTP_STATUS_LINE;
	head->status = (unsigned)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	head->reason = view_part(line, 13, line.length);
	return http_all(&http_value, head->reason) ? HTTP_OK : HTTP_STATUS_LINE;
}

/* 9112 5: no blanks before the colon, no folding, no control characters. */
static enum http_fault take_field(struct http_field *field, struct view line)
{
	const uint8_t *end = line.data + line.length;
	const uint8_t *colon = http_skip(&http_token, line.data, end);

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return HTTP_FIELD_FOLDED;
	if (colon == line.data || colon == end || *colon != ':')
		return HTTP_FIELD_NAME;
	field->name = view_of(line.data, (size_t)(colon - line.data));
	field->value = view_of(colon + 1, (size_t)(end - colon - 1));
	if (!http_all(&http_value, field->value))
		return memchr(field->value.data, '\r', field->value.length) != NULL
			       ? HTTP_LINE_END
			       : HTTP_FIELD_VALUE;
	field->value = http_trim(field->value);
	return HTTP_OK;
}

static enum http_fault take_fields(struct lines *l, struct http_field *fields, unsigned *count)
{
	enum http_fault fault = HTTP_OK;
	struct view line;

	for (*count = 0; take_line(l, &line);) {
		if (line.length == 0)
			return HTTP_OK;
		if (*count == HTTP_FIELDS_MAX)
			return HTTP_TOO_MANY_FIELDS;
		fault = take_field(&fields[(*count)++], line);
		if (fault != HTTP_OK)
			return fault;
	}
	return HTTP_LINE_END;
}

static enum http_fault parse(struct http_head *head, struct view bytes,
	enum http_fault (*take_start)(struct http_head *head, struct view line))
{
	struct lines l = lines_of(bytes);
	enum http_fault fault;
	struct view line;

	/* All but the fields, of which the first `field_count` are set. */
	memset(head, 0, offsetof(struct http_head, fields));
	head->field_count = 0;
	skip_empty_lines(&l);
	if (!take_line(&l, &line))
		return HTTP_LINE_END;
	fault = take_start(head, line);
	if (fault == HTTP_OK)
		fault = take_fields(&l, head->fields, &head->field_count);
	head->length = (size_t)(l.at - bytes.data);
	return fault;
}

enum http_fault http_request_parse(struct http_head *head, struct view bytes)
{
	enum http_fault fault = parse(head, bytes, take_request_line);

	return fault != HTTP_OK ? fault : http_frame_request(head);
}

enum http_fault http_response_parse(
	struct http_head *head, struct view bytes, enum http_method method)
{
	enum http_fault fault = parse(head, bytes, take_status_line);

	return fault != HTTP_OK ? fault : http_frame_response(head, method);
}

enum http_fault http_fields_parse(
	struct http_field *fields, unsigned *count, struct view bytes, size_t *length)
{
	struct lines l = lines_of(bytes);
	enum http_fault fault = take_fields(&l, fields, count);

	*length = (size_t)(l.at - bytes.data);
	return fault;
}

bool http_head_field(const struct http_head *head, const char *name, struct view *value)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		if (http_text_is(head->fields[i].name, name)) {
			*value = head->fields[i].value;
			return true;
		}
	}
	return false;
}
