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
 *
 * A handler finds the body's thread pointer in the FS base, so it puts back the loader's first of all
 * (stack protector and errno live there), unless it returns to the body and touches neither. All run
 * on a stack of their own: a fiber's may be too small for the frame that the kernel pushes.
 */
#ifndef DIATOM_HOST_PROCESS_TRAPS_H
#define DIATOM_HOST_PROCESS_TRAPS_H

#include "host/process/space.h"

/* Installs the handlers and starts the time-out. All arguments must stay. 0 or a negative errno. */
int traps_start(
	const struct space *space, const struct run_config *config, const struct image *image);

#endif
