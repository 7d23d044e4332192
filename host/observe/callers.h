/*
 * From samples to names: who called whom, by the image's debug file.
 *
 *     rip, registers, top of the stack  ->  main;serve_forever;dns_answer_[i];memo_find
 *
 * Functions that the compiler inlined are frames like others, their names ending in "_[i]", as
 * flamegraph.pl has it. Frames of our own are in brackets: [monitor], [kernel], [exit], [vdso], [truncated] for
 * what lay deeper than a sample reaches, [unknown] where the debug file has no rule.
 */
#ifndef DIATOM_HOST_OBSERVE_CALLERS_H
#define DIATOM_HOST_OBSERVE_CALLERS_H

#include "host/debug/debug_file.h"
#include "host/observe/sampler.h"
#include "host/observe/stacks.h"

struct callers {
	const struct debug *debug; /* NULL: there is none, and addresses are all that is shown */
	struct stacks *stacks;
	uint64_t image, image_bytes; /* where the image lies */
	struct callers_seen *seen;   /* addresses that were looked up */
	uint32_t seen_count, seen_capacity;
};

/* Adds a sample to callers->stacks. The sample may be anything. */
void callers_add(struct callers *callers, const struct sample *sample);

#endif
