/*
 * HTTP messages, by rows: what each head means, or the fault that refuses it.
 */
#include "test/check.h"
#include "wire/http.h"
#include "wire/http_chunk.h"
#include "wire/http_condition.h"
#include "wire/http_date.h"
#include "wire/http_text.h"
#include "wire/http_url.h"

#define HOST "Host: a\r\n"

static struct http_head head;

static enum http_fault request(const char *text)
{
	return http_request_parse(&head, view_text(text));
}

static void check_view(struct view got, const char *wanted)
{
	CHECK(view_equal(got, view_text(wanted)));
}

static void request_in_full(void)
{
	CHECK_EQUAL(
		request("GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX:  y z \t\r\n\r\nrest"),
		HTTP_OK);
	CHECK_EQUAL(head.method, GET);
	CHECK_EQUAL(head.minor, 1);
	check_view(head.target, "/a/b?c=d");
	check_view(head.path, "/a/b");
	check_view(head.query, "c=d");
	check_view(head.host, "example.org:8080");
	CHECK_EQUAL(head.field_count, 2);
	check_view(head.fields[1].name, "X");
	check_view(head.fields[1].value, "y z");
	CHECK_EQUAL(head.framing, HTTP_NO_BODY);
	CHECK(head.keeps_alive);
	CHECK_EQUAL(head.length,
		strlen("GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX:  y z \t\r\n\r\n"));
}

static void request_faults(void)
{
	static const struct {
		const char *text;
		enum http_fault fault;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "GET / HTTP/1.9\r\n" HOST "\r\n", HTTP_OK },
		{ "FROB / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "GET / HTTP/1.0\r\n\r\n", HTTP_OK },
		/* request line */
		{ "GET / HTTP/1.1\n" HOST "\r\n", HTTP_LINE_END },
		{ "GET / HTTP/1.1\r\n" HOST "\n", HTTP_LINE_END },
		{ "GET  / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET /  HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ " GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET\t/ HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET / http/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET / HTTP/1.1 \r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET / HTTP/1.10\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "GET /\r\n\r\n", HTTP_REQUEST_LINE },
		{ "GET / HTTP/2.0\r\n" HOST "\r\n", HTTP_VERSION },
		{ "GE(T / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		{ "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_LINE },
		/* target */
		{ "GET /a#b HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET a HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET * HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "CONNECT /a HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET http://b/c HTTP/1.1\r\n" HOST "\r\n", HTTP_OK },
		{ "GET http:///c HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		{ "GET ftp://b/c HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET },
		/* fields */
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", HTTP_FIELD_NAME },
		{ "GET / HTTP/1.1\r\n: a\r\n\r\n", HTTP_FIELD_NAME },
		{ "GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n", HTTP_FIELD_NAME },
		{ "GET / HTTP/1.1\r\n" HOST "Ab\r\n\r\n", HTTP_FIELD_NAME },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", HTTP_FIELD_FOLDED },
		{ "GET / HTTP/1.1\r\n " HOST "\r\n", HTTP_FIELD_FOLDED },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", HTTP_LINE_END },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", HTTP_LINE_END },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", HTTP_FIELD_VALUE },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n", HTTP_FIELD_VALUE },
		{ "GET / HTTP/1.1\r\n" HOST "A: \xc3\xa4\r\n\r\n", HTTP_OK },
		{ "GET / HTTP/1.1\r\n" HOST "A:\r\n\r\n", HTTP_OK },
		/* Host */
		{ "GET / HTTP/1.1\r\n\r\n", HTTP_HOST },
		{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", HTTP_HOST },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HTTP_HOST },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP_HOST },
		{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", HTTP_HOST },
		{ "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", HTTP_OK },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_OK },
		/* length: each a way to smuggle */
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", HTTP_OK },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
			HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
			HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\n",
			HTTP_CONTENT_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", HTTP_OK },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n", HTTP_OK },
		{ "POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
			HTTP_AMBIGUOUS_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST
		  "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
			HTTP_AMBIGUOUS_LENGTH },
		{ "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
			HTTP_AMBIGUOUS_LENGTH },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
			HTTP_TRANSFER_CODING },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n",
			HTTP_FIELD_NAME },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b"
		  "chunked\r\n\r\n",
			HTTP_FIELD_VALUE },
		/* expectations */
		{ "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
			HTTP_OK },
		{ "POST / HTTP/1.1\r\n" HOST "Expect: a-cake\r\n\r\n", HTTP_EXPECTATION },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum http_fault fault = request(rows[i].text);
		size_t seen = 0;

		if (fault != rows[i].fault)
			CHECK_FAIL("%s: \"%s\", not \"%s\"", rows[i].text, http_fault_text(fault),
				http_fault_text(rows[i].fault));
		CHECK(http_head_is_complete(view_text(rows[i].text), &seen));
	}
}

