/*
 * The process target: the same image, in this very process, jailed by seccomp. See process.c.
 */
#ifndef DIATOM_HOST_PROCESS_H
#define DIATOM_HOST_PROCESS_H

#include "host/run.h"

/*
 * Turns this process into the body. Returns only if that failed, with the exit code, after having
 * said why; otherwise the process ends with the body's exit code.
 */
int process_run(const struct run_config *config, struct image *image);

#endif
