/*
 * Hosts with TCP, and a program on them that sends and checks streams.
 *
 * A talker is one end of a connection. It sends `to_send` bytes that follow from the seed and its number,
 * in writes of every size and kind, shuts its half down, and checks that what it reads is what the other
 * end sends, to the last byte and not one more.
 */
#ifndef DIATOM_TEST_SIM_TCP_H
#define DIATOM_TEST_SIM_TCP_H

#include "net/tcp.h"
#include "net/tcp_inner.h"
#include "test/sim/sim_world.h"

#define SIM_TALKERS_MAX 64

struct sim_tcp {
	struct sim_host host;
	struct tcp_host tcp;
	struct pool pool;
};

struct sim_talker {
	struct sim_tcp *at;
	struct tcp_connection *c;     /* NULL: not yet, or no more */
	uint32_t stream, peer_stream; /* which bytes it sends and awaits */
	uint64_t to_send, sent;
	uint64_t to_read, read;
	uint32_t write_most, read_most;	  /* bytes at once */
	duration read_every, write_every; /* 0: whenever it can */
	bool is_shut, is_waiting_to_read, is_waiting_to_write;
	bool is_done;	   /* all sent and read, handle given back */
	bool is_wrong;	   /* what came is not what was sent */
	enum status ended; /* how, when not well */
	/* Called when it could not be opened: the next hop's address was lost on the way, say. */
	void (*reopen)(void *argument);
	void *argument;
};

void sim_tcp_start(struct sim_tcp *s, struct sim_link *link, uint8_t number, const char *prefix);
/* No flow may be left but in TIME-WAIT, which ends. */
void sim_tcp_end(struct sim_tcp *s);

/* Gives the host another secret, with which its next first number for those ends lies below 2^32 by `before`
 * or less. */
void sim_tcp_wrap_soon(struct sim_tcp *s, const struct tcp_ends *ends, uint32_t before);

/* One byte of a stream. */
uint8_t sim_stream_byte(uint32_t stream, uint64_t at);

/* Readies a talker with random manners. */
void sim_talker_random(struct sim_talker *t, uint32_t stream, uint32_t peer_stream);
/* How much the other end sends. */
void sim_talker_await(struct sim_talker *t, uint64_t bytes);
/* Gives it its connection, and lets it go on. */
void sim_talker_join(struct sim_talker *t, struct sim_tcp *at, struct tcp_connection *c);
/* Lets it do what it can. */
void sim_talker_go(struct sim_talker *t);

/* For struct tcp_host's notify: wakes the talker of the connection. */
void sim_talker_notify(struct tcp_connection *c);
/* Forgets all talkers. */
void sim_talkers_forget(void);

/* What must hold of a connection at every step; stops the program otherwise. */
void sim_tcp_check(const struct tcp_connection *c);
/* Of all talkers' connections. */
void sim_talkers_check(void);

#endif
