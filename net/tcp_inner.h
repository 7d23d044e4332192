/*
 * What the parts of TCP call of each other: one part, one file.
 */
#ifndef DIATOM_NET_TCP_INNER_H
#define DIATOM_NET_TCP_INNER_H

#include "net/stack.h"
#include "net/tcp.h"
#include "net/tcp_flight.h"

static inline instant tcp_now(const struct tcp_host *host)
{
	return host->stack->now;
}

/* Milliseconds on the clock of time stamps, before their offset is added. */
static inline uint32_t tcp_now_ms(const struct tcp_host *host)
{
	return (uint32_t)(host->stack->now / 1000000);
}

/* What is left of the memory for all buffers. No connection may hold more than that of what it receives,
 * and a part of it of what it sends (tcp_connection_room): so a crowd of hogs always leaves something. */
static inline size_t tcp_memory_left(const struct tcp_host *host)
{
	return host->limits.memory > host->memory ? host->limits.memory - host->memory : 0;
}

/* So little that who makes no progress may lose what he holds. */
static inline bool tcp_memory_is_short(const struct tcp_host *host)
{
	return tcp_memory_left(host) < host->limits.memory / 4;
}

/* The window scale with which a window of that many bytes can be told (RFC 7323 2.3). */
static inline uint8_t tcp_scale_of(size_t bytes)
{
	uint8_t scale = 0;

	while (scale < TCP_SCALE_MAX && bytes >> scale > 65535)
		scale++;
	return scale;
}

/* --- tcp_table.c: flows by their ends --- */

struct tcp_flow *tcp_flow_find(struct tcp_host *host, const struct tcp_ends *ends);
void tcp_flow_add(struct tcp_host *host, struct tcp_flow *flow);
void tcp_flow_remove(struct tcp_host *host, struct tcp_flow *flow); /* and its timer; idempotent */
enum status tcp_table_start(struct tcp_host *host);
void tcp_table_end(struct tcp_host *host);
struct tcp_port *tcp_port_find(struct tcp_host *host, uint16_t number);
/* A free port for a connection to `ends->remote`, written to ends->local_port. False: none is. */
bool tcp_port_choose(struct tcp_host *host, struct tcp_ends *ends);

/* --- tcp_secret.c: numbers that nobody may guess --- */

uint32_t tcp_sequence_first(const struct tcp_host *host, const struct tcp_ends *ends);
uint32_t tcp_stamp_offset(const struct tcp_host *host, const struct tcp_ends *ends);
uint64_t tcp_cookie_hash(
	const struct tcp_host *host, const struct tcp_ends *ends, uint32_t irs, uint32_t minute);

/* --- tcp_ip.c: the one file that knows of IP's versions --- */

void tcp_ip_decode(struct tcp_segment *s, const struct ip_arrival *arrival);
uint64_t tcp_ip_pseudo_sum(const struct tcp_ends *ends, size_t length);
/* Takes a segment with its checksum; it is never fragmented. */
enum status tcp_ip_output(
	struct net_stack *stack, struct packet *packet, const struct tcp_ends *ends, bool is_ect);
size_t tcp_ip_header_bytes(const struct address *a);
uint8_t tcp_ip_segmentation(const struct address *a); /* enum packet_segmentation */
uint16_t tcp_ip_link_mtu(const struct net_stack *stack, const struct address *to);
/* No path's MTU is smaller: below, somebody lies to make us waste bandwidth. */
uint16_t tcp_ip_mtu_least(const struct address *a);
bool tcp_ip_source(const struct net_stack *stack, const struct address *to, struct address *source);

/* --- tcp_emit.c: segments out --- */

/* Sends *text bytes of the queue from `from` on with `flags`, as many as go in one frame: then *text
 * says how many, and FIN and PSH wait for the rest. OK; NO_MEMORY: nothing was sent. */
enum status tcp_emit(struct tcp_connection *c, uint32_t from, uint32_t *text, uint8_t flags);
/* An ACK without text. */
void tcp_emit_ack(struct tcp_connection *c);
/* The same for something odd that came: rarely (RFC 5961 7). */
void tcp_emit_challenge(struct tcp_connection *c);
/* Takes one from the budget; false, and counted: it is used up. */
bool tcp_budget_take(struct tcp_host *host, struct tcp_budget *budget);
/* A segment of a flow that is no connection, or without one. */
void tcp_emit_bare(struct tcp_host *host, const struct tcp_ends *ends, struct tcp_header *header,
	const struct tcp_options *options);
