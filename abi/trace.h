/*
 * Trace: what a body tells of itself while it is watched by `diatom trace`.
 *
 * The host maps a ring into the body (boot_info.trace_ring; 0: nobody watches) and reads it from
 * another process while the body writes:
 *
 *     struct trace_ring     head, tail, dropped
 *     + TRACE_RING_BYTES    trace_slots records of 32 bytes; record n is in slot n % trace_slots
 *
 * The body writes a record, then head + 1 (release). The host reads up to head (acquire), then writes
 * tail. A body that finds head - tail == trace_slots drops the record and counts it. The host believes
 * nothing of what is in there: a ring that lies makes a wrong picture and no more.
 */
#ifndef DIATOM_ABI_TRACE_H
#define DIATOM_ABI_TRACE_H

#include <stdint.h>

#define TRACE_RING_BYTES 4096 /* from the ring's start to its first record */

struct trace_ring {
	uint64_t head; /* records written so far; the body's */
	uint64_t dropped;
	uint64_t reserved[6];
	uint64_t tail; /* records read so far; the host's, on a cache line of its own */
};

enum trace_type {
	TRACE_SWITCH = 1, /* `fiber` runs from now on; `value`: enum trace_left of the one before */
	TRACE_READY,	  /* `fiber` may run again: it was started or woken */
	TRACE_TURN,	/* a turn of the loop that had work: began at `time_ns`, took `value` ns */
	TRACE_SLEEP,	/* likewise: the loop slept */
	TRACE_RECEIVE,	/* `value` frames came in one batch */
	TRACE_TRANSMIT, /* `value` frames went out in one batch */
	TRACE_DOORBELL, /* the device was told of a queue; `value`: its number */
	TRACE_BEGIN,	/* of the program's own: a span begins in the running fiber */
	TRACE_END,	/* ... and ends; spans of a fiber nest */
	TRACE_INSTANT,
	TRACE_COUNTER, /* `value` is the counter's from now on */
	/* Of the monitor, in a ring that the body doesn't see. */
	TRACE_HOST_EXIT,  /* as TRACE_TURN: the guest stood still; `fiber`: KVM's exit reason */
	TRACE_HOST_SERVE, /* as TRACE_TURN: devices had work */
	TRACE_HOST_SLEEP, /* as TRACE_TURN: waited for input or a deadline */
};

enum trace_left { TRACE_LEFT_RUNNING, TRACE_LEFT_READY, TRACE_LEFT_WAITING, TRACE_LEFT_ENDED };

#define TRACE_FIBER_MAIN 0
#define TRACE_FIBER_LOOP 0xffffffffU /* the loop itself, on main's stack */

struct trace_record {
	int64_t time_ns; /* the body's clock */
	int64_t value;
	uint32_t type;	/* enum trace_type */
	uint32_t fiber; /* any number that tells those apart which exist at the same time */
	uint32_t name;	/* of the fiber, span, ...: where its text lies in the image; 0: unknown */
	uint32_t reserved;
};

_Static_assert(sizeof(struct trace_ring) == 72, "trace_ring is a wire format");
_Static_assert(sizeof(struct trace_record) == 32, "trace_record is a wire format");

#endif
