/*
 * TCP's state machine, without I/O, clock or randomness of its own: RFC 9293. The blocking calls of
 * diatom/tcp.h stand on it (net/tcp_socket.c); the simulator uses it directly.
 *
 *     segment in                                             written bytes
 *        |                                                        |
 *     tcp_input  -- which flow? --> connection  --.          send queue: references to bytes
 *        |               |-> half open (a SYN)    |               |
 *        |               |-> waiting (TIME-WAIT)  |          tcp_output: what may leave?
 *        '-> listener, or a reset                 |               |       windows, Nagle, pacing
 *                                                 |          tcp_emit: header + references -> IP
 *        tcp_ack (what did arrive?) --> scoreboard, recovery, congestion window
 *        tcp_text (what came?)      --> receive queue, or reorder queue
 *
 * Three kinds of flows stand in one hash table by their two endpoints: whole connections; half-open
 * ones, which have sent SYN-ACK and cost 160 bytes; and those in TIME-WAIT, 128 bytes. Beyond the limit
 * of half-open ones, SYNs are answered with cookies and cost nothing.
 *
 * During a batch of frames nothing is sent for a connection: it is put on the `due` list, and at the
 * batch's end each one there sends once, data and acknowledgment together. Owners are told before that.
 */
#ifndef DIATOM_NET_TCP_H
#define DIATOM_NET_TCP_H

#include "base/hash.h"
#include "diatom/memory.h"
#include "diatom/packet.h"
#include "diatom/tcp.h"
#include "diatom/tcp_congestion.h"
#include "net/tcp_timer.h"
#include "wire/tcp.h"

struct ip_arrival;
struct ip_failure;
struct net_stack;
struct tcp_reorder;
struct tcp_flight;
struct tcp_host;

#define TCP_MSS_LEAST	    64	/* below, a peer wants us to waste bandwidth on headers */
#define TCP_MSS_DEFAULT	    536 /* RFC 9293 3.7.1, when the peer says nothing */
#define TCP_PORTS	    64	/* buckets of listening ports */
#define TCP_EPHEMERAL	    49152
#define TCP_BUFFER_BYTES    MEBIBYTES(1)
#define TCP_WINDOW_FIRST    KIBIBYTES(64) /* the receive window at the start: grows with use */
#define TCP_BUFFER_MOST	    MEBIBYTES(512)

#define TCP_RTO_FIRST	    SECONDS(1)	       /* RFC 6298 2.1 */
#define TCP_RTO_LEAST	    MILLISECONDS(200)  /* RFC 6298 2.4 wants 1 s; nobody does that */
#define TCP_RTO_MOST	    SECONDS(60)	       /* RFC 6298 2.5 */
#define TCP_ACK_DELAY	    MILLISECONDS(40)   /* RFC 9293 3.8.6.3: below 0.5 s */
#define TCP_ACK_DELAY_SHORT MILLISECONDS(1)    /* at the start of a connection */
#define TCP_MSL		    SECONDS(30)	       /* TIME-WAIT lasts two of them */
#define TCP_FIN_WAIT_2_TIME SECONDS(60)	       /* for connections that nobody owns */
#define TCP_USER_TIMEOUT    (15 * SECONDS(60)) /* beyond RFC 9293's 100 s for R2 */
#define TCP_ORPHAN_TIMEOUT  SECONDS(180)       /* the same for connections that nobody owns */
#define TCP_SYN_RETRIES	    6		       /* 1+2+4+8+16+32+64 s: three minutes, R2 for SYNs */
#define TCP_SYN_ACK_RETRIES 5
#define TCP_KEEP_PROBES	    9

enum tcp_kind { TCP_KIND_CONNECTION, TCP_KIND_HALF_OPEN, TCP_KIND_WAITING };

/* The two ends of a flow, as hashed and compared. */
struct tcp_ends {
	struct address local, remote;
	uint16_t local_port, remote_port;
	/* Not of the ends, but here they cost nothing. Of a flow: */
	uint8_t kind;	/* enum tcp_kind */
	uint8_t state;	/* enum tcp_state */
	bool is_listed; /* it stands in the table */
};

