/*
 * HTTP/1.1 server (RFC 9110, RFC 9112).
 *
 *     static void hello(struct http_request *r, void *argument)
 *     {
 *             http_reply_text(r, 200, "hello\n");
 *     }
 *
 *     int main(void)
 *     {
 *             return http_serve(&eth0, 80, hello, NULL);
 *     }
 *
 * A handler is straight-line code on a fiber of its own, and may block. It is started when the head of
 * a request is complete, so a client that has sent half of one, or nothing at all on a connection that is
 * kept alive, holds neither a fiber nor a buffer.
 *
 * The server does what the protocol demands: persistent connections and pipelining, HEAD, 100-continue,
 * chunked bodies both ways, Host, Date, limits and time-outs in each phase, strict reading of what decides
 * where messages end (wire/http.h). A handler that returns without a reply has one made for it: 500.
 *
 * Views that are handed out are valid until the handler returns, if nothing else is said.
 */
#ifndef DIATOM_HTTP_H
#define DIATOM_HTTP_H

#include "diatom/app.h"
#include "diatom/http_message.h"
#include "diatom/net.h"

struct http_request;

typedef void http_handler(struct http_request *request, void *argument);

/* --- serving --- */

/*
 * Serves every request by one handler, until the image is asked to finish (INT or TERM): requests that
 * are being handled are answered first. Returns main's result: 0 then, 1 if the server could not start
 * (logged).
 */
int http_serve(struct net *net, uint16_t port, http_handler *handle, void *argument);

/*
 * The same by method and path. Routes are tried in order. In a pattern a segment ":name" stands for any
 * one segment that is not empty (http_param), and a last segment "*" for the rest of the path, perhaps
 * empty. A GET route serves HEAD as well. No route for the path: 404; none for the method: 405, or 501 if it is
 * none that the library knows.
 */
struct http_route {
	enum http_method method;
	const char *path;
	http_handler *handle;
	void *argument;
};
int http_serve_routes(
	struct net *net, uint16_t port, const struct http_route *routes, size_t count);

/* What can be chosen; zero-initialise what is not needed. */
struct http_options {
	uint16_t port;			 /* 0: 80 */
	const struct http_route *routes; /* several, or */
	size_t route_count;
	http_handler *handle; /* one for all, when there are no routes */
	void *argument;
	uint32_t connections; /* open at once; 0: as memory allows */
	uint32_t handlers;    /* running at once; further requests wait. 0: 1024 */
	uint32_t head_bytes;  /* of a request's head: 431 beyond. At most and 0: 8192 */
	uint64_t body_bytes;  /* of a request's body: 413 beyond. 0: 16 MiB */
	uint32_t idle_ms;     /* a connection without a request. 0: 60 s */
	uint32_t head_ms;     /* from the first byte of a head to its last. 0: 10 s */
	uint32_t body_ms;     /* for each 64 KiB of a body. 0: 20 s */
	uint32_t write_ms;    /* waiting for the client, for each 256 KiB of a reply. 0: 30 s */
	uint32_t finish_ms;   /* for what is being answered at the end. 0: 5 s */
	bool has_access_log;  /* one line a request, at level info */
};
int http_serve_with(struct net *net, const struct http_options *options);

/* --- the request --- */

enum http_method http_method(const struct http_request *request);
struct view http_method_name(const struct http_request *request); /* as sent, for OTHER_METHOD */
/* Decoded and without dot segments: begins with '/', or is "*". */
struct view http_path(const struct http_request *request);
/* As sent: still percent-encoded, without the '?'. */
struct view http_query_text(const struct http_request *request);
/* Of the target or the Host field, with its port. */
struct view http_host_of(const struct http_request *request);

/* Path and query as they were sent. Of length 0 for a target that has neither ("http://host?x"). */
struct view http_target_text(const struct http_request *request);
/* Whose request it is. */
struct endpoint http_client_endpoint(const struct http_request *request);

/* The fields in their order; false beyond the last. */
bool http_field_at(
	const struct http_request *request, unsigned index, struct view *name, struct view *value);
/* A field's value by its name in lower case; false if there is none. The first of several. */
bool http_field(const struct http_request *request, const char *name, struct view *value);

/* Does the client ask, by a request without a body, to go on in another protocol (RFC 9110 7.8)? *protocol: which, as
 * it says ("websocket", or a list). */
bool http_wants_upgrade(const struct http_request *request, struct view *protocol);

