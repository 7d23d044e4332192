/*
 * TCP (RFC 9293): reliable byte streams, with blocking calls on fibers.
 *
 *     struct tcp_listener *l = tcp_listen(&eth0, 7);
 *     struct tcp *c;
 *
 *     while (tcp_accept(l, &c, FOREVER) == OK)
 *             fiber_detach(fiber_start("echo", echo, c));      (check for NULL)
 *
 *     static void echo(void *connection)
 *     {
 *             struct tcp *c = connection;
 *             struct view bytes;
 *
 *             while (tcp_read(c, &bytes, in_seconds(60)) == OK)
 *                     if (tcp_write(c, bytes, in_seconds(60)) != OK)
 *                             break;
 *             tcp_close(c);
 *     }
 *
 * Reading hands out views of the device's buffers. Writing copies, or refers to memory that stays
 * (tcp_writev): then no byte of payload is touched by the stack.
 *
 * The event form, for servers with very many connections, is the same calls with AT_ONCE: they do not
 * block, and may be called from a callback. tcp_watch says when to try again. An idle connection costs
 * at most 512 bytes; a fiber costs its stack.
 *
 * One fiber may read while another writes; two readers (or two writers) of one connection may not wait
 * at once. A handle is good until tcp_close or tcp_abort, whatever the peer does.
 *
 * What a call that waits returns beside its own statuses:
 *     TIMED_OUT   the deadline passed first; with AT_ONCE: it would have had to wait
 *     CANCELLED   the fiber was cancelled
 *     REFUSED     the peer reset the connection
 *     UNREACHABLE the connection died: nothing was acknowledged for the user timeout
 *                 (or 30 s, while the memory for all connections is short)
 */
#ifndef DIATOM_TCP_H
#define DIATOM_TCP_H

#include "diatom/net.h"
#include "diatom/packet.h"

struct tcp;
struct tcp_listener;

/* --- opening --- */

/*
 * Listens on a port of all the interface's addresses; port 0 picks a free one. Brings the interface
 * up. NULL when the port is taken, memory ends, or the interface can't come up; the reason is logged.
 */
struct tcp_listener *tcp_listen(struct net *net, uint16_t port);

/* The same with what can be chosen; zero-initialise what is not needed. */
struct tcp_listen_options {
	uint16_t port;
	uint32_t backlog;     /* connections that wait for tcp_accept; 0: 1024. More are dropped */
	uint32_t connections; /* open at once through this listener; 0: as memory allows */
};
struct tcp_listener *tcp_listen_with(struct net *net, const struct tcp_listen_options *options);

/*
 * The next connection that a peer has opened; it is the caller's. CLOSED after tcp_unlisten, and when
 * the image is asked to finish (INT or TERM); TIMED_OUT; CANCELLED.
 */
enum status tcp_accept(struct tcp_listener *listener, struct tcp **connection, instant deadline);

/* Stops listening: connections that nobody has accepted are reset, those waiting in tcp_accept get
 * CLOSED. Accepted ones live on. NULL is allowed. */
void tcp_unlisten(struct tcp_listener *listener);

uint16_t tcp_listener_port(const struct tcp_listener *listener);

/*
 * Opens a connection and waits until it is established: NULL when it is refused, unreachable, when the
 * deadline passes, the fiber is cancelled or memory ends. tcp_connect_to says which.
 */
struct tcp *tcp_connect(struct net *net, struct address to, uint16_t port, instant deadline);

/*
 * The same with a status: OK; REFUSED; UNREACHABLE, also for a group's address and for a family that the
 * interface doesn't have; TIMED_OUT; CANCELLED; NO_MEMORY; IN_USE, all ephemeral ports to there are
 * taken; INVALID_VALUE for port 0; that of net_up. With AT_ONCE it returns OK with the opening under
 * way: tcp_writable and tcp_watch tell how it goes.
 */
enum status tcp_connect_to(
	struct net *net, const struct endpoint *to, struct tcp **connection, instant deadline);

/* --- reading --- */

/*
 * The next bytes of the stream, at least one, as many as lie in one buffer. The view is valid until the
 * next read call on the connection or its end; the bytes are then gone from the stream. CLOSED at the
 * end of the stream (the peer's FIN), and, when nothing is there to read, once the image is asked to
 * finish.
 */
enum status tcp_read(struct tcp *connection, struct view *bytes, instant deadline);

/*
 * For parsers: waits until `least` bytes are there (at most TCP_PEEK_MAX) and shows all that lie
 * together from the stream's next byte on. Nothing is consumed: tcp_consume does it. They are copied
 * only where they straddle buffers. CLOSED as in tcp_read when fewer than `least` came; the view then
 * shows those. TOO_LONG: `least` is beyond TCP_PEEK_MAX; NO_MEMORY. The view is valid until the next
 * read call.
 */
#define TCP_PEEK_MAX 65536
enum status tcp_peek(struct tcp *connection, size_t least, struct view *bytes, instant deadline);

/* Drops the stream's next bytes, at most what was shown by the last tcp_peek. */
void tcp_consume(struct tcp *connection, size_t length);

/* The next bytes as the buffer itself, which becomes the caller's (packet_free, or tcp_write_packet to
 * send it on without a copy). Statuses as tcp_read. */
enum status tcp_read_packet(struct tcp *connection, struct packet **packet, instant deadline);

/* Bytes that can be read without waiting. */
size_t tcp_readable(const struct tcp *connection);

/* --- writing --- */

/*
 * Queues a copy of the bytes, waiting for room where there is none: OK when all are queued (not yet
 * acknowledged: tcp_drain). CLOSED after tcp_shutdown; NO_MEMORY. On any other status than OK an
 * unknown part was queued: only closing makes sense then. With AT_ONCE nothing is queued unless all
 * of it fits tcp_writable.
 */