/* What stands in the table. */
struct tcp_flow {
	struct tcp_flow *next; /* in its bucket */
	struct tcp_timer timer;
	struct tcp_ends ends;
};

/* A received segment, decoded. */
struct tcp_segment {
	struct packet *packet; /* `data` at the text; NULL once it was taken */
	struct tcp_ends ends;  /* local: ours */
	struct tcp_header header;
	struct tcp_options options;
	uint32_t text;	   /* bytes of it */
	bool is_marked;	   /* congestion experienced (RFC 3168) */
	bool is_for_group; /* to a broadcast or multicast address */
	bool has_iss; /* a SYN that reuses the ends of a connection in TIME-WAIT: our sequence */
	uint32_t iss; /* number must lie behind what was used before */
};

/* The first number after the segment, SYN and FIN counted. */
static inline uint32_t tcp_segment_end(const struct tcp_segment *s)
{
	return s->header.sequence + s->text + !!(s->header.flags & TCP_SYN) +
	       !!(s->header.flags & TCP_FIN);
}

/* What a connection's retransmission timer is for: at most one of them at a time (RFC 8985 8). */
enum tcp_alarm {
	TCP_ALARM_NONE,
	TCP_ALARM_RTO,	   /* RFC 6298 */
	TCP_ALARM_PROBE,   /* tail loss probe, RFC 8985 7 */
	TCP_ALARM_REORDER, /* RACK's: what is still missing then is lost */
	TCP_ALARM_PERSIST, /* the window is closed: RFC 9293 3.8.6.1 */
};

struct tcp_connection {
	struct tcp_flow flow;
	struct tcp_host *host;
	struct tcp_port *port; /* the listener that it counts for; NULL for one that we opened */
	struct tcp_connection *next_due, *next_ready;

	/* RFC 9293 3.3.1, by its names. */
	uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, iss;
	uint32_t rcv_nxt, irs;
	uint32_t rcv_edge; /* the end of the window that we have promised: it never moves back */
	uint32_t snd_end;  /* the number after the last queued byte: the FIN's */
	uint32_t snd_wnd_most; /* the largest window that the peer ever had */
	uint32_t small_end;    /* after the last segment sent that was not full (Nagle, Minshall) */
	uint32_t acked_at;     /* rcv_nxt as last told */
	struct tcp_block duplicate; /* what came twice, to be told (RFC 2883); empty: nothing */
	uint32_t challenged_ms;	    /* when the peer was last sent an ACK for something odd */

	/* Sending: chunks of queued bytes, the first one beginning at snd_una. */
	struct packet_queue chunks;
	uint32_t send_limit, send_charged;
	struct tcp_flight *flight; /* NULL when nothing is unacknowledged */
	struct tcp_congestion congestion;
	const struct tcp_congestion_ops *control;

	/* Receiving. */
	struct packet_queue received;
	uint32_t received_bytes, receive_charged, receive_limit, receive_space;
	uint32_t receive_mark;	     /* bytes read in this round trip, and */
	uint32_t receive_marked_ms;  /* when it began: the space grows with them */
	struct tcp_reorder *reorder; /* NULL when nothing is out of order */

	/* Round trips (RFC 6298), microseconds. */
	uint32_t rtt_us, rtt_variation_us, rtt_least_us, rto_us;
	/* RFC 7323 */
	uint32_t stamp_offset, stamp_recent, stamp_recent_ms;
	uint32_t answered_at; /* bytes_received, its low half, when we last sent text */

