/*
 * The client's parts, shared by its files.
 *
 *     client --- kept links: a tcp handle each, newest first
 *        \------ calls: each borrows a link from the request's first byte to the response's last
 */
#ifndef DIATOM_LIB_HTTP_CLIENT_H
#define DIATOM_LIB_HTTP_CLIENT_H

#include "diatom/http_client.h"
#include "lib/http/inner.h"

#define HTTP_KEPT_MAX	   64
#define HTTP_TRAILER_BYTES 1024

struct http_client {
	struct http_client_options options;
	struct net *net;
	struct tcp *kept[HTTP_KEPT_MAX];
	unsigned kept_count;
	uint32_t connection_count; /* kept and in use */
};

enum call_state { CALL_OPEN, CALL_SENDING, CALL_SENT, CALL_ANSWERED };

struct http_call {
	struct http_client *client;
	struct tcp *tcp; /* NULL before the first byte */
	enum call_state state;
	enum http_method method;
	bool is_reused; /* the connection has served another call */
	bool has_body;
	bool is_chunked;
	bool asks_upgrade;
	bool is_broken; /* the connection can't serve another */
	uint64_t left;	/* of the body that http_call_begin promised */
	struct http_body body;
	struct http_head head;
	size_t used; /* of request_head */
	uint8_t request_head[HTTP_HEAD_BYTES];
	uint8_t head_copy[HTTP_HEAD_BYTES];
	uint8_t trailers[HTTP_TRAILER_BYTES];
};

/* client.c: a connection for the call, a kept one if there is one and may_reuse. */
enum status client_take(struct http_call *call, bool may_reuse);
/* Keeps it, or closes it. */
void client_give(struct http_call *call, bool is_good);

#endif
