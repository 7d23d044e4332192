/*
 * The world that the shim made, as its memory shows it (abi/shim_state.h): boot info and page tables.
 */
#ifndef DIATOM_QEMU_WORLD_H
#define DIATOM_QEMU_WORLD_H

#include <stdbool.h>

#include "abi/boot.h"
#include "abi/shim_state.h"
#include "host/crash/report.h"
#include "host/image/image.h"
#include "host/qemu/memory.h"

/* How the body stopped, as the shim's exception stack has it. */
struct world_stop {
	struct crash_registers registers;
	uint64_t vector, error_code;
	uint16_t cs, ss;
};

struct world {
	struct shim_state state;
	struct boot_info boot; /* our copy */
};

/*
 * Reads it, and lets memory_read_body use its page tables. False: what is there can't be. What it returns
 * holds for all of host/body, host/crash and host/gdb: magic and version are right, counts within their
 * arrays, regions whole pages of the lower half and no larger than what they can be.
 */
bool world_read(struct world *world, struct memory *memory, const struct image *image);

/* Reads how the body stopped, after state.frame was written. False: it did not; the shim itself did, or what is
 * there can't be. */
bool world_read_stop(
	const struct world *world, const struct memory *memory, struct world_stop *stop);

#endif
