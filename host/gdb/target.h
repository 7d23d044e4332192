/*
 * What is debugged: a body that stands still. Implemented by host/monitor/debugger.c (a VM) and
 * host/process/tracer.c (a process); `struct gdb_target` is the first member of their own structure.
 */
#ifndef DIATOM_GDB_TARGET_H
#define DIATOM_GDB_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "host/gdb/registers.h"

#define GDB_DEBUG_REGISTERS 4

struct gdb_target;

struct gdb_target_ops {
	void (*get_registers)(struct gdb_target *target, struct gdb_registers *registers);
	/* What the body may not set (segments, I/O privilege) is left as it is. */
	void (*set_registers)(struct gdb_target *target, const struct gdb_registers *registers);
	/* Copies from or to the body's memory, sealed memory too; how many bytes it could, from the
	 * first on. */
	uint64_t (*read)(struct gdb_target *target, uint64_t address, void *bytes, uint64_t length);
	uint64_t (*write)(
		struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length);
	/* Loads DR0 to DR3 and DR7. False: this target has no debug registers. */
	bool (*set_debug)(struct gdb_target *target, const uint64_t addresses[GDB_DEBUG_REGISTERS],
		uint64_t control);
};

struct gdb_target {
	const struct gdb_target_ops *ops;
};

/* Signals, by gdb's own numbers (gdb's include/gdb/signals.def). */
enum gdb_signal {
	GDB_SIGNAL_INT = 2,
	GDB_SIGNAL_ILL = 4,
	GDB_SIGNAL_TRAP = 5,
	GDB_SIGNAL_ABRT = 6,
	GDB_SIGNAL_FPE = 8,
	GDB_SIGNAL_KILL = 9,
	GDB_SIGNAL_BUS = 10,
	GDB_SIGNAL_SEGV = 11,
	GDB_SIGNAL_SYS = 12,
	GDB_SIGNAL_TERM = 15,
};

/* What gdb calls an exception of the CPU's. */
enum gdb_signal gdb_signal_of(uint64_t vector);

#endif