/* What ":name" of the route's pattern stood for; "*": the rest. Empty when there is no such name. */
struct view http_param(const struct http_request *request, const char *name);

/*
 * The value of a name of the query, decoded into `out`: OK; NOT_FOUND; TOO_LONG; MALFORMED,
 * encoding that is none. *value lies in `out`.
 */
enum status http_query(const struct http_request *request, const char *name, void *out,
	size_t capacity, struct view *value);

/* The same of a form: pairs are a query, or a body of type application/x-www-form-urlencoded that was read. */
enum status http_form(
	struct view pairs, const char *name, void *out, size_t capacity, struct view *value);

/* Is the request's Content-Type that media type (in lower case), whatever its parameters? */
bool http_has_type(const struct http_request *request, const char *type);

/* The value of a cookie, as sent; false if there is none. */
bool http_cookie(const struct http_request *request, const char *name, struct view *value);

/*
 * The next bytes of the body: OK; CLOSED at its end; TIMED_OUT, TOO_LONG, MALFORMED when it can't be
 * read on (the reply then closes the connection); REFUSED and the like when the connection is gone. The
 * view is valid until the next call. Blocks.
 */
enum status http_read(struct http_request *request, struct view *bytes);

/* A trailer field's value by its name in lower case, after http_read has returned CLOSED; false if there is
 * none. Trailers say what the client likes: never take from them what a field of the head should say. */
bool http_trailer(const struct http_request *request, const char *name, struct view *value);

/* The whole body into `out`; *body lies in it. TOO_LONG if it is larger; else as http_read, OK at the end. */
enum status http_read_all(
	struct http_request *request, void *out, size_t capacity, struct view *body);

/* --- the reply --- */

/*
 * Adds a field to the reply; before it begins. INVALID_VALUE: characters that a value can't have, so nothing
 * was added (in a name they stop the image). FULL: at most 4 KiB of fields. IN_USE: the reply has begun. Not
 * for those that the server writes itself: Connection, Content-Length, Transfer-Encoding, and Content-Type
 * where the reply is given a type.
 */
enum status http_add(struct http_request *request, const char *name, struct view value);

/*
 * One reply in one call. `type` is a media type (INVALID_VALUE: of more than 256 bytes, or of characters that a value
 * can't have), NULL: none. The first copies `body`, which may end with the
 * call; the second refers to it: the bytes must stay as they are for ever (read-only data of the image).
 * Blocks while the client's window is closed. IN_USE: a reply was begun. Else as tcp_write.
 */
enum status http_reply(
	struct http_request *request, unsigned status, const char *type, struct view body);
enum status http_reply_kept(
	struct http_request *request, unsigned status, const char *type, struct view body);
/* Text in UTF-8. */
enum status http_reply_text(struct http_request *request, unsigned status, const char *text);
/* A trailer field; between http_begin and http_end. UNSUPPORTED: the client doesn't say that it wants any
 * (TE: trailers), or the reply is not chunked; else as http_add. */
enum status http_add_trailer(struct http_request *request, const char *name, struct view value);
/* A redirection: 301, 302, 303, 307 or 308. */
enum status http_redirect(struct http_request *request, unsigned status, const char *location);

/*
 * A reply in parts: begin, any number of writes, end (by itself when the handler returns). Chunked where
 * the client knows that. Every write leaves at once.
 */
enum status http_begin(struct http_request *request, unsigned status, const char *type);
/* The same where the body's length is known: no chunks. http_write: TOO_LONG beyond it. A reply that ends
 * before it ends the connection. */
enum status http_begin_sized(
	struct http_request *request, unsigned status, const char *type, uint64_t length);
enum status http_write(struct http_request *request, struct view bytes);
enum status http_write_text(struct http_request *request, const char *text);
enum status http_end(struct http_request *request);

/* One Server-Sent Event (type "text/event-stream"): `event` may be NULL, and is one line (else INVALID_VALUE);
 * `data` may have several. */
enum status http_event(struct http_request *request, const char *event, struct view data);

/*
 * A handler: files of a folder that is compiled in (DIATOM_DIR), the route's "*" or the path naming one.
 * argument: struct folder *. A folder's index.html stands for the folder. Entity tags and 304, ranges, the
 * compressed variants that are there for clients that take them. No byte is copied.
 *
 *     { GET, "/:file", http_static, &site }      or a pattern that ends in "*"
 */
void http_static(struct http_request *request, void *argument);

/* Was a reply begun? */
bool http_is_replied(const struct http_request *request);

#endif