static void request_means(void)
{
	static const struct {
		const char *text;
		enum http_framing framing;
		uint64_t length;
		bool keeps_alive, expects, upgrades;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_NO_BODY, 0, true, false, false },
		{ "GET / HTTP/1.0\r\n\r\n", HTTP_NO_BODY, 0, false, false, false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_NO_BODY, 0, true, false,
			false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: foo ,, Close\r\n\r\n", HTTP_NO_BODY, 0,
			false, false, false },
		{ "POST / HTTP/1.1\r\n" HOST "content-length: 007\r\n\r\n", HTTP_LENGTH, 7, true,
			false, false },
		{ "POST / HTTP/1.1\r\n" HOST "content-length: 0\r\n\r\n", HTTP_NO_BODY, 0, true,
			false, false },
		{ "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\ncontent-length: 3\r\n\r\n",
			HTTP_LENGTH, 3, true, true, false },
		{ "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", HTTP_NO_BODY, 0, true,
			false, false },
		{ "POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\ncontent-length: 3\r\n\r\n",
			HTTP_LENGTH, 3, false, false, false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			HTTP_NO_BODY, 0, true, false, true },
		{ "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n", HTTP_NO_BODY, 0, true,
			false, false },
		{ "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", HTTP_CHUNKED, 0,
			true, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_EQUAL(request(rows[i].text), HTTP_OK);
		CHECK_EQUAL(head.framing, rows[i].framing);
		CHECK_EQUAL(head.content_length, rows[i].length);
		CHECK_EQUAL(head.keeps_alive, rows[i].keeps_alive);
		CHECK_EQUAL(head.expects_continue, rows[i].expects);
		CHECK_EQUAL(head.wants_upgrade, rows[i].upgrades);
	}
}

static void targets(void)
{
	static const struct {
		const char *line, *host, *path, *query;
	} rows[] = {
		{ "GET /", "a", "/", "" },
		{ "GET /x?", "a", "/x", "" },
		{ "GET /x??y", "a", "/x", "?y" },
		{ "GET http://b.example:1/c?d", "b.example:1", "/c", "d" },
		{ "GET HTTPS://b?d", "b", "/", "d" },
		{ "GET http://b", "b", "/", "" },
		{ "OPTIONS *", "a", "*", "" },
		{ "CONNECT b:443", "b:443", "", "" },
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "%s HTTP/1.1\r\n" HOST "\r\n", rows[i].line);
		CHECK_EQUAL(request(text), HTTP_OK);
		check_view(head.host, rows[i].host);
		check_view(head.path, rows[i].path);
		check_view(head.query, rows[i].query);
	}
}

static void too_many_fields(void)
{
	char text[4096] = "GET / HTTP/1.1\r\n" HOST;

	for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++)
		strcat(text, "A: b\r\n");
	CHECK_EQUAL(request(strcat(text, "\r\n")), HTTP_OK);
	text[strlen(text) - 2] = '\0';
	CHECK_EQUAL(request(strcat(text, "A: b\r\n\r\n")), HTTP_TOO_MANY_FIELDS);
	CHECK_EQUAL(http_fault_status(HTTP_TOO_MANY_FIELDS), 431);
}

