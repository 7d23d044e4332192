/*
 * Core's trace points. Each is a test of one word of boot info and a branch that is never taken, unless
 * `diatom trace` watches; what then happens is in trace.c. See abi/trace.h for what is recorded.
 *
 *     if (trace_is_on())
 *         trace_emit(TRACE_RECEIVE, NULL, frames);
 */
#ifndef DIATOM_CORE_TRACE_H
#define DIATOM_CORE_TRACE_H

#include <stdbool.h>

#include "abi/trace.h"
#include "plat/plat.h"

static inline bool trace_is_on(void)
{
	return __builtin_expect(plat_boot->trace_ring != 0, 0);
}

/*
 * Adds a record. Only while trace_is_on.
 *
 *     TRACE_SWITCH   subject: the fiber that runs from now on, NULL for the loop; value: the state
 *                    (enum fiber_state) of the one that is left
 *     TRACE_READY    subject: the fiber
 *     TRACE_TURN, TRACE_SLEEP                       value: the instant at which it began
 *     TRACE_BEGIN, TRACE_INSTANT, TRACE_COUNTER     subject: the name, a text of the image
 *     others         value, as in abi/trace.h
 */
void trace_emit(enum trace_type type, const void *subject, int64_t value);

#endif
