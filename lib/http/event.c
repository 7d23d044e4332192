/*
 * Server-Sent Events (HTML Living Standard 9.2.5): lines "event: NAME", "data: LINE", and an empty one. A line
 * ends at CR, LF or CR LF, so data from elsewhere is cut at each of them: none of it is taken for a field.
 */
#include <string.h>

#include "lib/http/inner.h"

static bool ends_line(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* Takes the next line from *rest; false when it was the last. */
static bool next_line(struct view *rest, struct view *line)
{
	size_t end = 0, next;

	while (end < rest->length && !ends_line(rest->data[end]))
		end++;
	*line = view_part(*rest, 0, end);
	if (end == rest->length)
		return false;
	next = end + 1;
	if (rest->data[end] == '\r' && next < rest->length && rest->data[next] == '\n')
		next++;
	*rest = view_part(*rest, next, rest->length);
	return true;
}

static enum status write_field(struct http_request *r, const char *name, struct view value)
{
	enum status status = http_write_text(r, name);

	status = status == OK ? http_write(r, value) : status;
	return status == OK ? http_write_text(r, "\n") : status;
}

static enum status write_event(struct http_request *r, const char *event, struct view data)
{
	enum status status = OK;
	struct view line;
	bool has_more = true;

	if (event != NULL)
		status = write_field(r, "event: ", view_text(event));
	while (status == OK && has_more) {
		has_more = next_line(&data, &line);
		status = write_field(r, "data: ", line);
	}
	return status == OK ? http_write_text(r, "\n") : status;
}

enum status http_event(struct http_request *r, const char *event, struct view data)
{
	enum status status;

	if (event != NULL && strpbrk(event, "\r\n") != NULL)
		return INVALID_VALUE;
	/* Its pieces leave together. */
	tcp_set(r->connection->tcp, TCP_CORK, 1);
	status = write_event(r, event, data);
	tcp_set(r->connection->tcp, TCP_CORK, 0);
	return status;
}
