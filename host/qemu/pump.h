/*
 * Bytes from one descriptor to another, a piece at a time, without waiting.
 */
#ifndef DIATOM_QEMU_PUMP_H
#define DIATOM_QEMU_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct pump {
	int from, to;	   /* from -1: nothing comes any more */
	size_t at, length; /* what is left of the piece */
	char piece[2048];  /* no more than a pipe takes at once when it takes anything */
};

void pump_start(struct pump *pump, int from, int to);

/* What ppoll should wait for. */
struct pollfd pump_wish(const struct pump *pump);

/* Reads a piece, or writes of it what can be; after ppoll said that it won't wait. What can't be written
 * any more is dropped. */
void pump_move(struct pump *pump);

/* Moves what is there until the source's end; only what the target takes at once if `is_hurried`. */
void pump_drain(struct pump *pump, bool is_hurried);

#endif