static void texts(void)
{
	static const struct {
		enum http_fault fault;
		unsigned status;
		const char *text;
	} faults[] = {
		{ HTTP_OK, 200, "fine" },
		{ HTTP_LINE_END, 400, "a line doesn't end in CR LF" },
		{ HTTP_VERSION, 505, "a version other than HTTP/1" },
		{ HTTP_STATUS_LINE, 502, "malformed status line" },
		{ HTTP_TRANSFER_CODING, 501, "a transfer coding other than chunked" },
		{ HTTP_EXPECTATION, 417, "an expectation other than 100-continue" },
		{ HTTP_FAULTS, 400, "unknown fault" },
	};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		CHECK_EQUAL(http_fault_status(faults[i].fault), faults[i].status);
		CHECK_TEXT(http_fault_text(faults[i].fault), faults[i].text);
	}
	CHECK_TEXT(http_status_text(200), "OK");
	CHECK_TEXT(http_status_text(404), "Not Found");
	CHECK_TEXT(http_status_text(507), "Insufficient Storage");
	CHECK_TEXT(http_status_text(299), "Unknown");
	for (int m = 0; m < OTHER_METHOD; m++)
		CHECK_EQUAL(http_method_of(view_text(http_method_text((enum http_method)m))), m);
	CHECK_EQUAL(http_method_of(view_text("get")), OTHER_METHOD);
	CHECK_EQUAL(http_method_of(view_text("GETS")), OTHER_METHOD);
}

/* Byte by byte, the end is found at the empty line and not before; no byte is looked at twice. */
static void head_comes_slowly(void)
{
	static const char text[] = "\r\nGET / HTTP/1.1\r\n" HOST "\r\n";
	size_t seen = 0;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		CHECK(!http_head_is_complete(view_of(text, n), &seen));
	CHECK(http_head_is_complete(view_of(text, sizeof(text) - 1), &seen));
}

static void responses(void)
{
	static const struct {
		const char *text;
		enum http_method method;
		enum http_fault fault;
		unsigned status;
		enum http_framing framing;
		bool keeps_alive;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", GET, HTTP_OK, 200, HTTP_LENGTH,
			true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HEAD, HTTP_OK, 200, HTTP_NO_BODY,
			true },
		{ "HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n", GET, HTTP_OK, 304, HTTP_NO_BODY,
			true },
		{ "HTTP/1.1 204\r\n\r\n", GET, HTTP_OK, 204, HTTP_NO_BODY, true },
		{ "HTTP/1.1 100 Continue\r\n\r\n", POST, HTTP_OK, 100, HTTP_NO_BODY, true },
		{ "HTTP/1.1 200 OK\r\n\r\n", GET, HTTP_OK, 200, HTTP_UNTIL_CLOSE, false },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", GET, HTTP_OK, 200, HTTP_NO_BODY,
			false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", GET, HTTP_OK, 200,
			HTTP_CHUNKED, true },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", GET, HTTP_TRANSFER_CODING,
			200, HTTP_NO_BODY, false },
		{ "HTTP/1.1 20 OK\r\n\r\n", GET, HTTP_STATUS_LINE, 0, HTTP_NO_BODY, false },
		{ "HTTP/1.1 2000 OK\r\n\r\n", GET, HTTP_STATUS_LINE, 0, HTTP_NO_BODY, false },
		{ "HTTP/1.1 020 OK\r\n\r\n", GET, HTTP_STATUS_LINE, 0, HTTP_NO_BODY, false },
		{ "HTTP/1.1  200 OK\r\n\r\n", GET, HTTP_STATUS_LINE, 0, HTTP_NO_BODY, false },
		{ "ICY 200 OK\r\n\r\n", GET, HTTP_STATUS_LINE, 0, HTTP_NO_BODY, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum http_fault fault =
			http_response_parse(&head, view_text(rows[i].text), rows[i].method);

		if (fault != rows[i].fault)
			CHECK_FAIL("%s: %s", rows[i].text, http_fault_text(fault));
		if (fault != HTTP_OK)
			continue;
		CHECK_EQUAL(head.status, rows[i].status);
		CHECK_EQUAL(head.framing, rows[i].framing);
		CHECK_EQUAL(head.keeps_alive, rows[i].keeps_alive);
	}
}

/* Reads all of a chunked body, `cut` bytes at a time; the body as text, or NULL for a fault or an end that
 * does not come. */
static const char *unchunk(const char *text, size_t cut, size_t *left)
{
	static char body[512];
	struct http_chunks chunks = { 0 };
	struct view all = view_text(text), part, data;
	size_t used = 0;

	for (size_t at = 0; at < all.length; at += cut) {
		part = view_part(all, at, cut);
		for (;;) {
			enum http_chunk_event event = http_chunk_next(&chunks, &part, &data);

			if (event == HTTP_CHUNK_MORE)
				break;
			if (event == HTTP_CHUNK_FAULT)
				return NULL;
			if (event == HTTP_CHUNK_TRAILERS) {
				body[used] = '\0';
				*left = all.length - at - cut + part.length;
				return body;
			}
			memcpy(body + used, data.data, data.length);
			used += data.length;
		}
	}
	return NULL;
}

