/*
 * A timeline as trace events in JSON, for Perfetto (ui.perfetto.dev) and chrome://tracing. Format:
 * "Trace Event Format", the JSON object form: complete events (X) for all that lasts, instants (i),
 * counters (C), flows (s, f) for wake-ups, and metadata (M) for names.
 *
 * Process 1 is the image: a thread for each lane, and one beneath it for its spans, so that slices of a
 * thread never overlap but nest. Process 2 is the monitor.
 */
#ifndef DIATOM_HOST_OBSERVE_CHROME_H
#define DIATOM_HOST_OBSERVE_CHROME_H

#include <stdio.h>

#include "host/observe/timeline.h"

struct chrome {
	FILE *file;
	uint64_t bytes_max; /* of the file, about */
	uint64_t left_out;  /* events that were beyond it */
	uint64_t bytes, flows;
	uint64_t span_lanes[TIMELINE_LANES_MAX / 64]; /* bits: lanes that have spans */
};

void chrome_begin(struct chrome *chrome);
void chrome_add(struct chrome *chrome, const struct timeline_event *event);

/* Names the threads, and ends the file with `dropped` in its otherData. */
void chrome_end(struct chrome *chrome, const struct timeline *timeline, const char *image,
	uint64_t dropped);

#endif