	/* Deadlines, all of them behind one timer. */
	instant alarm_at, ack_at, idle_at;
	uint32_t progress_ms; /* when something was last acknowledged, or the queue last empty */
	uint32_t heard_ms;    /* when a segment last came */
	uint32_t user_timeout_ms, keep_alive_ms, keep_interval_ms;
	uint32_t retransmissions;
	uint64_t bytes_received, bytes_acknowledged;
	uint16_t mss;	       /* what a segment may carry, options included */
	uint16_t mss_asked;    /* what the peer wants at most */
	uint16_t mss_received; /* the largest text that came: what an ACK is owed for twice */
	uint16_t timeouts, recoveries, spurious;
	uint8_t alarm; /* enum tcp_alarm */
	uint8_t backoff;
	uint8_t send_scale, receive_scale;
	uint8_t quick_acks; /* how many more segments are acknowledged at once */
	uint8_t probes;	    /* keep-alives unanswered */
	uint8_t error;	    /* enum status: why it died */

	bool is_due : 1, is_ready : 1, is_dead : 1;
	bool is_owned : 1;     /* a program has the handle */
	bool is_accepting : 1; /* it stands in the port's queue */
	bool is_shut : 1;      /* no more will be written: a FIN follows the queue */
	bool is_fin_received : 1;
	bool has_stamps : 1, has_sack : 1, has_ecn : 1;
	bool is_ack_now : 1; /* an ACK is owed at the end of this batch */
	bool is_no_delay : 1, is_corked : 1;
	bool is_echoing_mark : 1; /* ECE until CWR comes (RFC 3168 6.1.3) */
	bool is_reduced : 1;	  /* CWR goes with the next new data */
	bool is_window_limited : 1;
	bool is_reordering_seen : 1; /* RFC 8985 6.2 step 3 */
	bool is_pacing : 1;	     /* output waits for the flight's pace_at */
	bool is_passive : 1;
	bool is_size_proven : 1; /* a full segment of this size has arrived there */
};

/* A SYN was answered, the handshake's last ACK hasn't come. */
struct tcp_half_open {
	struct tcp_flow flow;
	struct tcp_port *port;
	struct tcp_half_open *next_of_port, **link_of_port;
	uint32_t iss, irs, stamp_recent, stamp_offset;
	instant sent_at;
	uint16_t mss;
	uint8_t scale, retries;
	bool has_scale : 1, has_stamps : 1, has_sack : 1, has_ecn : 1;
};

/* TIME-WAIT: what it takes to answer a repeated FIN and to refuse old segments. */
struct tcp_waiting {
	struct tcp_flow flow;
	struct tcp_waiting *next, *previous; /* by age */
	uint32_t snd_nxt, rcv_nxt, window;
	uint32_t stamp_recent, stamp_offset;
	bool has_stamps;
};

/* A listening port. */
struct tcp_port {
	struct tcp_port *next, *next_ready;
	struct tcp_host *host;
	struct tcp_half_open *half_open;
	struct tcp_connection *accepting, **accepting_end; /* linked by next_ready */
	void (*ready)(struct tcp_port *port); /* something is there to accept; once a batch */
	uint32_t accepting_count, backlog;
	uint32_t connections, connections_limit; /* 0: none */
	uint16_t number;
	bool is_ready;
};

/* How large a packet the path to a host takes, where it is less than the link's MTU (RFC 1191). */
#define TCP_PATHS 32
struct tcp_path {
	struct address to;
	instant learned;
	instant probed;	  /* when a larger packet was last tried */
	uint16_t mtu;	  /* 0: unused */
	uint16_t ceiling; /* what was too large in this search; 0: nothing yet */
};

/* So many segments of a kind in a second, and no more. */
struct tcp_budget {
	uint32_t left;
	instant since;
};

struct tcp_limits {
	uint32_t connections, half_open, waiting;
	size_t memory; /* bytes of buffers, sent and received, that all connections hold */
};