static void chunks(void)
{
	static const struct {
		const char *text, *body; /* NULL: refused, or incomplete */
	} rows[] = {
		{ "5\r\nhello\r\n0\r\n\r\n", "hello" },
		{ "05\r\nhello\r\n1;a=b\r\n!\r\n000;x=\"y;z\"\r\nA: b\r\n\r\n", "hello!" },
		{ "A\r\n0123456789\r\nb \t;q\r\nabcdefghijk\r\n0\r\n\r\n",
			"0123456789abcdefghijk" },
		{ "0\r\n\r\n", "" },
		{ "5\r\nhello\r\n", NULL },
		{ "5\nhello\r\n0\r\n\r\n", NULL },
		{ "5\r\nhello\n0\r\n\r\n", NULL },
		{ "5\r\nhello!\r\n0\r\n\r\n", NULL },
		{ "5 \r\nhello\r\n0\r\n\r\n", NULL },
		{ " 5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "0x5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "-5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "g\r\n\r\n0\r\n\r\n", NULL },
		{ "\r\n0\r\n\r\n", NULL },
		{ "5;a\nb\r\nhello\r\n0\r\n\r\n", NULL },
		{ "5;a\rb\r\nhello\r\n0\r\n\r\n", NULL },
		{ "8000000000000000\r\nx", NULL },
		{ "10000000000000005\r\nhello\r\n0\r\n\r\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t cut = 1; cut <= strlen(rows[i].text); cut++) {
			size_t left = 0;
			const char *body = unchunk(rows[i].text, cut, &left);

			if ((body == NULL) != (rows[i].body == NULL) ||
				(body && strcmp(body, rows[i].body) != 0))
				CHECK_FAIL("%s by %zu: %s", rows[i].text, cut,
					body ? body : "refused");
		}
	}
}

static void chunk_line_is_bounded(void)
{
	char text[HTTP_CHUNK_LINE_MAX + 32] = "5;";
	size_t left;

	memset(text + 2, 'a', HTTP_CHUNK_LINE_MAX);
	strcpy(text + 2 + HTTP_CHUNK_LINE_MAX, "\r\nhello\r\n0\r\n");
	CHECK(unchunk(text, sizeof(text), &left) == NULL);
}

static void chunk_heads(void)
{
	static const struct {
		uint64_t length;
		const char *text;
	} rows[] = { { 1, "1\r\n" }, { 15, "f\r\n" }, { 16, "10\r\n" }, { 0x1f40, "1f40\r\n" },
		{ UINT64_MAX, "ffffffffffffffff\r\n" } };
	uint8_t line[HTTP_CHUNK_HEAD_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_view(view_of(line, http_chunk_head(line, rows[i].length)), rows[i].text);
}

static void dates(void)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Tue, 29 Feb 2000 23:59:59 GMT", 951868799 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Friday, 01-Jan-27 00:00:00 GMT", 1798761600 },
		{ "Mon, 29 Feb 2100 00:00:00 GMT", -1 },
		{ "Sun, 06 Nov 1969 08:49:37 GMT", -1 },
		{ "Sun, 00 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 31 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun,  6 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nvo 1994 08:49:37 GMT", -1 },
		{ "784111777", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t seconds = -1;
		bool is_good = http_date_read(view_text(rows[i].text), 1700000000, &seconds);

		if (is_good != (rows[i].seconds >= 0) || (is_good && seconds != rows[i].seconds))
			CHECK_FAIL("%s: %lld", rows[i].text, (long long)seconds);
	}
}

