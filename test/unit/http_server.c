/*
 * The HTTP server on a wire: clients that end in the middle, are slow, or ask for too much. Under sanitizers, so that
 * a handler that reads what is gone fails the test. What images do with real clients: test/e2e/http.py.
 */
#include "diatom/http.h"

#include "diatom/http_client.h"
#include "diatom/websocket.h"
#include "test/pair.h"

#define HOST "Host: a\r\n"

static unsigned handled;

/* What it asks after a pause must be what the client sent, wherever the client is by then. */
static void look_again(struct http_request *r, void *unused)
{
	struct view value;

	sleep_for(MILLISECONDS(40));
	CHECK(view_equal(http_path(r), view_text("/late")));
	CHECK(view_equal(http_method_name(r), view_text("GET")));
	CHECK(view_equal(http_target_text(r), view_text("/late?q=1")));
	CHECK(http_field(r, "x-word", &value) && view_equal(value, view_text("kept")));
	http_reply_text(r, 200, "here\n");
	handled++;
}

static void name(struct http_request *r, void *unused)
{
	http_reply(r, 200, NULL, http_param(r, "name"));
}

static void echo(struct http_request *r, void *unused)
{
	static char room[256];
	struct view body;

	http_reply_text(r, 200, http_read_all(r, room, sizeof(room) - 1, &body) == OK ? room : "-");
	memset(room, 0, sizeof(room));
}

static void long_type(struct http_request *r, void *unused)
{
	char type[1024];

	memset(type, 'a', sizeof(type));
	type[sizeof(type) - 1] = '\0';
	CHECK_EQUAL(http_reply(r, 200, type, view_text("x")), INVALID_VALUE);
	CHECK_EQUAL(http_reply(r, 200, "a/b\r\nSet-Cookie: x", view_text("x")), INVALID_VALUE);
	type[256] = '\0';
	for (unsigned i = 0; i < 64; i++)
		http_add(r, "X-Much", view_of(type, 40));
	http_reply(r, 200, type, view_text("x"));
}

static void ignore(struct http_request *r, void *unused)
{
	http_reply_text(r, 200, "not read\n");
}

static void chat(struct http_request *r, void *unused)
{
	uint8_t room[64];
	struct websocket w;

	/* Of the client's two the first that we speak. */
	if (!websocket_protocol(r, "c") && !websocket_protocol(r, "b"))
		websocket_protocol(r, "a");
	websocket_open(&w, r, room, sizeof(room));
}

static enum status tunnel_status;

/* To the server of the test's own, at the other end of the wire. */
static void tunnel(struct http_request *r, void *unused)
{
	const struct http_client_options options = { .to = { address_v4(0x0a000001), 81 } };
	struct http_client *client = http_client_open(&right.net, &options);
	struct http_call *call;

	CHECK_EQUAL(
		http_call_open(client, view_text("GET"), view_text("/"), view_of(NULL, 0), &call),
		OK);
	CHECK_EQUAL(http_call_upgrade(call, view_text("shout")), OK);
	CHECK_EQUAL(http_call_send(call, view_of(NULL, 0)), OK);
	tunnel_status = http_call_receive(call);
	if (tunnel_status == OK)
		tunnel_status = http_forward_upgrade(call, r, 100);
	http_call_close(call);
	http_client_close(client);
}

static void serve(void *unused)
{
	static const struct http_route routes[] = {
		{ GET, "/late", look_again, NULL },
		{ GET, "/name/:name", name, NULL },
		{ POST, "/echo", echo, NULL },
		{ GET, "/type", long_type, NULL },
		{ POST, "/ignore", ignore, NULL },
		{ GET, "/chat", chat, NULL },
		{ GET, "/tunnel", tunnel, NULL },
	};

	http_serve_with(&right.net, &(struct http_options){
					    .routes = routes,
					    .route_count = ARRAY_LEN(routes),
					    .head_ms = 100,
					    .idle_ms = 1000,
					    .body_ms = 10000,
					    .handlers = 2,
				    });
}

static struct tcp *connect_to_server(void)
{
	static bool is_started;
	struct tcp *c;

	pair_start();
	if (!is_started) {
		is_started = true;
		fiber_detach(fiber_start("server", serve, NULL));
		sleep_for(MILLISECONDS(1));
	}
	c = tcp_connect(&left.net, right_address(), 80, in_seconds(5));
	CHECK(c != NULL);
	return c;
}

static char got[65536];

/* All that comes until the connection ends, or nothing does for a while. */
static enum status read_all(struct tcp *c, int patience_ms)
{
	size_t used = 0;
	struct view bytes;
	enum status status;