struct tcp_host {
	struct net_stack *stack;
	struct tcp_flow **buckets;
	uint32_t bucket_count, flow_count;
	struct hash_key table_key,
		secret; /* secret: of sequence numbers, time stamps and cookies */
	struct tcp_wheel wheel;
	struct tcp_port *ports[TCP_PORTS], *ready_ports;
	struct tcp_connection *due, **due_end, *ready, **ready_end;
	struct tcp_waiting *waiting_first, *waiting_last;
	/* Told once a batch that something changed; never called from inside a call of its owner. */
	void (*notify)(struct tcp_connection *c);
	struct pool *pool; /* of connections: objects of sizeof(struct tcp_connection) at least */
	struct tcp_limits limits;
	uint32_t connections, half_open, waiting;
	size_t memory;
	instant cookies_until; /* cookies are believed until then: one was sent lately */
	struct tcp_budget challenges, resets; /* what strangers can make us send (RFC 5961 7) */
	struct tcp_reorder *reorders, **reorders_end; /* all of them, the oldest first */
	struct tcp_path paths[TCP_PATHS];
	bool is_ecn_asked;    /* our SYNs ask for ECN; peers' are always granted */
	bool is_stamp_spared; /* our SYNs don't ask for time stamps */
	bool is_in_batch;
};

/* --- the host --- */

/* Joins TCP to a stack; `host` is zeroed memory of the caller but for `pool` and `notify`. What is
 * zero in `limits` follows from the heap's size. NO_MEMORY. */
enum status tcp_host_start(struct tcp_host *host, struct net_stack *stack);

/* Frees all flows, without a word to the peers, and the tables. */
void tcp_host_end(struct tcp_host *host);

/* From net/ipv4.c and net/ipv6.c, where TCP is linked: */
void tcp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival);
/* From net/ip.c: a segment of ours didn't arrive; `quoted` is what the error quotes of it. */
void tcp_report(struct net_stack *stack, const struct ip_failure *failure, struct view quoted);
/* From net/stack.c: the batch has ended; the tick. */
void tcp_batch_end(struct net_stack *stack);
void tcp_tick(struct net_stack *stack);

/* --- ports --- */

/* Listens: zeroed memory of the caller but for `ready`, `backlog`, `connections_limit`. IN_USE. */
enum status tcp_port_listen(struct tcp_host *host, struct tcp_port *port, uint16_t number);
/* Resets what nobody accepted. */
void tcp_port_close(struct tcp_port *port);
/* The next connection, now owned by the caller; NULL if there is none. */
struct tcp_connection *tcp_port_accept(struct tcp_port *port);

/* --- connections --- */

/* Sends a SYN; owned by the caller. Statuses of tcp_connect_to. */
enum status tcp_connection_open(
	struct tcp_host *host, const struct endpoint *to, struct tcp_connection **connection);

/* Queues bytes for sending: takes the packet, of one fragment. The caller respects
 * tcp_connection_room. Nothing leaves before tcp_output. */
void tcp_connection_queue(struct tcp_connection *c, struct packet *packet);
/* The same with a copy; how many bytes were taken, fewer than given only without memory. */
size_t tcp_connection_copy(struct tcp_connection *c, struct view bytes);
size_t tcp_connection_room(const struct tcp_connection *c);

/* The next received buffer, `data` at the stream's next byte, or NULL; it is the caller's. */
struct packet *tcp_connection_take(struct tcp_connection *c);
/* Drops the stream's next bytes, at most received_bytes. */
void tcp_connection_consume(struct tcp_connection *c, size_t length);

/* Puts a buffer with the stream's first bytes in the place of the buffers that they lie in. Takes it. */
void tcp_connection_replace(struct tcp_connection *c, struct packet *joined);

/* RFC 9293 3.10.4 without giving up the handle. */
void tcp_connection_shut(struct tcp_connection *c);
/* RFC 9293 3.10.5: a reset, if the state has one. The handle stays. */
void tcp_connection_abort(struct tcp_connection *c);
/* Gives up the handle: the connection ends by itself. */
void tcp_connection_release(struct tcp_connection *c);

void tcp_connection_info(const struct tcp_connection *c, struct tcp_info *info);

/* Sends what may be sent, data and ACK. */
void tcp_output(struct tcp_connection *c);

#endif
