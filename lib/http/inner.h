/*
 * The server's parts, shared by the files of lib/http.
 *
 *     listener --accept--> connection: PARKED ---head complete---> QUEUED --> SERVED by a worker
 *                            ^  a tcp handle, a timer, 96 bytes                 |  fiber, head, buffers
 *                            +------------- reply sent, kept alive -------------+
 *                                                                               |
 *                          LINGERING <--- reply sent, the connection ends -------+
 *
 * A parked connection is watched: each batch of bytes has the callback look for the end of a head in
 * the stack's own buffers. Only a complete head is worth a worker.
 */
#ifndef DIATOM_LIB_HTTP_INNER_H
#define DIATOM_LIB_HTTP_INNER_H

#include "diatom/fiber.h"
#include "diatom/http.h"
#include "diatom/task.h"
#include "diatom/tcp.h"
#include "lib/http/body.h"
#include "wire/cursor.h"
#include "wire/http.h"
#include "wire/http_date.h"

#define HTTP_HEAD_BYTES	 8192
#define HTTP_PARAMS_MAX	 8
#define HTTP_REPLY_BYTES 5120	/* of a reply's head */
#define HTTP_ADDED_BYTES 4096	/* of them, of fields that the handler adds */
#define HTTP_TYPE_BYTES	 256	/* of a media type: what is beside the added fields must fit, too */
#define HTTP_DRAIN_MAX	 65536	/* of an unread body, to keep the connection */
#define HTTP_DRAIN_MS	 1000	/* for each 64 KiB of it */
#define HTTP_WRITE_STEP	 262144 /* bytes for which write_ms is given anew */

enum connection_state {
	CONNECTION_PARKED,
	CONNECTION_QUEUED,
	CONNECTION_SERVED,
	CONNECTION_LINGERING, /* we have sent our FIN; what still comes is dropped */
};

struct http_connection {
	struct tcp *tcp;
	struct http_server *server;
	struct http_connection *next;	       /* of the queue */
	struct http_connection *newer, *older; /* of all */
	struct task
		timer; /* stands at the deadline or before: moving it for each request would cost */
	instant deadline;
	uint32_t seen;	 /* bytes of the head that need no second look */
	uint8_t state;	 /* enum connection_state */
	bool is_in_head; /* parked with the beginning of a head */
	bool is_cut;	 /* ended in the middle of a reply: by a reset */
	bool has_head;	 /* all of it is there */
};

struct http_server {
	struct http_options options;
	struct net *net;
	/* By pointers, so that an image with one handler links no routes, and none of the log without it. */
	void (*handle)(struct http_request *request);
	void (*log)(const struct http_request *request); /* NULL: none */
	struct tcp_listener *listener;
	struct http_connection *queue, **queue_end; /* complete heads that wait for a worker */
	struct http_connection *newest;		    /* all connections */
	struct wait_queue idle;			    /* workers without work */
	unsigned idle_count, worker_count;
	bool is_coming; /* a worker was called, and has not run yet */
	uint32_t connection_count;
	bool is_finishing;
	struct wait_queue all_gone; /* wakes the finish when workers or connections get fewer */
	int64_t date_second;
	char date[HTTP_DATE_BYTES];
};

#define HAS_NO_LENGTH UINT64_MAX

enum reply_state { REPLY_NONE, REPLY_BEGUN, REPLY_DONE };

struct http_param {
	struct view name, value;
};

struct http_request {
	struct http_server *server;
	struct http_connection *connection;
	const struct http_options *options;
	struct http_head head;
	struct view path;
	size_t head_offset; /* of empty lines before it, which are passed over */
	bool is_head_kept;  /* it lies in head_copy, and is gone from the stream */
	struct http_param params[HTTP_PARAMS_MAX];
	unsigned param_count;
	instant began;

	struct http_body body;
	bool must_continue; /* 100 is owed before the body is read */

	/* The reply. */
	enum reply_state reply;
	unsigned status;
	bool is_chunked;
	bool has_date;	   /* among the fields */
	uint64_t promised; /* bytes of the body by its head, or HAS_NO_LENGTH */
	bool closes;	   /* the connection ends with this exchange */
	bool is_cut;	   /* ... by a reset: what was sent is not whole */
	enum status write_status;
	uint64_t reply_bytes; /* of the body, for the log */
	uint64_t written;     /* all */
	duration write_left;  /* of write_ms, for this step */
	uint64_t write_step;  /* which one */
	size_t added;
	char fields[HTTP_ADDED_BYTES]; /* of the head; of the trailers, once the reply has begun */

	uint8_t reply_head[HTTP_REPLY_BYTES];
	/* Where the head must outlive its buffers: it has a body, or turns into a WebSocket. */
	uint8_t head_copy[HTTP_HEAD_BYTES];
	uint8_t path_copy[HTTP_HEAD_BYTES]; /* the path, and at its end the body's trailers */
};

/* connection.c */
void connection_accept(struct http_server *server, struct tcp *tcp);
/* Waits for the next head. True: it is complete already, serve on. False: the connection is parked, or
 * gone. */
bool connection_park(struct http_connection *connection);
/* Ends it after a reply: closing at once with bytes unread would reset the connection, and the reply with
 * it (RFC 9112 9.6). */
void connection_linger(struct http_connection *connection);
void connection_close(struct http_connection *connection);
/* All that no worker has, at the server's end. */
void connection_close_parked(struct http_server *server);

/* worker.c */
void worker_call(struct http_connection *connection);

/* exchange.c: serves the request whose head is complete. False: the connection is gone, or lingers. */
bool exchange_serve(struct http_request *request, struct http_connection *connection);
/* Takes the head out of the stream, into a copy: what follows there is about to be read. */
enum http_fault exchange_keep_head(struct http_request *request);

/* upload.c */
void upload_start(struct http_request *request);
/* Sends 100 if it is owed: the body is about to be read. */
enum status upload_invite(struct http_request *request);
/* Reads what the handler left. False: more than it is worth, or it can't be read. */
bool upload_drain(struct http_request *request);

/* reply.c */
struct view server_date(struct http_server *server); /* of now, for a Date field */
void reply_fault(struct http_request *request, unsigned status, const char *why);
void reply_finish(struct http_request *request);
/* The 101, with the fields that were added. What follows on the stream is the other protocol's: the head must have
 * been kept. */
enum status reply_switch(struct http_request *request, struct view protocol);
/* What a body that is forwarded needs of it. */
instant reply_write_deadline(struct http_request *request);
enum status reply_note_written(
	struct http_request *request, instant start, uint64_t bytes, enum status status);
/* All writes of a reply: the time that they wait is limited for each HTTP_WRITE_STEP of bytes. */
enum status reply_writev(
	struct http_request *request, const struct tcp_piece *pieces, unsigned count);

/* routing.c: has the route's handler, or a refusal. */
void routing_handle(struct http_request *request);

/* access_log.c */
void access_log(const struct http_request *request);

#endif
