/*
 * Signals of the process target: what the loader still does once the body runs.
 *
 *     SEGV BUS ILL FPE TRAP   the body crashed: report, exit 123
 *     SYS                     a system call that the filter does not allow: report, exit 123. Three
 *                             are meant for us: PROCESS_CRASH, and exit_group, so that we can say
 *                             how it ended.
 *     INT TERM                the first asks the body to finish, a second ends it
 *     ALRM                    the time-out
 *     CHLD                    with a helper that carries the network (struct run_config): it ended,
 *                             which ends the body, unless it was asked to finish
 *     PROF                    a tick of the sampler, see ticks.h
 *
 * A handler finds the body's thread pointer in the FS base, so it puts back the loader's first of all
 * (stack protector and errno live there), unless it returns to the body and touches neither. All run
 * on a stack of their own: a fiber's may be too small for the frame that the kernel pushes.
 */
#ifndef DIATOM_HOST_PROCESS_TRAPS_H
#define DIATOM_HOST_PROCESS_TRAPS_H

#include <ucontext.h>

#include "host/crash/report.h"
#include "host/process/space.h"

/* A handler that runs on the body's thread pointer must not look for a canary there. */
#define ON_BODY_THREAD __attribute__((no_stack_protector))

/* The FS base, and setting it. */
static inline uint64_t traps_thread(void)
{
	uint64_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline void traps_set_thread(uint64_t base)
{
	__asm__ volatile("wrfsbase %0" ::"r"(base) : "memory");
}

/* The registers that a signal interrupted, as reports have them. */
struct crash_registers traps_registers(const mcontext_t *context);

/* Installs the handlers and starts the time-out. All arguments must stay. 0 or a negative errno. */
int traps_start(
	const struct space *space, const struct run_config *config, const struct image *image);

#endif
