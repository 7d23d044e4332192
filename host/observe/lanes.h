/*
 * A timeline as a picture: one SVG file with a swim lane for the monitor, the loop, main and each
 * fiber, for people who want to look without a tool.
 */
#ifndef DIATOM_HOST_OBSERVE_LANES_H
#define DIATOM_HOST_OBSERVE_LANES_H

#include <stdio.h>

#include "host/observe/timeline.h"

#define LANES_EVENTS_MAX (UINT64_C(1) << 19) /* that are kept for the picture: the first ones */

struct lanes {
	struct timeline_event *events;
	uint64_t count, capacity;
	uint64_t left_out;
};

/* Keeps an event. Memory that runs out only ends the keeping. */
void lanes_add(struct lanes *lanes, const struct timeline_event *event);

void lanes_write(const struct lanes *lanes, const struct timeline *timeline, const char *title,
	const char *subtitle, FILE *file);

#endif
