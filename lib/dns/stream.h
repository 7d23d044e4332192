/*
 * DNS over TCP (RFC 7766): connections without a fiber each. Every step of one is taken in a callback of
 * TCP, or of its timer.
 *
 *     +----------+---------------+----------+---------------+----
 *     | length 2 | query         | length 2 | query         | ...       answers in the same form, in order
 *     +----------+---------------+----------+---------------+----
 *
 *     IDLE      between messages          ends after idle_ms       (RFC 7766 6.2.3)
 *     READING   a message has begun       ends message_ms after its first byte, however many follow
 *     WRITING   the client has to read    ends after write_ms without room for one more message
 *
 * What a connection may hold: a query half read (STREAM_QUERY_BYTES), answers that wait to be acknowledged
 * (STREAM_ANSWERS and one more), a place in a zone. While answers wait no further query is read, and
 * TCP's window closes; the same from half of held_max on, for a transfer that has a message waiting. All
 * connections together hold at most held_max of TCP's memory; beyond, the one goes that has stood still
 * for the longest time among those that hold no less than others. So does, beyond the limit on
 * connections, the one that has stood still longest.
 */
#ifndef DIATOM_DNS_STREAM_H
#define DIATOM_DNS_STREAM_H

#include "diatom/fiber.h"
#include "diatom/memory.h"
#include "diatom/task.h"
#include "diatom/tcp.h"
#include "lib/dns/transfer.h"

#define STREAM_FRAME_BYTES 2
#define STREAM_QUERY_BYTES 4096		 /* longer ones end the connection */
#define STREAM_OUT_BYTES   KIBIBYTES(64) /* the longest message, with its length */
#define STREAM_ANSWERS	   KIBIBYTES(16) /* that may wait when one more is begun */

enum stream_state {
	STREAM_IDLE,
	STREAM_READING,
	STREAM_WRITING,
	STREAM_MOVED, /* a message came or went: there may be more to do */
	STREAM_ENDED, /* in good order: what waits is still sent */
	STREAM_OVER,  /* to be reset */
};

struct dns_stream {
	struct tcp *tcp;
	struct dns_streams *owner;
	struct dns_stream *newer, *older; /* by their last message, in or out */
	struct dns_transfer *transfer;	  /* under way, or NULL */
	struct task timer;
	uint32_t held_bytes;
	enum stream_state state;
	bool has_moved; /* a message, in or out, since the timer was set */
};

struct dns_streams {
	struct dns_server *server;
	const struct dns_options *options; /* no zero left, see serve.c */
	struct tcp_listener *listener;
	struct dns_stream *newest, *oldest;
	uint32_t count, transfers;
	size_t held_bytes, held_max;
	uint8_t *out; /* STREAM_OUT_BYTES: the message that is being built */
	bool is_finishing;
	struct wait_queue gone;
};

/* Listens and answers from now on: OK, or NO_MEMORY, IN_USE (logged). */
enum status streams_open(struct dns_streams *streams, struct net *net);

/* Takes no more; transfers may end until the deadline, everything else ends at once, what it was told
 * is still sent by TCP (tcp_finish). Blocks. */
void streams_close(struct dns_streams *streams, instant deadline);

#endif
