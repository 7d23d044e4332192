/*
 * The sampler's ticks in a process (`diatom profile --as process`).
 *
 * A tick while the body sleeps finds it behind the stub's syscall instruction with EINTR for a result.
 * It is sent back into the same ppoll, but for a mask in which the sampler's signal is blocked; the
 * next tick then comes when that sleep is over. The time-out goes on where it was: Linux writes what is
 * left of it.
 */
#ifndef DIATOM_HOST_PROCESS_TICKS_H
#define DIATOM_HOST_PROCESS_TICKS_H

#include "host/process/space.h"

/* Starts the sampler; config->observer asks for one. Arguments must stay. 0 or a negative errno. */
int ticks_start(const struct run_config *config, const struct space *space);

#endif
