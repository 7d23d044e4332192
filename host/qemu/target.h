/*
 * A machine of QEMU's that stands, as what gdb debugs: `body` of struct bridge are the body's registers,
 * its memory is read where it is and written by QEMU, and QEMU's watchpoints are debug registers.
 */
#ifndef DIATOM_QEMU_TARGET_H
#define DIATOM_QEMU_TARGET_H

#include "host/qemu/bridge.h"

extern const struct gdb_target_ops target_ops;

/* The body's registers, from those that the machine stopped with (`cpu`). */
void target_load(struct bridge *bridge);

/* Then those of a body that stopped by an exception: the shim has changed the general ones, and the CPU
 * what it changes for an exception; the rest is still there. */
void target_load_stop(struct bridge *bridge, const struct world_stop *stop);

/* The machine's become the body's. */
void target_store(struct bridge *bridge);

#endif