	while ((status = tcp_read(c, &bytes, in_ms(patience_ms))) == OK) {
		bytes = view_part(bytes, 0, sizeof(got) - 1 - used);
		memcpy(got + used, bytes.data, bytes.length);
		used += bytes.length;
	}
	got[used] = '\0';
	return status;
}

static enum status ask(const char *request)
{
	struct tcp *c = connect_to_server();
	enum status status;

	CHECK_EQUAL(tcp_write(c, view_text(request), in_seconds(5)), OK);
	status = read_all(c, 4000);
	tcp_close(c);
	return status;
}

static bool has(const char *part)
{
	return strstr(got, part) != NULL;
}

static void client_resets_in_the_middle(void)
{
	static const char request[] = "GET /late?q=1 HTTP/1.1\r\n" HOST "X-Word: kept\r\n\r\n";
	struct tcp *c = connect_to_server(), *other;

	handled = 0;
	CHECK_EQUAL(tcp_write(c, view_text(request), in_seconds(5)), OK);
	sleep_for(MILLISECONDS(10));
	tcp_abort(c);
	/* Whoever comes next gets the buffers that are free. */
	other = connect_to_server();
	for (unsigned i = 0; i < 8; i++) {
		tcp_write(other, view_text("GET /name/other HTTP/1.1\r\n" HOST "\r\n"),
			in_seconds(5));
		sleep_for(MILLISECONDS(2));
	}
	sleep_for(MILLISECONDS(60));
	CHECK_EQUAL(handled, 1);
	tcp_abort(other);
}

/* Its reply is not destroyed by a reset: bytes that came are read before the end. */
static void slow_head_is_told(void)
{
	struct tcp *c = connect_to_server();

	CHECK_EQUAL(tcp_write(c, view_text("GET /name/x HTTP/1.1\r\nHo"), in_seconds(5)), OK);
	CHECK_EQUAL(read_all(c, 2000), CLOSED);
	CHECK(strncmp(got, "HTTP/1.1 408 ", 13) == 0);
	CHECK(has("\r\nDate: ") && has("\r\nConnection: close\r\n"));
	tcp_close(c);
}

