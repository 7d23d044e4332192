/*
 * Congestion control, replaceable: CUBIC (RFC 9438) and NewReno (RFC 5681, 6582) are there; a program
 * that defines `tcp_congestion_default` itself, with a controller of its own, replaces the choice for
 * all its connections, and net/tcp_congestion.c is never linked.
 *
 *     const struct tcp_congestion_ops *const tcp_congestion_default = &tcp_reno;
 *
 * What is lost, what is in flight and how fast recovery sends (RFC 6937) is not a controller's
 * business: it sets the window and the threshold when told what happened.
 */
#ifndef DIATOM_TCP_CONGESTION_H
#define DIATOM_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "diatom/time.h"

#define TCP_THRESHOLD_NONE UINT32_MAX

struct tcp_congestion {
	uint32_t window;      /* bytes that may be in flight */
	uint32_t threshold;   /* bytes; below it, slow start */
	uint32_t mss;	      /* payload of a full segment, bytes; may change */
	uint32_t rtt_us;      /* smoothed round-trip time; 0 before the first sample */
	uint32_t rtt_last_us; /* the latest sample */
	uint64_t own[4];      /* the controller's; zero at the start */
};

struct tcp_congestion_ops {
	const char *name;
	/* Bytes were acknowledged outside recovery, while the window was what limited us. */
	void (*acknowledged)(struct tcp_congestion *c, uint32_t bytes, instant now);
	/*
	 * A loss or an ECN mark, once in a round trip, with `in_flight` bytes out: sets threshold to
	 * what the window shall be after recovery, at least two segments.
	 */
	void (*reduced)(struct tcp_congestion *c, uint32_t in_flight, bool is_mark, instant now);
	/* The retransmission timer ran out. The window is set to one segment after the call, the
	 * threshold by it. */
	void (*timed_out)(struct tcp_congestion *c, uint32_t in_flight, instant now);
	/* The last reduction was for nothing (RFC 3522, 5682, 2883): window and threshold are as they
	 * were before it. */
	void (*undone)(struct tcp_congestion *c, instant now);
	/* Nothing was sent for that long (more than a retransmission timeout). */
	void (*idled)(struct tcp_congestion *c, duration idle, instant now);
};

extern const struct tcp_congestion_ops tcp_cubic, tcp_reno;
extern const struct tcp_congestion_ops *const tcp_congestion_default;

#endif
