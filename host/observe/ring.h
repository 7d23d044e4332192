/*
 * A ring of equal slots in memory that two processes share: the one that runs the body writes, the one
 * that watches it reads. The layout is abi/trace.h's, so that a body can be the writer.
 *
 *     | struct trace_ring, 4 KiB | slot | slot | ...
 *
 * In the process target the body can write all of it, whoever the writer should be: the reader checks
 * what it takes, and each side keeps its own count.
 */
#ifndef DIATOM_HOST_OBSERVE_RING_H
#define DIATOM_HOST_OBSERVE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/trace.h"

struct ring {
	struct trace_ring *shared;
	uint64_t slot_count;
	uint32_t slot_bytes;
	uint64_t head, tail;  /* the writer's own, the reader's own */
	uint64_t lost_by_lie; /* the reader found an impossible head: how often */
};

/* Makes a ring that a fork will share. 0 or a negative errno. Lives as long as the process. */
int ring_make(struct ring *ring, uint64_t slot_count, uint32_t slot_bytes);

/* Of the whole mapping, in whole pages. */
uint64_t ring_bytes(const struct ring *ring);

/* Maps all of its pages into this process, which a fork leaves to page faults. */
void ring_fault_in(const struct ring *ring);

/* Moves the mapping, in this process only, over whatever is at `place` (page-aligned): how a body gets
 * to see it. 0 or a negative errno. */
int ring_move(struct ring *ring, void *place);

/* The slot to write next, or NULL when the ring is full, which is counted; then ring_publish. Both may
 * be used in a signal handler, by one writer. */
void *ring_slot(struct ring *ring);
void ring_publish(struct ring *ring);

/* Copies the oldest slot out; false: there is none. */
bool ring_take(struct ring *ring, void *copy);

/* What the writer says it dropped. */
uint64_t ring_dropped(const struct ring *ring);

#endif