/* More clients than handlers, each of whose bodies never comes: they hold up the next one for a second. */
static void unread_bodies_hold_nothing(void)
{
	struct tcp *slow[4];
	instant start;

	for (unsigned i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = connect_to_server();
		tcp_write(slow[i],
			view_text("POST /ignore HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n"),
			in_seconds(5));
	}
	sleep_for(MILLISECONDS(10));
	start = time_now();
	CHECK_EQUAL(ask("GET /name/x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), CLOSED);
	CHECK(has("\r\n\r\nx") && time_now() - start < SECONDS(3));
	for (unsigned i = 0; i < ARRAY_LEN(slow); i++) {
		read_all(slow[i], 1500);
		CHECK(has("not read"));
		tcp_close(slow[i]);
	}
}

static void refusals(void)
{
	static char line[9100], fields[9100];
	const struct {
		const char *request, *status, *part;
	} rows[] = {
		{ line, "414", "Connection: close\r\n" },
		{ fields, "431", "Connection: close\r\n" },
		{ "POST /name/x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "405",
			"Allow: GET, HEAD\r\n" },
		{ "BREW /name/x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "501", "" },
		{ "BREW /pot HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "404", "" },
		{ "GET /chat HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "426",
			"Upgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Version: 13\r\n" },
		{ "GET /type HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "200", "aaa\r\n" },
	};

	memset(line, 'a', sizeof(line) - 1);
	memcpy(line, "GET /", 5);
	memset(fields, 'a', sizeof(fields) - 1);
	memcpy(fields, "GET / HTTP/1.1\r\nX: ", 19);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_EQUAL(ask(rows[i].request), CLOSED);
		if (strncmp(got + 9, rows[i].status, 3) != 0 || !has(rows[i].part))
			CHECK_FAIL("%.40s: %s", rows[i].request, got);
	}
}

static void a_subprotocol(void)
{
	static const char text[] =
		"GET /chat HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

	CHECK_EQUAL(ask(text), CLOSED);
	CHECK(strncmp(got, "HTTP/1.1 101 ", 13) == 0);
	CHECK(has("\r\nSec-WebSocket-Protocol: b\r\n") && !has("Protocol: a"));
	CHECK(has("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

static struct tcp *inner; /* the tunnel's far end */

static void accept_inner(void *listener)
{
	CHECK_EQUAL(tcp_accept(listener, &inner, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_peek(inner, 60, &(struct view){ 0 }, in_seconds(5)), OK);
	CHECK_EQUAL(tcp_write(inner,
			    view_text("HTTP/1.1 101 Go\r\nConnection: upgrade\r\n"
				      "Upgrade: shout\r\n\r\nhi"),
			    in_seconds(5)),
		OK);
	tcp_consume(inner, tcp_readable(inner));
}

/* Both ends of a tunnel, through which "hi" has come already. */
static struct tcp *open_tunnel(struct tcp_listener **listener)
{
	struct tcp *c = connect_to_server();
	struct fiber *acceptor;
	struct view bytes;

	*listener = tcp_listen(&left.net, 81);
	acceptor = fiber_start("acceptor", accept_inner, *listener);
	CHECK_EQUAL(
		tcp_write(c, view_text("GET /tunnel HTTP/1.1\r\n" HOST "\r\n"), in_seconds(5)), OK);
	fiber_join(acceptor);
	CHECK_EQUAL(tcp_peek(c, 75, &bytes, in_seconds(5)), OK);
	CHECK(bytes.length == 75 && memcmp(bytes.data + 73, "hi", 2) == 0);
	tcp_consume(c, bytes.length);
	return c;
}

static void tunnels_end(void)
{
	enum end { IDLE, SERVER_FIN, CLIENT_FIN, CLIENT_RESET, SERVER_RESET, ENDS };

	for (enum end how = IDLE; how < ENDS; how++) {
		struct tcp_listener *listener;
		struct tcp *c = open_tunnel(&listener);
		instant start = time_now();
		struct view bytes;

		tunnel_status = EMPTY;
		CHECK_EQUAL(tcp_write(c, view_text("ping"), in_seconds(1)), OK);
		CHECK_EQUAL(tcp_peek(inner, 4, &bytes, in_seconds(1)), OK);
		CHECK(view_equal(bytes, view_text("ping")));
		tcp_consume(inner, 4);
		if (how == SERVER_FIN)
			tcp_shutdown(inner);
		if (how == CLIENT_FIN) {
			tcp_shutdown(c);
			CHECK_EQUAL(tcp_read(inner, &bytes, in_seconds(1)), CLOSED);
			CHECK_EQUAL(tcp_write(inner, view_text("last"), in_seconds(1)), OK);
			tcp_shutdown(inner);
			CHECK_EQUAL(tcp_read(c, &bytes, in_seconds(1)), OK);
			CHECK(view_equal(bytes, view_text("last")));
		}
		if (how == SERVER_RESET)
			tcp_abort(inner);
		if (how == CLIENT_RESET)
			tcp_abort(c);
		else
			CHECK_EQUAL(tcp_read(c, &bytes, in_seconds(1)), CLOSED);
		sleep_for(MILLISECONDS(150));
		CHECK_EQUAL(tunnel_status, OK);
		CHECK(how != IDLE || time_now() - start >= MILLISECONDS(100));
		if (how != CLIENT_RESET)
			tcp_close(c);
		if (how != SERVER_RESET)
			tcp_close(inner);
		tcp_unlisten(listener);
		sleep_for(MILLISECONDS(2));
	}
}

/* Without what says when. */
static void drop_dates(void)
{
	for (char *at = got; (at = strstr(at, "Date: ")) != NULL; at += 6)
		memset(at + 6, '#', 29);
}

/* Wherever the stream is cut, the replies are the same. */
static void cuts_change_nothing(void)
{
	static const char text[] =
		"\r\nGET /name/one HTTP/1.1\r\n" HOST "\r\n"
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n"
		"X-Late: z\r\n\r\n"
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxy"
		"GET /name/two HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
	static char whole[sizeof(got)];

	CHECK_EQUAL(ask(text), CLOSED);
	drop_dates();
	memcpy(whole, got, sizeof(got));
	CHECK(has("\r\n\r\none") && has("\r\n\r\nabcd") && has("\r\n\r\nxy") && has("\r\n\r\ntwo"));
	for (size_t cut = 1; cut < sizeof(text) - 1 && !check_failed; cut++) {
		struct tcp *c = connect_to_server();

		tcp_set(c, TCP_NO_DELAY, 1);
		tcp_write(c, view_of(text, cut), in_seconds(5));
		sleep_for(MICROSECONDS(200));
		tcp_write(c, view_of(text + cut, sizeof(text) - 1 - cut), in_seconds(5));
		CHECK_EQUAL(read_all(c, 2000), CLOSED);
		drop_dates();
		if (strcmp(got, whole) != 0)
			CHECK_FAIL("cut at %zu: %s", cut, got);
		tcp_close(c);
	}
}

int main(void)
{
	return RUN(TEST(client_resets_in_the_middle), TEST(slow_head_is_told),
		TEST(unread_bodies_hold_nothing), TEST(refusals), TEST(a_subprotocol),
		TEST(tunnels_end), TEST(cuts_change_nothing));
}
