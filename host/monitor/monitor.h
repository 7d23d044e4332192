/*
 * The VM target: runs an image in a virtual machine of its own on KVM.
 */
#ifndef DIATOM_MONITOR_H
#define DIATOM_MONITOR_H

#include "host/image/image.h"
#include "host/run.h"

/* Runs the image to its end and returns the exit code (abi/call.h), having reported every crash and
 * error. After it the process is jailed: the caller may write to standard error and exit. */
int monitor_run(const struct run_config *config, struct image *image);

#endif
