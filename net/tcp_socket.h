/*
 * A connection as a program has it: net/tcp_open.c opens and listens, net/tcp_stream.c reads and writes,
 * net/tcp_socket.c does the rest. What they share.
 */
#ifndef DIATOM_NET_TCP_SOCKET_H
#define DIATOM_NET_TCP_SOCKET_H

#include "diatom/fiber.h"
#include "net/interface.h"
#include "net/tcp_inner.h"

struct tcp {
	struct tcp_connection connection; /* first: the stack makes it, in an object of this size */
	struct wait_queue waiters;	  /* a reader, a writer: each looks for itself when woken */
	struct packet *held;		  /* what the last read call handed out */
	void (*changed)(struct tcp *connection, void *argument);
	void *argument;
	void *user;
};

extern struct pool tcp_pool;

/* Each call begins with the stack's time set to now, and ends with what it may have left to be done: what was
 * sent or set may want the stack's timer. */
void tcp_enter(struct tcp *c);
void tcp_leave(struct tcp *c);

/* In between: until something has changed. TIMED_OUT, CANCELLED. */
enum status tcp_wait_for_news(struct tcp *c, instant deadline);

/* Gives up what the last read call handed out. */
void tcp_free_held(struct tcp *c);

static inline bool tcp_is_over(const struct tcp *c)
{
	return c->connection.error != OK;
}

/* struct tcp_host's notify. */
void tcp_changed(struct tcp_connection *connection);

/* The image is asked to finish: whoever waits looks again. Called by net/net.c where TCP is linked. */
void tcp_finish_waits(struct tcp_host *host);

#endif
