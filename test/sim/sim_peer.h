/*
 * One host with TCP, and a peer that is no stack but whatever a test wants it to say.
 *
 * The host is 10.0.0.2 (02:00:00:00:00:02) with a listener on port 7; segments are injected as from
 * 10.0.0.1, and what the host sends is caught. The peer's first number is 1000. One host at a time, so
 * what it is stands in variables.
 */
#ifndef DIATOM_TEST_SIM_PEER_H
#define DIATOM_TEST_SIM_PEER_H

#include "test/sim/sim_tcp.h"
#include "wire/ipv4.h"

enum { US = 0x0a000002, THEM = 0x0a000001, IRS = 1000, PEER = 5000 };

extern struct sim_link peer_link;
extern struct sim_tcp host;
extern struct tcp_port port;
extern struct tcp_connection *c; /* the one that was accepted or opened */
extern unsigned told;		 /* how often its owner was told of news */

/* What the host sent last, and how much since caught_none(). */
extern struct tcp_header sent;
extern struct tcp_options sent_options;
extern struct ipv4_header sent_ip;
extern size_t sent_text;
extern unsigned sent_count, sent_pushes;
extern struct tcp_block sent_blocks[64]; /* the SACK blocks of all of them */
extern unsigned sent_block_count;

void caught_none(void);

void start(void);
void stop(void);
/* Lets time pass, in which the peer's link address stays known. */
void pass(duration time);

/* A segment of the peer's; what is zero has a default. */
struct segment {
	uint32_t sequence, acknowledgment;
	uint8_t flags;
	uint16_t window, to; /* 0: 65535; port 7 */
	uint16_t from;	     /* 0: PEER */
	size_t text;	     /* bytes of it, up to 65,400: the low bytes of their numbers */
	struct tcp_options options;
	struct view raw_options;      /* if any: instead of those, as they are */
	uint32_t destination, source; /* 0: US, THEM */
	bool is_marked, is_damaged, is_window_closed;
};
void inject(struct segment s);
/* What is injected later waits for inject_batch, which hands all of it in together. */
void inject_later(struct segment s);
void inject_batch(void);

/* A handshake with those options; the connection is accepted. */
void establish_with(struct tcp_options options);
void establish_at(uint32_t irs, struct tcp_options options);
void establish(void);
/* One more, from that port; it is the caller's. */
struct tcp_connection *establish_from(uint16_t from);
/* Another secret, with which our next first number to PEER lies `before` below 2^32, or a little nearer. */
void wrap_soon(uint32_t before);
/* Opens a connection to the peer: the SYN is what was sent. */
void open_to_peer(void);
/* An ordinary segment of the peer: in order unless `ahead`. */
struct segment from_peer(int32_t ahead, uint8_t flags, size_t text);
/* Writes to the connection. */
void queue(size_t length);

#endif