static void dates_both_ways(void)
{
	char text[HTTP_DATE_BYTES];
	int64_t back;

	for (int64_t seconds = 0; seconds < INT64_C(253402300800); seconds += 86400 * 97 + 3601) {
		http_date_write(text, seconds);
		CHECK(http_date_read(view_of(text, sizeof(text)), seconds, &back));
		CHECK_EQUAL(back, seconds);
	}
	http_date_write(text, 784111777);
	check_view(view_of(text, sizeof(text)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void parse_with(const char *method, const char *fields)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "%s\r\n", method, fields);
	CHECK_EQUAL(request(text), HTTP_OK);
}

static void preconditions(void)
{
	const struct http_validators now = { view_text("\"v2\""), 784111777 };
	static const struct {
		const char *method, *fields;
		enum http_precondition result;
	} rows[] = {
		{ "GET", "", HTTP_GO_ON },
		{ "GET", "If-None-Match: \"v1\", \"v2\"\r\n", HTTP_NOT_MODIFIED },
		{ "GET", "If-None-Match: W/\"v2\"\r\n", HTTP_NOT_MODIFIED },
		{ "GET", "If-None-Match: *\r\n", HTTP_NOT_MODIFIED },
		{ "GET", "If-None-Match: \"v1\"\r\n", HTTP_GO_ON },
		{ "PUT", "If-None-Match: \"v2\"\r\n", HTTP_PRECONDITION_FAILED },
		{ "PUT", "If-Match: \"v1\"\r\n", HTTP_PRECONDITION_FAILED },
		{ "PUT", "If-Match: \"v2\"\r\n", HTTP_GO_ON },
		{ "PUT", "If-Match: W/\"v2\"\r\n", HTTP_PRECONDITION_FAILED },
		{ "GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
			HTTP_NOT_MODIFIED },
		{ "GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", HTTP_GO_ON },
		{ "GET", "If-Modified-Since: yesterday\r\n", HTTP_GO_ON },
		/* the tag decides where both are there (13.1.3) */
		{ "GET",
			"If-None-Match: \"v1\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 "
			"GMT\r\n",
			HTTP_GO_ON },
		{ "PUT", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n",
			HTTP_PRECONDITION_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse_with(rows[i].method, rows[i].fields);
		if (http_check_preconditions(&head, &now, 1700000000) != rows[i].result)
			CHECK_FAIL("%s %s", rows[i].method, rows[i].fields);
	}
}

static void ranges(void)
{
	const struct http_validators now = { view_text("\"v2\""), 784111777 };
	static const struct {
		const char *fields;
		enum http_range_result result;
		uint64_t first, length;
	} rows[] = {
		{ "Range: bytes=0-499\r\n", HTTP_PART, 0, 500 },
		{ "Range: bytes=500-\r\n", HTTP_PART, 500, 500 },
		{ "Range: bytes=-1\r\n", HTTP_PART, 999, 1 },
		{ "Range: bytes=-5000\r\n", HTTP_PART, 0, 1000 },
		{ "Range: bytes=999-9223372036854775807\r\n", HTTP_PART, 999, 1 },
		{ "Range: bytes=1000-\r\n", HTTP_NOT_SATISFIABLE, 0, 0 },
		{ "Range: bytes=-0\r\n", HTTP_NOT_SATISFIABLE, 0, 0 },
		{ "Range: bytes=5-4\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=0-0,5-6\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: lines=0-1\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=a-b\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=-\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=18446744073709551616-\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=0-1\r\nIf-Range: \"v2\"\r\n", HTTP_PART, 0, 2 },
		{ "Range: bytes=0-1\r\nIf-Range: W/\"v2\"\r\n", HTTP_WHOLE, 0, 0 },
		{ "Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n", HTTP_PART, 0,
			2 },
		{ "Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n", HTTP_WHOLE, 0,
			0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_range range = { 0 };
		enum http_range_result result;

		parse_with("GET", rows[i].fields);
		result = http_check_range(&head, &now, 1000, 1700000000, &range);
		if (result != rows[i].result ||
			(result == HTTP_PART &&
				(range.first != rows[i].first || range.length != rows[i].length)))
			CHECK_FAIL("%s: %d, %llu+%llu", rows[i].fields, result,
				(unsigned long long)range.first, (unsigned long long)range.length);
	}
}

/* A date is none the less a date when its day begins like a weak tag. */
static void range_of_a_wednesday(void)
{
	const struct http_validators now = { view_text("\"v2\""), 784370977 };
	struct http_range range;

	parse_with("GET", "Range: bytes=0-1\r\nIf-Range: Wed, 09 Nov 1994 08:49:37 GMT\r\n");
	CHECK_EQUAL(http_check_range(&head, &now, 1000, 1700000000, &range), HTTP_PART);
}

static void codings(void)
{
	static const struct {
		const char *fields, *coding;
		unsigned quality;
	} rows[] = {
		{ "", "gzip", 0 },
		{ "", "identity", 1000 },
		{ "Accept-Encoding: gzip, br;q=0.5\r\n", "gzip", 1000 },
		{ "Accept-Encoding: gzip, br;q=0.5\r\n", "br", 500 },
		{ "Accept-Encoding: gzip, br;q=0.5\r\n", "zstd", 0 },
		{ "Accept-Encoding: gzip;q=0, *;q=0.1\r\n", "gzip", 0 },
		{ "Accept-Encoding: gzip;q=0, *;q=0.125\r\n", "br", 125 },
		{ "Accept-Encoding: gzip;q=1.5\r\n", "gzip", 1000 },
		{ "Accept-Encoding: gzip;q=x\r\n", "gzip", 0 },
		{ "Accept-Encoding: identity;q=0\r\n", "identity", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse_with("GET", rows[i].fields);
		if (http_coding_quality(&head, rows[i].coding) != rows[i].quality)
			CHECK_FAIL("%s %s", rows[i].coding, rows[i].fields);
	}
}

static void paths(void)
{
	static const struct {
		const char *path, *normal; /* NULL: refused */
	} rows[] = {
		{ "/", "/" },
		{ "/a/b", "/a/b" },
		{ "/a/./b", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/a/b/..", "/a/" },
		{ "/a/.", "/a/" },
		{ "/%61", "/a" },
		{ "/%2e%2E/x", NULL },
		{ "/a/%2e%2e/x", "/x" },
		{ "/...", "/..." },
		{ "/a//b", "/a//b" },
		{ "/..", NULL },
		{ "/a/../..", NULL },
		{ "/a%2fb", NULL },
		{ "/a%5cb", NULL },
		{ "/a\\b", NULL },
		{ "/a%00b", NULL },
		{ "/a%", NULL },
		{ "/a%4", NULL },
		{ "/a%zz", NULL },
		{ "a", NULL },
		{ "", NULL },
		{ "*", NULL },
	};
	uint8_t out[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = 0;
		bool is_good = http_path_normalise(view_text(rows[i].path), out, &length);

		if (is_good != (rows[i].normal != NULL) ||
			(is_good && !view_equal(view_of(out, length), view_text(rows[i].normal))))
			CHECK_FAIL("%s: %.*s", rows[i].path, (int)length, out);
	}
}

static void queries_and_cookies(void)
{
	struct view rest = view_text("a=1&&b=x%20y+z&c"), name, value;
	uint8_t out[32];
	size_t length;

	CHECK(http_query_next(&rest, &name, &value));
	check_view(name, "a");
	CHECK(http_query_next(&rest, &name, &value));
	check_view(name, "b");
	CHECK(http_url_decode(value, true, out, &length));
	check_view(view_of(out, length), "x y z");
	CHECK(http_query_next(&rest, &name, &value));
	check_view(name, "c");
	check_view(value, "");
	CHECK(!http_query_next(&rest, &name, &value));

	rest = view_text("a=1; b=\"2\";junk; c=3=4");
	CHECK(http_cookie_next(&rest, &name, &value));
	check_view(value, "1");
	CHECK(http_cookie_next(&rest, &name, &value));
	check_view(value, "2");
	CHECK(http_cookie_next(&rest, &name, &value));
	check_view(name, "c");
	check_view(value, "3=4");
	CHECK(!http_cookie_next(&rest, &name, &value));
}

static void trailers(void)
{
	static const char text[] = "A: b\r\nC:d\r\n\r\nnext";
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned count;
	size_t length;

	CHECK_EQUAL(http_fields_parse(fields, &count, view_text(text), &length), HTTP_OK);
	CHECK_EQUAL(count, 2);
	CHECK_EQUAL(length, strlen(text) - 4);
	CHECK_EQUAL(
		http_fields_parse(fields, &count, view_text("A: b\r\n"), &length), HTTP_LINE_END);
}

int main(void)
{
	return RUN(TEST(request_in_full), TEST(request_faults), TEST(request_means), TEST(targets),
		TEST(too_many_fields), TEST(texts), TEST(head_comes_slowly), TEST(responses),
		TEST(chunks), TEST(chunk_line_is_bounded), TEST(chunk_heads), TEST(dates),
		TEST(dates_both_ways), TEST(preconditions), TEST(ranges),
		TEST(range_of_a_wednesday), TEST(codings), TEST(paths), TEST(queries_and_cookies),
		TEST(trailers));
}
