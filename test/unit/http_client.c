/*
 * The HTTP client by itself, against a server that says what its row tells it to: every way for a response to end, be
 * wrong, or come late.
 *
 *     client, left ==== wire ==== right, the server: reads a request's head, plays one row
 */
#include "diatom/http_client.h"

#include "test/pair.h"
#include "wire/http.h"

enum ending { KEEP, CLOSE, RESET, SILENCE };

/* What the server does with one request: up to two writes, with a pause between, and an end. */
struct play {
	const char *first, *second;
	enum ending ending;
};

static const struct play *plays;
static unsigned play_count, played, connections;
static char heard[8][2048]; /* the requests */

static bool hear_request(struct tcp *c, char *text, size_t room)
{
	size_t used = 0;
	struct view bytes;

	text[0] = '\0';
	while (strstr(text, "\r\n\r\n") == NULL) {
		if (tcp_read(c, &bytes, in_seconds(2)) != OK)
			return false;
		bytes = view_part(bytes, 0, room - 1 - used);
		memcpy(text + used, bytes.data, bytes.length);
		used += bytes.length;
		text[used] = '\0';
	}
	return true;
}

static void say(struct tcp *c, const char *text)
{
	if (text != NULL)
		tcp_write(c, view_text(text), in_seconds(2));
}

/* Serves one connection, row after row, until a row ends it. */
static void play_connection(void *connection)
{
	struct tcp *c = connection;
	enum ending ending = KEEP;

	while (ending == KEEP && played < play_count) {
		const struct play *play = &plays[played];

		if (!hear_request(c, heard[played % ARRAY_LEN(heard)], sizeof(heard[0])))
			break;
		played++;
		say(c, play->first);
		if (play->second != NULL)
			sleep_for(MILLISECONDS(5));
		say(c, play->second);
		ending = play->ending;
	}
	if (ending == RESET)
		tcp_drain(c, in_seconds(1));
	if (ending == SILENCE || ending == KEEP)
		sleep_for(MILLISECONDS(400));
	if (ending == RESET)
		tcp_abort(c);
	else
		tcp_close(c);
}

static void accept_all(void *listener)
{
	struct tcp *c;

	while (tcp_accept(listener, &c, FOREVER) == OK) {
		connections++;
		fiber_detach(fiber_start("play", play_connection, c));
	}
}

static struct http_client *client;

/* A client of its own for each test, with short limits; and what the server is to do. */
static void begin(const struct play *rows, unsigned count)
{
	static bool is_started;
	struct http_client_options options = {
		.to = { right_address(), 80 },
		.host = "example.org",
		.head_ms = 100,
		.body_ms = 100,
		.connect_ms = 200,
		.body_bytes = 1000,
		.connections = 4,
	};

	pair_start();
	if (!is_started) {
		is_started = true;
		fiber_detach(fiber_start("accept", accept_all, tcp_listen(&right.net, 80)));
	}
	plays = rows;
	play_count = count;
	played = connections = 0;
	client = http_client_open(&left.net, &options);
	CHECK(client != NULL);
}

static void end(void)
{
	http_client_close(client);
	sleep_for(MILLISECONDS(2));
}

static char room[2048];

/* One GET: its status and what reading its body came to; both OK for a response that is whole. */
static enum status get(const char *method, unsigned *code, enum status *read)
{
	struct http_call *call;
	struct view body;
	enum status status = http_call_open(
		client, view_text(method), view_text("/x?y"), view_of(NULL, 0), &call);

	*code = 0;
	*read = OK;
	status = status == OK ? http_call_send(call, view_of(NULL, 0)) : status;
	status = status == OK ? http_call_receive(call) : status;
	if (status == OK) {
		*code = http_call_status(call);
		*read = http_call_read_all(call, room, sizeof(room) - 1, &body);
		room[body.length] = '\0';
	}
	http_call_close(call);
	return status;
}

#define OK_HEAD	   "HTTP/1.1 200 OK\r\n"
#define CHUNK_HEAD OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

static char long_head[9000], many_fields[9000], long_body[1002];

