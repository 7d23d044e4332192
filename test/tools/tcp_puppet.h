/*
 * TCP without a network, for tests of servers in its event form: connections whose other end is the test. It
 * stands in for net/tcp_socket.c, and keeps what diatom/tcp.h promises for calls with AT_ONCE.
 *
 *     test                     program under test
 *     puppet_connect      ->   tcp_accept
 *     puppet_feed         ->   tcp_peek, tcp_consume
 *     puppet.out          <-   tcp_write
 *     puppet_acknowledge  ->   tcp_writable grows
 *     puppet_shut, _die   ->   CLOSED, REFUSED
 */
#ifndef DIATOM_TEST_TCP_PUPPET_H
#define DIATOM_TEST_TCP_PUPPET_H

#include "diatom/tcp.h"

#define PUPPET_IN_BYTES 65536

struct tcp {
	uint8_t in[PUPPET_IN_BYTES]; /* received and unread */
	size_t in_bytes;
	uint8_t *out; /* all that was ever written */
	size_t out_bytes, out_room, acknowledged;
	uint32_t send_bytes;
	uint32_t remote; /* IPv4 address */
	void (*changed)(struct tcp *tcp, void *argument);
	void *argument;
	bool is_shut, is_dead;	    /* by the other end */
	bool is_closed, is_aborted; /* by the program: the handle is gone */
	struct tcp *next;	    /* to accept */
};

/* A connection from that address; the program accepts it at once. The caller's, see puppet_free. */
struct tcp *puppet_connect(uint32_t remote);

/* Bytes come, as many as there is room for: the number of those. */
size_t puppet_feed(struct tcp *tcp, struct view bytes);
/* The other end reads on: up to `most` bytes are acknowledged. */
void puppet_acknowledge(struct tcp *tcp, size_t most);
void puppet_shut(struct tcp *tcp); /* FIN */
void puppet_die(struct tcp *tcp);  /* RST */

static inline bool puppet_is_open(const struct tcp *tcp)
{
	return !tcp->is_closed && !tcp->is_aborted;
}

/* Frees what the program has closed, or what the test ends by a reset. */
void puppet_free(struct tcp *tcp);

#endif
