/*
 * WebSocket (RFC 6455), server side: a handler of an HTTP server turns its request into one.
 *
 *     static void chat(struct http_request *r, void *argument)
 *     {
 *             uint8_t room[4096];
 *             struct websocket w;
 *             struct websocket_message m;
 *
 *             if (websocket_open(&w, r, room, sizeof(room)) != OK)
 *                     return;                          (a reply that says why is sent)
 *             while (websocket_receive(&w, &m, in_seconds(60)) == OK)
 *                     websocket_send(&w, m.is_text, m.bytes);
 *             websocket_close(&w, 1000);
 *     }
 *
 * No extensions. Pings are answered inside websocket_receive. Text is checked to be UTF-8. A peer that
 * breaks the protocol is sent the close code that the RFC names.
 */
#ifndef DIATOM_WEBSOCKET_H
#define DIATOM_WEBSOCKET_H

#include "diatom/http.h"

/* Memory of the caller; its fields are the library's. */
struct websocket {
	struct http_request *request;
	uint8_t *room; /* where messages are put together */
	size_t capacity;
	bool is_closed; /* a close frame was sent */
	unsigned
		close_code; /* what the peer's close frame said; 1005: nothing; 0: it didn't come */
};

struct websocket_message {
	struct view bytes; /* in the websocket's room, until the next call */
	bool is_text;
};

/* The handshake (4.2). `capacity` bytes of `room` bound a message. REFUSED: it is none, or of another version
 * than 13; a reply was sent. Else as http_reply. */
enum status websocket_open(
	struct websocket *w, struct http_request *request, void *room, size_t capacity);

/* Offers a subprotocol: call before websocket_open with one that the client named
 * (Sec-WebSocket-Protocol). False if it did not name it. */
bool websocket_protocol(struct http_request *request, const char *name);

/*
 * The next message: OK; CLOSED after the peer's close frame, which is answered; TIMED_OUT at the deadline:
 * nothing is lost if it passed between messages; MALFORMED and TOO_LONG, a broken protocol or a message
 * larger than the room: the peer was sent 1002, 1007 or 1009; REFUSED and the like when the connection is
 * gone.
 */
enum status websocket_receive(
	struct websocket *w, struct websocket_message *message, instant deadline);

/* One message. CLOSED after websocket_close. Blocks while the peer's window is closed. */
enum status websocket_send(struct websocket *w, bool is_text, struct view bytes);
enum status websocket_ping(struct websocket *w, struct view payload); /* at most 125 bytes */

/* Sends a close frame (once). The connection ends when the handler returns. */
void websocket_close(struct websocket *w, unsigned code);

#endif