/* The reset that answers a segment (RFC 9293 3.10.7.1). */
void tcp_emit_reset(struct tcp_host *host, const struct tcp_segment *s);
/* What fits one segment of the connection beside its usual options. */
uint32_t tcp_text_most(const struct tcp_connection *c);
/* The same beside the SACK blocks that the next one has to carry. */
uint32_t tcp_text_now(const struct tcp_connection *c);

/* --- tcp_chunks.c: the send queue --- */

/* The first chunk with text from `from` on, and the offset in it; NULL: none is queued. */
struct packet *tcp_chunks_find(struct tcp_connection *c, uint32_t from, uint32_t *offset);
/* Drops chunks up to `una`, the new snd_una. */
void tcp_chunks_acknowledge(struct tcp_connection *c, uint32_t una);
void tcp_chunks_drop(struct tcp_connection *c);

/* --- tcp_output.c --- */

void tcp_connection_due(struct tcp_connection *c); /* sends at the end of the batch, or now */
void tcp_alarm_restart(struct tcp_connection *c);  /* RFC 6298 5.3 */
/* Into a window that is closed, or too small for Nagle's and SWS's taste: one byte at least. */
void tcp_window_probe(struct tcp_connection *c);
uint32_t tcp_window_left(const struct tcp_connection *c); /* of what the peer takes, bytes */

/* --- tcp_connection.c --- */

struct tcp_connection *tcp_connection_new(struct tcp_host *host, const struct tcp_ends *ends);
void tcp_connection_die(struct tcp_connection *c, enum status why);
void tcp_connection_free(struct tcp_connection *c);
void tcp_connection_news(struct tcp_connection *c); /* the owner is to be told */
void tcp_connection_established(struct tcp_connection *c);
/* What both SYNs agreed on. */
void tcp_connection_agree(struct tcp_connection *c, uint16_t mss, bool has_scale, uint8_t scale);
void tcp_mss_update(struct tcp_connection *c); /* from the peer's wish and the path's MTU */

/* --- tcp_deadline.c: what is due when --- */

void tcp_deadline_sync(struct tcp_connection *c);
void tcp_deadline_expired(struct tcp_connection *c);
void tcp_idle_restart(struct tcp_connection *c); /* keep-alive, FIN-WAIT-2 */

/* --- tcp_rto.c: RFC 6298 --- */

void tcp_rto_sample(struct tcp_connection *c, duration rtt);
duration tcp_rto(const struct tcp_connection *c); /* with back-off */

/* --- tcp_input.c, tcp_ack.c, tcp_text.c: RFC 9293 3.10.7.4 --- */

/* Counts a segment that has no use in the state: handshakes', listening ports', one without ACK. */
void tcp_ignored(void);
/* For a connection in a synchronized state or SYN-RECEIVED; may end it. */
void tcp_connection_input(struct tcp_connection *c, struct tcp_segment *s);
/* The fifth check. False: the segment is dropped. */
bool tcp_ack_input(struct tcp_connection *c, struct tcp_segment *s);
/* The seventh: text, and FIN's number. Takes s->packet where it keeps it. */
void tcp_text_input(struct tcp_connection *c, struct tcp_segment *s);
uint32_t tcp_receive_window(const struct tcp_connection *c); /* what we could promise now */
/* After the program has read: tells the peer, if the window moved enough. */
void tcp_receive_opened(struct tcp_connection *c, uint32_t bytes);

/* --- tcp_reorder.c --- */

/* Takes a packet with text out of order. */
void tcp_reorder_add(struct tcp_connection *c, struct packet *packet, uint32_t start, bool is_fin);
/* The next packet that begins at or before rcv_nxt, cut to begin there; NULL: none. */
struct packet *tcp_reorder_take(struct tcp_connection *c);
bool tcp_reorder_takes_fin(struct tcp_connection *c);
unsigned tcp_reorder_blocks(
	const struct tcp_connection *c, struct tcp_block *blocks, unsigned most);
