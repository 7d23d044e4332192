/*
 * The world that a body wakes up in: its memory, filled, and its boot info.
 */
#ifndef DIATOM_MONITOR_WORLD_H
#define DIATOM_MONITOR_WORLD_H

#include "host/image/image.h"
#include "host/monitor/guest.h"
#include "host/run.h"

/* Lays out and fills guest memory, page tables included. The devices of `guest` are made. 0, or the
 * exit code after the error was reported. */
int world_make(struct guest *guest, const struct run_config *config, const struct image *image);

/* Starts the body's clock, at 0, by the vcpu's counter. */
void world_set_clock(struct guest *guest);

#endif
