/*
 * HTTP/1.1 client (RFC 9110, RFC 9112): calls to one server, over connections that are kept and used again.
 *
 *     struct http_client *c = http_client_open(&eth0, &(struct http_client_options){ .to = server });
 *     struct http_call *call;
 *     struct view part;
 *
 *     if (http_get(c, "/news", &call) == OK) {
 *             while (http_call_read(call, &part) == OK)
 *                     ...
 *     }
 *     http_call_close(call);
 *
 * A call goes through: open, add fields, send (or begin, write, end), receive, read, close. Each phase has a
 * limit in time; the response's head one in size. Responses are read as strictly as requests are by the
 * server. Blocking calls belong on a fiber; one fiber at a time uses a call, any number use a client.
 *
 * What a call that waits returns beside its own statuses: TIMED_OUT; CANCELLED; REFUSED, the server reset
 * the connection; UNREACHABLE; NO_MEMORY; MALFORMED, what came is no response, or its body broke off; CLOSED, the
 * server ended the connection before a head was whole, or the image was asked to finish.
 */
#ifndef DIATOM_HTTP_CLIENT_H
#define DIATOM_HTTP_CLIENT_H

#include "diatom/http.h"

struct http_client;
struct http_call;

/* Zero-initialise what is not needed. */
struct http_client_options {
	struct endpoint to;
	const char *host;     /* for the Host field; NULL: the endpoint's address and port */
	uint32_t connections; /* at once; further calls get FULL. 0: 64 */
	uint32_t kept;	      /* connections kept for later calls. 0: 8 */
	uint32_t connect_ms;  /* 0: 5 s */
	uint32_t write_ms;    /* for each 256 KiB that is sent. 0: 30 s */
	uint32_t head_ms;     /* from the request's end to the response's head. 0: 30 s */
	uint32_t body_ms;     /* for each 64 KiB of the response. 0: 20 s */
	uint64_t body_bytes;  /* of a response: TOO_LONG beyond. 0: no limit */
};

/* Opens no connection yet. `host` must outlive it. NULL: no memory. */
struct http_client *http_client_open(struct net *net, const struct http_client_options *options);
/* Closes kept connections. All its calls must be closed. NULL is allowed. */
void http_client_close(struct http_client *client);

/* --- asking --- */

/* A call with that method and target ("/path?query", as it is sent). INVALID_VALUE: characters that they
 * can't have; TOO_LONG; NO_MEMORY. Then *call is NULL. `host` of length 0: the client's. Does not block. */
enum status http_call_open(struct http_client *client, struct view method, struct view target,
	struct view host, struct http_call **call);

/* Adds a field. INVALID_VALUE: characters that it can't have; FULL: the head has 8 KiB. Not Host,
 * Content-Length, Transfer-Encoding; Connection only to name fields that are for the next hop. */
enum status http_call_add(struct http_call *call, struct view name, struct view value);

/* Asks to go on in another protocol, if the server likes (RFC 9110 7.8): the status may then be 101, see
 * http_forward_upgrade. Adds two fields, as http_call_add. */
enum status http_call_upgrade(struct http_call *call, struct view protocol);

/* Sends the request with a body, perhaps empty; it is copied. FULL: too many connections. */
enum status http_call_send(struct http_call *call, struct view body);

/* The same in parts: begin, any number of writes that are `length` bytes in all, end. HTTP_CHUNKS: as many
 * as come, in chunks. MALFORMED from http_call_end: they were not `length`. */
#define HTTP_CHUNKS UINT64_MAX
enum status http_call_begin(struct http_call *call, uint64_t length);
enum status http_call_write(struct http_call *call, struct view bytes);
enum status http_call_end(struct http_call *call);

/* Was a connection taken, so that the server may have seen something of the request? */
bool http_call_is_begun(const struct http_call *call);

/* --- the response --- */

/*
 * Waits for the response's head; interim ones (1xx) are passed over. A request without a body whose method is
 * idempotent, on a kept connection that the server turns out to have closed, is sent again once.
 */
enum status http_call_receive(struct http_call *call);

unsigned http_call_status(const struct http_call *call);
/* A field's value by its name in lower case; false if there is none. Valid until http_call_close. */
bool http_call_field(const struct http_call *call, const char *name, struct view *value);
/* The fields in their order; false beyond the last. */
bool http_call_field_at(
	const struct http_call *call, unsigned index, struct view *name, struct view *value);

/* The next bytes of the body, valid until the next call: OK; CLOSED at its end; TOO_LONG; else as above. */
enum status http_call_read(struct http_call *call, struct view *bytes);
/* The whole body into `out`: TOO_LONG if it is larger. */
enum status http_call_read_all(
	struct http_call *call, void *out, size_t capacity, struct view *body);
/* A trailer field's value, after CLOSED. */
bool http_call_trailer(const struct http_call *call, const char *name, struct view *value);

/* Ends the call. The connection is kept if the response was read to its end. NULL is allowed. */
void http_call_close(struct http_call *call);

/* Open, send and receive in one: *call is to be closed whatever the status, and may be NULL. */
enum status http_get(struct http_client *client, const char *target, struct http_call **call);

/* --- between server and client: a proxy's payload, without a copy --- */

/* Sends the call, with the body and trailers of a request that the server received. Any status but OK: the
 * body is not whole, and *is_of_request tells whose connection failed (or sent what is no body). */
enum status http_forward_request(
	struct http_request *request, struct http_call *call, bool *is_of_request);

/* Replies with the call's status, body and, if the client wants them (TE: trailers), trailers. Fields:
 * http_add before. OK: all was forwarded. When the response breaks off, the reply does, too. MALFORMED,
 * and no reply was begun: a status above 599. */
enum status http_forward_response(struct http_call *call, struct http_request *request);

/*
 * After a call with http_call_upgrade got 101: replies with it (fields: http_add before), and hands bytes on
 * both ways. OK when the server has ended its half, or nothing came either way for idle_ms; what the client
 * still sends is dropped then. INVALID_VALUE: there was no 101, or the request has a body; NO_MEMORY: no
 * fiber for the second way; no reply was begun in these cases.
 */
enum status http_forward_upgrade(
	struct http_call *call, struct http_request *request, uint32_t idle_ms);

#endif