enum status tcp_write(struct tcp *connection, struct view bytes, instant deadline);

/*
 * A piece of what is written. Bytes that are kept are not copied: they must stay as they are until
 * release(owner) is called (when the peer has acknowledged them or the connection has ended), or for
 * good when release is NULL, like read-only data of the image.
 */
struct tcp_piece {
	struct view bytes;
	bool is_kept; /* else they are copied before the call returns */
	void (*release)(void *owner);
	void *owner;
};

/* Queues pieces in order, as if they were one write: no segment leaves before the last is queued,
 * unless it is full. Each kept piece's release is called once, whatever the status. */
enum status tcp_writev(
	struct tcp *connection, const struct tcp_piece *pieces, unsigned count, instant deadline);

/* Queues the packet's bytes, without a copy; takes the packet, whatever the status. */
enum status tcp_write_packet(struct tcp *connection, struct packet *packet, instant deadline);

/* Bytes that can be queued without waiting. 0 while the connection is being opened. */
size_t tcp_writable(const struct tcp *connection);

/* Bytes of send memory that hold what was written and is not acknowledged: at most TCP_SEND_BYTES, and
 * some. tcp_writable may be less than what that leaves, for memory is all connections'. */
size_t tcp_queued(const struct tcp *connection);

/* The same and what holds what came and was not read: all of the connection's part of TCP's memory. */
size_t tcp_held(const struct tcp *connection);

/* Waits until the peer has acknowledged all that was written. */
enum status tcp_drain(struct tcp *connection, instant deadline);

/* --- ending --- */

/* Ends our half: a FIN follows what is queued. Reading goes on. Does not block. */
void tcp_shutdown(struct tcp *connection);

/*
 * Gives the handle back. What is queued still reaches the peer, in the background, followed by a FIN;
 * when received bytes were never read the connection is reset instead (RFC 1122 4.2.2.13). Does not
 * block. NULL is allowed.
 */
void tcp_close(struct tcp *connection);

/* Resets the connection and gives the handle back. NULL is allowed. */
void tcp_abort(struct tcp *connection);

/*
 * Ends all connections of the interface gracefully: stops listening, shuts each connection down, and
 * waits until every byte and FIN is acknowledged, also for a fiber that is cancelled (main, after
 * TERM). What is left at the deadline is reset. OK, or TIMED_OUT when something was. Call it before
 * main returns: the image's end is the end of its queues.
 */
enum status tcp_finish(struct net *net, instant deadline);

/* --- the event form --- */

/*
 * Calls changed(connection, argument) on the run loop, once after each batch of frames or timers in
 * which something came to read, room to write, the end of the stream, or the connection's death. It
 * must not block; it may call anything here with AT_ONCE, and close the connection. NULL: no more
 * calls. If something is there already the first call comes soon.
 */
void tcp_watch(struct tcp *connection, void (*changed)(struct tcp *connection, void *argument),
	void *argument);

/* The same for connections to accept. */
void tcp_listener_watch(struct tcp_listener *listener,
	void (*changed)(struct tcp_listener *listener, void *argument), void *argument);

/* A pointer of the program's own; NULL at first. */
void tcp_set_user(struct tcp *connection, void *user);
void *tcp_user(const struct tcp *connection);

/* --- options --- */

enum tcp_option {
	TCP_NO_DELAY,	      /* 1: small segments leave at once, no Nagle (RFC 1122 4.2.3.4). 0 */
	TCP_CORK,	      /* 1: only full segments leave, until it is 0 again. 0 */
	TCP_KEEP_ALIVE_MS,    /* idle time before probes (RFC 1122 4.2.3.6); 0: none. 0 */
	TCP_KEEP_INTERVAL_MS, /* between probes; 9 unanswered ones end the connection. 75 s */
	TCP_USER_TIMEOUT_MS,  /* unacknowledged data older than this ends the connection. 15 min */
	TCP_SEND_BYTES,	      /* most bytes queued and unacknowledged. 1 MiB */
	TCP_RECEIVE_BYTES,    /* most bytes received and unread: the largest window. 1 MiB */
};

/* INVALID_VALUE for one that is out of range. */
enum status tcp_set(struct tcp *connection, enum tcp_option option, uint32_t value);

/* --- introspection --- */

enum tcp_state {
	TCP_CLOSED,
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
};

struct tcp_info {
	enum tcp_state state;
	struct endpoint local, remote;
	uint32_t mss;				/* payload of a full segment, bytes */
	uint8_t send_scale, receive_scale;	/* RFC 7323 */
	bool has_timestamps, has_sack, has_ecn; /* agreed on */
	uint32_t rtt_us, rtt_variation_us, rtt_least_us, rto_us;
	uint32_t congestion_window, slow_start_threshold; /* bytes */
	const char *congestion_control;
	uint32_t peer_window;	  /* bytes */
	uint32_t in_flight;	  /* bytes sent, and neither acknowledged nor lost */
	uint32_t send_queued;	  /* bytes, unacknowledged included */
	uint32_t receive_queued;  /* bytes, unread */
	uint32_t reordered_bytes; /* received out of order */
	uint64_t bytes_sent, bytes_acknowledged, bytes_received;
	uint32_t retransmissions, timeouts, recoveries, spurious; /* how often */
};
void tcp_info(const struct tcp *connection, struct tcp_info *info);

/* Who is at the other end: what tcp_info calls remote, for programs that want no more of it. */
struct endpoint tcp_remote(const struct tcp *connection);

/* "ESTABLISHED"; never NULL. */
const char *tcp_state_text(enum tcp_state state);

#endif
