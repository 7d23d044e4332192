/*
 * Spans, instants and counters of a program's own in the timeline that `diatom trace` writes, beside
 * the fibers, wake-ups and device work that are in it anyway:
 *
 *     static void answer(struct request *request)
 *     {
 *         TRACE_SPAN("answer");              from here to the end of the block
 *         ...
 *         trace_counter("queue", waiting);
 *     }
 *
 * When nobody traces, each call is a look at one word. Names are string literals: only where they lie
 * is recorded, and the host reads them from the image's file. Spans of one fiber nest, and a span may
 * wait in between: it belongs to the fiber, not to the CPU.
 */
#ifndef DIATOM_TRACE_H
#define DIATOM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* True while somebody watches: for work that only makes sense then. */
bool trace_is_watched(void);

/* A span of the running fiber begins, and ends. Prefer TRACE_SPAN, which can't be forgotten. */
void trace_begin(const char *name);
void trace_end(void);

/* Something happened. */
void trace_instant(const char *name);

/* The counter called `name` has this value from now on. */
void trace_counter(const char *name, int64_t value);

static inline void trace_end_of_block(const bool *unused)
{
	(void)unused;
	trace_end();
}

#define TRACE_JOIN2(a, b) a##b
#define TRACE_JOIN(a, b)  TRACE_JOIN2(a, b)
/* A span from here to the end of the block, however that is left. */
#define TRACE_SPAN(name)                                                                           \
	__attribute__((cleanup(trace_end_of_block), unused)) const bool TRACE_JOIN(                \
		trace_span_, __LINE__) = (trace_begin(name), true)

#endif
