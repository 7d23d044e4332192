/*
 * A server with a handler for each thing that the tests ask: bodies in and out, streams, events, WebSocket,
 * slow work. test/e2e/http.py talks to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <diatom/fiber.h>
#include <diatom/http.h>
#include <diatom/log.h>
#include <diatom/websocket.h>

#define ROOM_BYTES 65536

DIATOM_NET(eth0);
DIATOM_DIR(site, "http_site");
DIATOM_FIBERS(.stack_bytes = 131072, .count_max = 256);

static void echo(struct http_request *r, void *unused)
{
	static uint8_t room[1 << 20];
	struct view body, type = view_text("application/octet-stream");
	enum status status = http_read_all(r, room, sizeof(room), &body);
	char text[64];

	if (status != OK) {
		http_reply_text(r, status == TOO_LONG ? 413 : 400, status_text(status));
		return;
	}
	if (http_field(r, "content-type", &type) && type.length < sizeof(text)) {
		memcpy(text, type.data, type.length);
		text[type.length] = '\0';
		http_reply(r, 200, text, body);
	} else {
		http_reply(r, 200, "application/octet-stream", body);
	}
}

/* The body's length and sum, without keeping it. */
static void count(struct http_request *r, void *unused)
{
	unsigned long long bytes = 0, sum = 0;
	struct view part;
	enum status status;
	char text[64];

	while ((status = http_read(r, &part)) == OK) {
		bytes += part.length;
		for (size_t i = 0; i < part.length; i++)
			sum += part.data[i];
	}
	snprintf(text, sizeof(text), "%llu %llu\n", bytes, sum);
	http_reply_text(
		r, status == CLOSED ? 200 : 400, status == CLOSED ? text : status_text(status));
}

static void ignore(struct http_request *r, void *unused)
{
	http_reply_text(r, 200, "not read\n");
}

static void stream(struct http_request *r, void *unused)
{
	char text[32];

	http_begin(r, 200, "text/plain");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "line %d\n", i);
		http_write_text(r, text);
	}
}

static void events(struct http_request *r, void *unused)
{
	http_begin(r, 200, "text/event-stream");
	http_event(r, NULL, view_text("one"));
	http_event(r, "second", view_text("two\nlines"));
}

/* To wherever the query says: what comes from outside must not end up as fields of ours. */
static void jump(struct http_request *r, void *unused)
{
	char room[256];
	struct view to;

	if (http_query(r, "to", room, sizeof(room) - 1, &to) != OK)
		return;
	room[to.length] = '\0';
	if (http_redirect(r, 302, room) != OK)
		http_reply_text(r, 400, "no such place\n");
}

static void tell(struct http_request *r, void *unused)
{
	char room[256];
	struct view what;

	if (http_query(r, "what", room, sizeof(room), &what) != OK)
		return;
	http_begin(r, 200, "text/event-stream");
	http_event(r, "a\nb", what);
	http_event(r, "a", what);
}

static void form(struct http_request *r, void *unused)
{
	static char room[4096];
	char name[64], text[128];
	struct view body, value;

	if (!http_has_type(r, "application/x-www-form-urlencoded")) {
		http_reply_text(r, 415, "a form\n");
		return;
	}
	if (http_read_all(r, room, sizeof(room), &body) != OK ||
		http_form(body, "full name", name, sizeof(name), &value) != OK)
		return;
	snprintf(text, sizeof(text), "[%.*s]\n", (int)value.length, value.data);
	http_reply_text(r, 200, text);
}

/* The body back, and its sum as a trailer; the trailer of the request behind it. */
static void sum(struct http_request *r, void *unused)
{
	struct view part, trailer = view_text("-");
	unsigned sum = 0;
	char text[16];

	http_begin(r, 200, "text/plain");
	while (http_read(r, &part) == OK) {
		for (size_t i = 0; i < part.length; i++)
			sum += part.data[i];
		http_write(r, part);
	}
	http_trailer(r, "x-sum", &trailer);
	http_write(r, trailer);
	snprintf(text, sizeof(text), "%u", sum);
	http_add_trailer(r, "X-Sum", view_text(text));
}

/* More than a client's window and our queue: whoever doesn't read is left behind. */
static void flood(struct http_request *r, void *unused)
{
	static const uint8_t zeros[1 << 16];
	enum status status = http_begin(r, 200, "application/octet-stream");

	for (int i = 0; i < 1024 && status == OK; i++)
		status = http_write(r, view_of(zeros, sizeof(zeros)));
	log_info("test", "flood ended: %s", status_text(status));
}

static void slow(struct http_request *r, void *unused)
{
	sleep_for(MILLISECONDS(500));
	http_reply_text(r, 200, "slow\n");
}

static void silent(struct http_request *r, void *unused)
{
}

static void describe(struct http_request *r, void *unused)
{
	struct view path = http_path(r), user = http_param(r, "user"), query, cookie;
	struct view host = http_host_of(r);
	char text[512], room[64];

	if (http_query(r, "q", room, sizeof(room), &query) != OK)
		query = view_text("-");
	if (!http_cookie(r, "c", &cookie))
		cookie = view_text("-");
	snprintf(text, sizeof(text), "path=%.*s user=%.*s q=%.*s c=%.*s host=%.*s\n",
		(int)path.length, path.data, (int)user.length, user.data, (int)query.length,
		query.data, (int)cookie.length, cookie.data, (int)host.length, host.data);
	http_reply_text(r, 200, text);
}

static void away(struct http_request *r, void *unused)
{
	http_redirect(r, 302, "/there");
}

static void chat(struct http_request *r, void *unused)
{
	uint8_t *room = malloc(ROOM_BYTES);
	struct websocket_message m;
	struct websocket w;

	if (room != NULL && websocket_open(&w, r, room, ROOM_BYTES) == OK) {
		while (websocket_receive(&w, &m, in_seconds(10)) == OK)
			websocket_send(&w, m.is_text, m.bytes);
		websocket_close(&w, 1000);
	}
	free(room);
}

/* Limits in time are short, so that tests are; an argument, in ms, is another for all. */
int main(int argc, char **argv)
{
	static const struct http_route routes[] = {
		{ POST, "/echo", echo, NULL },
		{ PUT, "/echo", echo, NULL },
		{ POST, "/count", count, NULL },
		{ POST, "/ignore", ignore, NULL },
		{ GET, "/stream", stream, NULL },
		{ GET, "/events", events, NULL },
		{ GET, "/slow", slow, NULL },
		{ GET, "/jump", jump, NULL },
		{ GET, "/tell", tell, NULL },
		{ POST, "/form", form, NULL },
		{ POST, "/sum", sum, NULL },
		{ GET, "/flood", flood, NULL },
		{ GET, "/silent", silent, NULL },
		{ GET, "/users/:user/", describe, NULL },
		{ GET, "/users/:user", describe, NULL },
		{ GET, "/away", away, NULL },
		{ GET, "/chat", chat, NULL },
		{ GET, "/files/*", http_static, &site },
	};
	uint32_t limit_ms = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;

	return http_serve_with(&eth0, &(struct http_options){
					      .routes = routes,
					      .route_count = ARRAY_LEN(routes),
					      .body_bytes = 100 << 20,
					      .idle_ms = limit_ms != 0 ? limit_ms : 3000,
					      .head_ms = limit_ms != 0 ? limit_ms : 1500,
					      .body_ms = limit_ms != 0 ? limit_ms : 1500,
					      .write_ms = limit_ms != 0 ? limit_ms : 1500,
					      .has_access_log = true,
				      });
}
