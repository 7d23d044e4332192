/*
 * What is in flight: a record for each range of sequence numbers that was sent together, from snd_una to
 * snd_nxt without gaps. It is the scoreboard of RFC 6675 and the segment list of RACK (RFC 8985) in one.
 *
 *     snd_una                                            snd_nxt
 *        | first: lost | second: sacked | third | ... last |          by number: next, previous
 *          earliest --> ........................ --> latest           by time of the last sending
 *
 * A record is as long as what left at one time; it is split where a SACK block, a retransmission or an
 * acknowledgment ends inside. It knows numbers only, no bytes: those are in the send queue, and may be
 * cut into other segments when they are sent again.
 *
 * The whole exists only while something is unacknowledged, so an idle connection doesn't pay for it.
 */
#ifndef DIATOM_NET_TCP_FLIGHT_H
#define DIATOM_NET_TCP_FLIGHT_H

#include "net/tcp.h"

#define TCP_RECORDS_MAX 8192 /* of a connection: a peer can't make more by odd SACK blocks */

struct tcp_sent {
	struct tcp_sent *next, *previous;
	struct tcp_sent *later, *earlier;
	instant sent_at;
	uint32_t start, end;
	bool is_sacked, is_lost, is_retransmitted;
};

enum tcp_phase {
	TCP_PHASE_OPEN,
	TCP_PHASE_RECOVERY, /* fast: RFC 6675, 6937 */
	TCP_PHASE_LOSS,	    /* after a timeout */
};

enum tcp_frto {
	TCP_FRTO_OFF,
	TCP_FRTO_REPEATED, /* the first segment left again */
	TCP_FRTO_NEW_SENT, /* then new ones, and the next ACK decides */
};

struct tcp_flight {
	struct tcp_sent *first, *last, *earliest, *latest;
	struct packet
		*cursor; /* the chunk in which the last sending found its text; NULL: unknown */
	instant pace_at; /* nothing leaves before */
	uint32_t cursor_start; /* the number of the chunk's first byte */
	uint32_t count;
	uint32_t sacked_bytes, lost_bytes;
	uint32_t sacked_end;	  /* the highest number that was sacked; snd_una if none */
	uint32_t duplicate_bytes; /* without SACK: what duplicate ACKs stand for */
	uint32_t mark_point; /* ECN marks count once until it is acknowledged (RFC 3168 6.1.2) */
	uint8_t duplicates;
	uint8_t phase;		 /* enum tcp_phase */
	uint8_t frto;		 /* enum tcp_frto */
	uint32_t recovery_point; /* the phase ends when it is acknowledged */

	/* A larger segment that is out to see if the path takes it; path_mtu 0: none is. */
	uint32_t path_start, path_end;
	uint16_t path_mtu;

	/* RACK: the segment sent last of those delivered. */
	instant rack_sent_at;
	uint32_t rack_end, rack_rtt_us;
	uint8_t rack_steps, rack_persist; /* of the reordering window */
	uint32_t rack_round;		  /* the window grows once until it is acknowledged */

	/* Tail loss probe. */
	uint32_t probe_end;
	bool is_probe_out, is_probe_repeat;

	/* Proportional rate reduction. */
	uint32_t prr_delivered, prr_sent, prr_from;

	/* To undo a reduction that was for nothing. */
	uint32_t undo_window, undo_threshold, undo_stamp;
	uint32_t undo_repeats; /* retransmissions that no DSACK has told of */
	bool is_undo_possible, is_first_repeat_pending;
};

/* What one ACK told. */
struct tcp_news {
	uint32_t acknowledged; /* bytes beyond the old snd_una */
	uint32_t delivered;    /* those and the newly sacked */
	uint32_t ack;
	uint32_t stamp_echo;
	bool has_stamp, has_blocks;
	bool is_duplicate;   /* an ACK that acknowledges nothing new and is no window update */
	bool is_repeat_told; /* a DSACK */
	/* Of the newest record that was delivered. */
	bool has_sample;
	bool is_sample_retransmitted;
	instant sampled_sent_at;
	uint32_t sampled_end;
	duration rtt; /* -1: none */
};

/* The records of what `start` .. `end` was sent now; false without memory. */
bool tcp_flight_add(struct tcp_connection *c, uint32_t start, uint32_t end);
/* What was added last ends at `end` already: the rest didn't leave. */
void tcp_flight_retract(struct tcp_connection *c, uint32_t end);
/* Cuts a record at `at`; the second part, or NULL without memory. */
struct tcp_sent *tcp_flight_split(struct tcp_connection *c, struct tcp_sent *sent, uint32_t at);
/* Cumulative: drops records up to `ack`. */
void tcp_flight_acknowledge(struct tcp_connection *c, uint32_t ack, struct tcp_news *news);
/* Selective: a block that was checked. */
void tcp_flight_sack(struct tcp_connection *c, struct tcp_block block, struct tcp_news *news);
void tcp_flight_mark_lost(struct tcp_connection *c, struct tcp_sent *sent);
/* The first `bytes` of a lost record leave again; false without memory. */
bool tcp_flight_retransmit(struct tcp_connection *c, struct tcp_sent *sent, uint32_t bytes);
/* The first lost record, or NULL. */
struct tcp_sent *tcp_flight_first_lost(const struct tcp_connection *c);
/* Forgets that anything was sacked or lost. */
void tcp_flight_all_lost(struct tcp_connection *c);
void tcp_flight_none_lost(struct tcp_connection *c);
/* Frees it when nothing is out, or all of it. */
void tcp_flight_tidy(struct tcp_connection *c);
void tcp_flight_drop(struct tcp_connection *c);

/* Bytes that are on their way as far as we know: RFC 6675's pipe. */
static inline uint32_t tcp_in_flight(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;
	uint32_t gone, out = c->snd_nxt - c->snd_una;

	if (f == NULL)
		return 0;
	gone = f->sacked_bytes + f->lost_bytes + f->duplicate_bytes;
	return out > gone ? out - gone : 0;
}

#endif
