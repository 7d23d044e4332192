/*
 * The process target under gdb (host/gdb). The body becomes a child, and this process stays what it
 * was, traces the child by ptrace and serves gdb:
 *
 *     diatom run ---fork---> child: traps, jail, seal, filter, the body   (as without gdb)
 *         |                    ^
 *         +--- tracer: jailed, ptrace ---+--- gdb's socket
 *
 * Signals that are the loader's (abi/call.h: exit_group as SIGSYS, INT, TERM, ALRM) pass as if nobody
 * looked. A body whose gdb went away stays traced, so that it ends when diatom does.
 */
#ifndef DIATOM_HOST_TRACER_H
#define DIATOM_HOST_TRACER_H

#include <stdbool.h>

#include "host/image/image.h"
#include "host/process/space.h"
#include "host/run.h"

/*
 * Waits for gdb, then forks. In the child returns false: it goes on to become the body. In this
 * process returns true when the child has ended, and `*code` is the exit code.
 */
bool tracer_split(const struct run_config *config, const struct space *space,
	const struct image *image, int *code);

#endif