/* An ACK has left. */
void tcp_reorder_told(struct tcp_connection *c);
/* More blocks are new than the next ACK could surely tell of. */
bool tcp_reorder_is_full(const struct tcp_connection *c);
/* [start, end) came twice: the next ACK tells it (RFC 2883). */
void tcp_reorder_twice(struct tcp_connection *c, uint32_t start, uint32_t end);
void tcp_reorder_drop(struct tcp_connection *c);
/* Memory is short: drops the oldest queue, if its hole has been open for long. */
void tcp_reorder_relieve(struct tcp_host *host);
uint32_t tcp_reorder_bytes(const struct tcp_connection *c);

/* --- tcp_recovery.c, tcp_rack.c --- */

void tcp_recovery_acknowledged(struct tcp_connection *c, const struct tcp_news *news);
void tcp_recovery_timed_out(struct tcp_connection *c);
void tcp_recovery_reordered(struct tcp_connection *c); /* RACK's alarm */
void tcp_recovery_mark(struct tcp_connection *c);      /* ECE came */
/* The loss that began the recovery was none of the network's: window and threshold are as before it. */
void tcp_recovery_forgive(struct tcp_connection *c);
void tcp_rack_update(struct tcp_connection *c, const struct tcp_news *news);
/* Marks what RACK holds for lost; when it wants to look again, or FOREVER. */
instant tcp_rack_detect(struct tcp_connection *c);
instant tcp_probe_when(const struct tcp_connection *c); /* TLP's PTO; FOREVER: no probe now */
void tcp_probe_send(struct tcp_connection *c);
void tcp_probe_acknowledged(struct tcp_connection *c, uint32_t ack, bool is_duplicate);

/* --- tcp_frto.c --- */

/* After a timeout, the first or another one for the same text. */
void tcp_frto_begin(struct tcp_connection *c, bool is_first);
/* True: the timeout was for nothing. */
bool tcp_frto_acknowledged(struct tcp_connection *c, const struct tcp_news *news);

/* --- tcp_half_open.c, tcp_cookie.c, tcp_waiting.c: flows that are no connections --- */

/* LISTEN, 3.10.7.2. */
void tcp_listen_input(struct tcp_host *host, struct tcp_port *port, struct tcp_segment *s);
void tcp_half_open_input(struct tcp_host *host, struct tcp_half_open *h, struct tcp_segment *s);
void tcp_half_open_expired(struct tcp_host *host, struct tcp_half_open *h);
void tcp_half_open_free(struct tcp_host *host, struct tcp_half_open *h);
/* May this handshake become a connection? Counts why not. */
bool tcp_port_has_room(const struct tcp_port *port);
/* A new established connection stands in the port's queue. */
void tcp_port_queue(struct tcp_port *port, struct tcp_connection *c);
void tcp_cookie_send(struct tcp_host *host, const struct tcp_segment *s);
/* The connection whose cookie the ACK brings back; NULL: it is none. */
struct tcp_connection *tcp_cookie_accept(
	struct tcp_host *host, struct tcp_port *port, const struct tcp_segment *s);
/* Leaves a small object for the connection, which ends. */
void tcp_waiting_begin(struct tcp_connection *c);
/* True: the segment opens a new connection, the old one is gone (RFC 9293 3.6.1, RFC 6191). */
bool tcp_waiting_input(struct tcp_host *host, struct tcp_waiting *w, struct tcp_segment *s);
void tcp_waiting_free(struct tcp_host *host, struct tcp_waiting *w);

/* --- tcp_path.c: path MTU --- */

uint16_t tcp_path_mtu(struct tcp_host *host, const struct address *to);
void tcp_path_learn(struct tcp_host *host, const struct address *to, uint16_t mtu);
void tcp_path_suspect(struct tcp_connection *c); /* full segments vanish: a black hole? */
struct tcp_path *tcp_path_find(struct tcp_host *host, const struct address *to);

/* --- tcp_path_probe.c: and upwards again --- */

/* The mss of a segment that should be tried now; 0: none. `text` may leave at once. */
uint16_t tcp_path_probe_mss(struct tcp_connection *c, uint32_t text);
/* It leaves as [start, end). */
void tcp_path_probe_sent(struct tcp_connection *c, uint16_t mss, uint32_t start, uint32_t end);
/* Everything before `ack` has arrived; [start, end) is sent again. */
void tcp_path_probe_acknowledged(struct tcp_connection *c, uint32_t ack);
void tcp_path_probe_repeated(struct tcp_connection *c, uint32_t start, uint32_t end);

#endif