static void responses(void)
{
	const struct {
		const char *name, *method;
		struct play play;
		enum status status, read;
		unsigned code;
		const char *body;
		bool is_kept;
	} rows[] = {
		{ "length", "GET", { OK_HEAD "Content-Length: 5\r\n\r\nhel", "lo", KEEP }, OK, OK,
			200, "hello", true },
		{ "nothing", "GET", { OK_HEAD "Content-Length: 0\r\n\r\n", NULL, KEEP }, OK, OK,
			200, "", true },
		{ "cut head", "GET", { "HTTP/1.1 2", "00 OK\r\nContent-Length: 1\r\n\r\na", KEEP },
			OK, OK, 200, "a", true },
		{ "chunks", "GET", { CHUNK_HEAD "3\r\nabc\r\n2;x=", "y\r\nde\r\n0\r\n\r\n", KEEP },
			OK, OK, 200, "abcde", true },
		{ "trailers", "GET", { CHUNK_HEAD "1\r\na\r\n0\r\nX-Sum: 1\r\n", "\r\n", KEEP }, OK,
			OK, 200, "a", true },
		{ "until close", "GET", { OK_HEAD "\r\nall ", "of it", CLOSE }, OK, OK, 200,
			"all of it", false },
		{ "1.0", "GET", { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", NULL, KEEP }, OK,
			OK, 200, "a", false },
		{ "1.0 kept", "GET",
			{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
				NULL, KEEP },
			OK, OK, 200, "a", true },
		{ "says close", "GET",
			{ OK_HEAD "Connection: close\r\nContent-Length: 1\r\n\r\na", NULL, KEEP },
			OK, OK, 200, "a", false },
		{ "HEAD", "HEAD", { OK_HEAD "Content-Length: 500\r\n\r\n", NULL, KEEP }, OK, OK,
			200, "", true },
		{ "HEAD, chunked", "HEAD", { CHUNK_HEAD, NULL, KEEP }, OK, OK, 200, "", true },
		{ "204", "GET", { "HTTP/1.1 204 No\r\n\r\n", NULL, KEEP }, OK, OK, 204, "", true },
		{ "304", "GET", { "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", NULL, KEEP }, OK,
			OK, 304, "", true },
		{ "redirect", "GET",
			{ "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", NULL,
				KEEP },
			OK, OK, 302, "", true },
		{ "interim", "GET",
			{ "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n",
				OK_HEAD "Content-Length: 1\r\n\r\na", KEEP },
			OK, OK, 200, "a", true },
		{ "no reason", "GET", { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", NULL, KEEP },
			OK, OK, 200, "", true },
		{ "status 999", "GET",
			{ "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", NULL, KEEP }, OK, OK, 999,
			"", true },
		/* ended in the middle */
		{ "no response", "GET", { NULL, NULL, CLOSE }, CLOSED, OK, 0, NULL, false },
		{ "reset", "GET", { NULL, NULL, RESET }, REFUSED, OK, 0, NULL, false },
		{ "half a head", "GET", { "HTTP/1.1 200 OK\r\nX", NULL, CLOSE }, CLOSED, OK, 0,
			NULL, false },
		{ "short body", "GET", { OK_HEAD "Content-Length: 9\r\n\r\nabc", NULL, CLOSE }, OK,
			MALFORMED, 200, NULL, false },
		{ "reset body", "GET", { OK_HEAD "Content-Length: 9\r\n\r\nabc", NULL, RESET }, OK,
			REFUSED, 200, NULL, false },
		{ "cut chunk", "GET", { CHUNK_HEAD "5\r\nabc", NULL, CLOSE }, OK, MALFORMED, 200,
			NULL, false },
		{ "no last chunk", "GET", { CHUNK_HEAD "3\r\nabc\r\n", NULL, CLOSE }, OK, MALFORMED,
			200, NULL, false },
		{ "cut trailers", "GET", { CHUNK_HEAD "0\r\nX: y\r\n", NULL, CLOSE }, OK, MALFORMED,
			200, NULL, false },
		/* late */
		{ "silence", "GET", { NULL, NULL, SILENCE }, TIMED_OUT, OK, 0, NULL, false },
		{ "half a head, then silence", "GET", { OK_HEAD "X: y", NULL, SILENCE }, TIMED_OUT,
			OK, 0, NULL, false },
		{ "half a body, then silence", "GET",
			{ OK_HEAD "Content-Length: 9\r\n\r\nabc", NULL, SILENCE }, OK, TIMED_OUT,
			200, NULL, false },
		/* too much */
		{ "a long head", "GET", { long_head, NULL, CLOSE }, TOO_LONG, OK, 0, NULL, false },
		{ "many fields", "GET", { many_fields, NULL, CLOSE }, MALFORMED, OK, 0, NULL,
			false },
		{ "a long body", "GET",
			{ OK_HEAD "Content-Length: 1001\r\n\r\n", long_body, CLOSE }, OK, TOO_LONG,
			200, NULL, false },
		/* what two readers could understand differently */
		{ "garbage", "GET", { "SSH-2.0-x\r\n\r\n", NULL, CLOSE }, MALFORMED, OK, 0, NULL,
			false },
		{ "two lengths", "GET",
			{ OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", NULL, CLOSE },
			MALFORMED, OK, 0, NULL, false },
		{ "a list of lengths", "GET",
			{ OK_HEAD "Content-Length: 1, 1\r\n\r\na", NULL, CLOSE }, MALFORMED, OK, 0,
			NULL, false },
		{ "length and chunks", "GET",
			{ OK_HEAD
				"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
				NULL, CLOSE },
			MALFORMED, OK, 0, NULL, false },
		{ "two codings", "GET",
			{ OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", NULL,
				CLOSE },
			MALFORMED, OK, 0, NULL, false },
		{ "chunks in 1.0", "GET",
			{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL,
				CLOSE },
			MALFORMED, OK, 0, NULL, false },
		{ "folded field", "GET",
			{ OK_HEAD "X: y\r\n z\r\nContent-Length: 0\r\n\r\n", NULL, CLOSE },
			MALFORMED, OK, 0, NULL, false },
		{ "blank before a colon", "GET",
			{ OK_HEAD "Content-Length : 0\r\n\r\n", NULL, CLOSE }, MALFORMED, OK, 0,
			NULL, false },
		{ "bare line feeds", "GET",
			{ "HTTP/1.1 200 OK\nContent-Length: 0\n\n", NULL, CLOSE }, MALFORMED, OK, 0,
			NULL, false },
		{ "a bare CR", "GET", { OK_HEAD "X: a\rb\r\n\r\n", NULL, CLOSE }, MALFORMED, OK, 0,
			NULL, false },
		{ "chunk with a bare line feed", "GET",
			{ CHUNK_HEAD "1\na\r\n0\r\n\r\n", NULL, CLOSE }, OK, MALFORMED, 200, NULL,
			false },
		{ "chunk that is longer than it says", "GET",
			{ CHUNK_HEAD "1\r\nab\r\n0\r\n\r\n", NULL, CLOSE }, OK, MALFORMED, 200,
			NULL, false },
		{ "a response to another request behind it", "GET",
			{ OK_HEAD "Content-Length: 1\r\n\r\na" OK_HEAD
				  "Content-Length: 4\r\n\r\nevil",
				NULL, KEEP },
			OK, OK, 200, "a", false },
		{ "101 that nobody asked for", "GET",
			{ "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", NULL,
				CLOSE },
			MALFORMED, OK, 0, NULL, false },
	};

	memset(long_body, 'b', sizeof(long_body) - 1);
	memset(long_head, 'a', sizeof(long_head) - 1);
	memcpy(long_head, OK_HEAD "X: ", strlen(OK_HEAD) + 3);
	strcpy(many_fields, OK_HEAD);
	for (unsigned i = 0; i <= HTTP_FIELDS_MAX; i++)
		strcat(many_fields, "A: b\r\n");
	strcat(many_fields, "\r\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct play both[] = { rows[i].play,
			{ OK_HEAD "Content-Length: 4\r\n\r\nnext", NULL, KEEP } };
		enum status status, read;
		unsigned code;

		begin(both, 2);
		status = get(rows[i].method, &code, &read);
		if (status != rows[i].status || read != rows[i].read || code != rows[i].code ||
			(rows[i].body != NULL && strcmp(room, rows[i].body) != 0))
			CHECK_FAIL("%s: %s, %u, %s", rows[i].name, status_text(status), code,
				status_text(read));
		/* The next call gets its own response, whatever came before, on the connection or another. */
		if (get("GET", &code, &read) != OK || strcmp(room, "next") != 0)
			CHECK_FAIL("%s: the next call: %u %s", rows[i].name, code, room);
		if ((connections == 1) != rows[i].is_kept)
			CHECK_FAIL("%s: %u connections", rows[i].name, connections);
		end();
	}
}

static void requests_as_sent(void)
{
	static const struct play rows[] = {
		{ OK_HEAD "Content-Length: 0\r\n\r\n", NULL, KEEP },
		{ OK_HEAD "Content-Length: 0\r\n\r\n", NULL, KEEP },
		{ OK_HEAD "Content-Length: 0\r\n\r\n", NULL, KEEP },
	};
	enum status read;
	unsigned code;
	struct http_call *call;

	begin(rows, 3);
	CHECK_EQUAL(get("GET", &code, &read), OK);
	CHECK_TEXT(heard[0], "GET /x?y HTTP/1.1\r\nHost: example.org\r\n\r\n");
	CHECK_EQUAL(get("POST", &code, &read), OK);
	CHECK_TEXT(
		heard[1], "POST /x?y HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n");
	/* What would become fields or requests of its own is refused. */
	CHECK_EQUAL(http_call_open(client, view_text("GET"), view_text("/ HTTP/1.1\r\nX: y"),
			    view_of(NULL, 0), &call),
		INVALID_VALUE);
	CHECK_EQUAL(
		http_call_open(client, view_text("G T"), view_text("/"), view_of(NULL, 0), &call),
		INVALID_VALUE);
	CHECK_EQUAL(http_call_open(client, view_text("GET"), view_text("/"), view_text("a\r\nX: y"),
			    &call),
		INVALID_VALUE);
	CHECK(call == NULL);
	CHECK_EQUAL(
		http_call_open(client, view_text("GET"), view_text("/"), view_text("b:1"), &call),
		OK);
	CHECK_EQUAL(http_call_add(call, view_text("X"), view_text("a\nb")), INVALID_VALUE);
	CHECK_EQUAL(http_call_add(call, view_text("X:"), view_text("a")), INVALID_VALUE);
	CHECK_EQUAL(http_call_add(call, view_text("X"), view_text("a")), OK);
	CHECK_EQUAL(http_call_begin(call, HTTP_CHUNKS), OK);
	CHECK_EQUAL(http_call_add(call, view_text("Y"), view_text("a")), IN_USE);
	CHECK_EQUAL(http_call_write(call, view_text("hello")), OK);
	CHECK_EQUAL(http_call_end(call), OK);
	CHECK_EQUAL(http_call_receive(call), OK);
	CHECK(strncmp(heard[2],
		      "GET / HTTP/1.1\r\nHost: b:1\r\nX: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		      66) == 0);
	http_call_close(call);
	end();
}

static void bodies_of_requests(void)
{
	static const struct play rows[] = { { OK_HEAD "Content-Length: 0\r\n\r\n", NULL, CLOSE },
		{ OK_HEAD "Content-Length: 0\r\n\r\n", NULL, CLOSE } };
	struct http_call *call;

	begin(rows, 2);
	CHECK_EQUAL(
		http_call_open(client, view_text("PUT"), view_text("/"), view_of(NULL, 0), &call),
		OK);
	CHECK_EQUAL(http_call_write(call, view_text("x")), INVALID_VALUE);
	CHECK_EQUAL(http_call_begin(call, 3), OK);
	CHECK_EQUAL(http_call_write(call, view_text("hello")), MALFORMED); /* more than promised */
	http_call_close(call);
	CHECK_EQUAL(
		http_call_open(client, view_text("PUT"), view_text("/"), view_of(NULL, 0), &call),
		OK);
	CHECK_EQUAL(http_call_begin(call, 3), OK);
	CHECK_EQUAL(http_call_write(call, view_text("he")), OK);
	CHECK_EQUAL(http_call_end(call), MALFORMED); /* less */
	http_call_close(call);
	end();
}

/* 100 is passed over; it may come although nobody asked for it. */
static void continues(void)
{
	static const struct play rows[] = { { "HTTP/1.1 100 Continue\r\n\r\n",
		OK_HEAD "Content-Length: 2\r\n\r\nok", KEEP } };
	struct http_call *call;
	struct view body, value;

	begin(rows, 1);
	CHECK_EQUAL(
		http_call_open(client, view_text("PUT"), view_text("/"), view_of(NULL, 0), &call),
		OK);
	CHECK_EQUAL(http_call_add(call, view_text("Expect"), view_text("100-continue")), OK);
	CHECK_EQUAL(http_call_send(call, view_text("body")), OK);
	CHECK_EQUAL(http_call_receive(call), OK);
	CHECK_EQUAL(http_call_status(call), 200);
	CHECK_EQUAL(http_call_read_all(call, room, sizeof(room), &body), OK);
	CHECK(view_equal(body, view_text("ok")));
	CHECK(!http_call_field(call, "x", &value));
	http_call_close(call);
	end();
}

static void trailers(void)
{
	static const struct play rows[] = { { OK_HEAD
		"Transfer-Encoding: chunked\r\nX-A: head\r\n\r\n"
		"1\r\na\r\n0\r\nX-A: trailer\r\nX-B:  b \r\n\r\n",
		NULL, KEEP } };
	struct http_call *call;
	struct view body, value;

	begin(rows, 1);
	CHECK_EQUAL(http_get(client, "/", &call), OK);
	CHECK(!http_call_trailer(call, "x-b", &value));
	CHECK_EQUAL(http_call_read_all(call, room, sizeof(room), &body), OK);
	CHECK(http_call_trailer(call, "x-b", &value) && view_equal(value, view_text("b")));
	/* One is not the other. */
	CHECK(http_call_field(call, "x-a", &value) && view_equal(value, view_text("head")));
	CHECK(http_call_trailer(call, "x-a", &value) && view_equal(value, view_text("trailer")));
	http_call_close(call);
	end();
}

/* RFC 9112 9.3.1: a kept connection that the server closes meanwhile costs an idempotent call nothing. */
static void closed_meanwhile(void)
{
	static const struct play rows[] = { { OK_HEAD "Content-Length: 0\r\n\r\n", NULL, KEEP },
		{ NULL, NULL, CLOSE }, { OK_HEAD "Content-Length: 5\r\n\r\nagain", NULL, KEEP },
		{ NULL, NULL, CLOSE } };
	enum status read;
	unsigned code;

	begin(rows, 4);
	CHECK_EQUAL(get("GET", &code, &read), OK);
	CHECK_EQUAL(
		get("GET", &code, &read), OK); /* ended on the kept one, sent again on another */
	CHECK_TEXT(room, "again");
	CHECK_EQUAL(connections, 2);
	CHECK_EQUAL(played, 3);
	CHECK_EQUAL(get("POST", &code, &read), CLOSED); /* not idempotent: once */
	CHECK_EQUAL(played, 4);
	end();
}

static void limits(void)
{
	static const struct play rows[] = { { NULL, NULL, SILENCE }, { NULL, NULL, SILENCE },
		{ NULL, NULL, SILENCE }, { NULL, NULL, SILENCE } };
	struct http_call *calls[5];

	begin(rows, 4);
	for (unsigned i = 0; i < 5; i++) {
		CHECK_EQUAL(http_call_open(client, view_text("GET"), view_text("/"),
				    view_of(NULL, 0), &calls[i]),
			OK);
		CHECK_EQUAL(http_call_send(calls[i], view_of(NULL, 0)), i < 4 ? OK : FULL);
		CHECK_EQUAL(http_call_is_begun(calls[i]), i < 4);
	}
	CHECK_EQUAL(http_call_receive(calls[4]), INVALID_VALUE);
	for (unsigned i = 0; i < 5; i++)
		http_call_close(calls[i]);
	http_call_close(NULL);
	end();
}

static void nobody_there(void)
{
	struct http_client_options options = { .to = { right_address(), 81 }, .connect_ms = 2000 };
	struct http_call *call;

	pair_start();
	client = http_client_open(&left.net, &options);
	CHECK_EQUAL(http_get(client, "/", &call), REFUSED);
	CHECK(!http_call_is_begun(call));
	http_call_close(call);
	end();
	options.connect_ms = 100;
	options.to.address = address_v4(0x0a000063); /* on the link, and nobody has it */
	client = http_client_open(&left.net, &options);
	CHECK_EQUAL(http_get(client, "/", &call), TIMED_OUT);
	http_call_close(call);
	end();
}

int main(void)
{
	return RUN(TEST(responses), TEST(requests_as_sent), TEST(bodies_of_requests),
		TEST(continues), TEST(trailers), TEST(closed_meanwhile), TEST(limits),
		TEST(nobody_there));
}
