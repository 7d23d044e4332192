/*
 * From trace records to a timeline: who ran when, who woke whom, what lasted how long.
 *
 *     lane 0  monitor    exits, device work, waits             (VM only)
 *     lane 1  loop       turns with work, sleeps
 *     lane 2  main       runs, ready, and spans above them
 *     lane 3  fibers     likewise, one lane for each that exists at the same time
 *
 * A record may be anything: a body writes them, and it may be hostile. Every event that comes out is
 * well-formed: lanes exist, times are in 0..TIMELINE_TIME_MAX, spans of a lane nest, texts are
 * printable. What can't be placed is counted.
 */
#ifndef DIATOM_HOST_OBSERVE_TIMELINE_H
#define DIATOM_HOST_OBSERVE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/trace.h"
#include "host/observe/names.h"

#define TIMELINE_LANES_MAX 1024
#define TIMELINE_DEPTH_MAX 32		      /* spans within spans */
#define TIMELINE_TIME_MAX  (INT64_C(1) << 53) /* ns: 104 days */

enum { LANE_MONITOR, LANE_LOOP, LANE_MAIN, LANE_FIRST_FIBER };

enum timeline_kind {
	TIMELINE_RUN,	/* the fiber ran */
	TIMELINE_READY, /* it could have run, but others did */
	TIMELINE_TURN,
	TIMELINE_SLEEP,
	TIMELINE_SPAN,
	TIMELINE_EXIT,
	TIMELINE_SERVE,
	TIMELINE_WAIT, /* the monitor, for input */
	TIMELINE_INSTANT,
	TIMELINE_COUNTER,
	TIMELINE_WAKE, /* from `lane` at `start` to `to_lane`, which ran `duration` later */
};

struct timeline_event {
	enum timeline_kind kind;
	uint32_t lane, to_lane;
	uint32_t depth; /* of a span: how many are around it */
	const char *name;
	int64_t start, duration;
	int64_t value;
};

struct timeline_span {
	const char *name;
	int64_t start;
};

struct timeline_lane {
	char name[NAMES_BYTES + 16];
	uint32_t fiber;
	bool is_ready;
	uint32_t waker; /* lane */
	int64_t ready_at, left_at;
	unsigned depth;
	int64_t spans_end; /* where the last span ended, or the innermost open one began */
	struct timeline_span spans[TIMELINE_DEPTH_MAX];
};

struct timeline {
	struct names names;
	struct timeline_lane lanes[TIMELINE_LANES_MAX];
	uint32_t lane_count;
	uint32_t lane_of[4 * TIMELINE_LANES_MAX]; /* open hash table by fiber: lane + 1 */
	uint32_t running;			  /* lane */
	int64_t running_since, last;
	uint64_t records,
		misplaced; /* misplaced: of unknown type, or of too many fibers or spans */
	void (*emit)(void *self, const struct timeline_event *event);
	void *self;
};

/* `emit` gets every event; names and lanes' names in it stay. The timeline is zeroed but for `emit`,
 * `self` and names.image. */
void timeline_begin(struct timeline *timeline);

void timeline_add(struct timeline *timeline, const struct trace_record *record);

/* Ends what is still open, where the last record was. */
void timeline_end(struct timeline *timeline);

#endif
