/*
 * A message's body, read from the stream as it is asked for: of a request in the server, of a response in
 * the client.
 *
 *     tcp_peek --> view --> (chunks taken off) --> the reader's view; consumed at its next call
 */
#ifndef DIATOM_LIB_HTTP_BODY_H
#define DIATOM_LIB_HTTP_BODY_H

#include "diatom/tcp.h"
#include "wire/http.h"
#include "wire/http_chunk.h"

#define HTTP_BODY_STEP 65536 /* bytes for which step_ms is given anew */

struct http_body {
	struct tcp *tcp;
	uint8_t framing; /* enum http_framing */
	/* OK: there is more; CLOSED: all was read; else it can't be read on. */
	enum status status;
	uint64_t left; /* HTTP_LENGTH */
	uint64_t read, most;
	struct http_chunks chunks;
	size_t shown; /* bytes of the last view, to be consumed */
	instant began;
	uint32_t step_ms;
	uint32_t trailer_most;
	bool hands_trailers; /* body_forward hands them on, too */
	/* Trailers are copied to the end of this room; those that don't fit end the body: TOO_LONG. */
	uint8_t *room;
	size_t capacity;
	struct view trailers; /* field lines and the empty one, checked; nothing before the end */
};

/* Sets all but began, step_ms, most, trailer_most, hands_trailers and the room, which are the caller's. */
void body_start(struct http_body *body, struct tcp *tcp, const struct http_head *head);

/* The next bytes, valid until the next call. Statuses as http_read's. Blocks. */
enum status body_read(struct http_body *body, struct view *bytes);

/*
 * The next bytes as they are on the wire, chunk lines included, handed on to another connection without a
 * copy where a buffer holds nothing else. OK; CLOSED at the end, when all was queued there. Of trailers, if
 * they are handed on, those are dropped that say how a message is read or for whom it is (RFC 9110 6.5.1). The
 * deadline is for writing. *write_status: of the other connection, when that is what failed.
 */
enum status body_forward(
	struct http_body *body, struct tcp *to, instant deadline, enum status *write_status);

/* The value of a trailer field; false if there is none. */
bool body_trailer(const struct http_body *body, const char *name, struct view *value);

#endif
