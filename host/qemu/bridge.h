/*
 * A machine of QEMU's under gdb: our server (host/gdb) over QEMU's (stub.h), so that fibers are threads,
 * the image's place is known, and a crash is a signal.
 *
 *     gdb <--link--> host/gdb/server <--struct gdb_target_ops--> here <--stub--> QEMU
 *
 * The body's memory is read where it is (memory.h), and written by QEMU, which has translated it. What the
 * body does by an exception (a fault, an int3 of gdb's) ends in the shim's ring 0: its store of
 * shim_state.frame is watched, and the body's registers are those that the shim saved. A machine that
 * stands within a platform call runs on until the call returns; a sleep is ended by a byte on the console.
 */
#ifndef DIATOM_QEMU_BRIDGE_H
#define DIATOM_QEMU_BRIDGE_H

#include "host/gdb/link.h"
#include "host/qemu/memory.h"
#include "host/qemu/stub.h"
#include "host/qemu/world.h"

struct bridge {
	struct gdb_target target; /* first */
	struct gdb_link *link;	  /* to gdb */
	struct stub stub;
	struct memory *memory;
	struct world world;
	int console; /* a byte there ends a sleep */

	bool is_running;  /* the machine */
	bool is_released; /* gdb is gone: it runs and nobody watches */
	bool has_return;  /* a breakpoint of ours where platform calls return */
	enum { AT_BODY, AT_EXCEPTION, AT_SHIM } place;
	struct stub_registers cpu;			/* as the machine has them */
	struct gdb_registers body;			/* as the body has them; set by gdb */
	uint64_t watched[GDB_DEBUG_REGISTERS], control; /* as DR0 to DR3 and DR7 */
};

/*
 * Brings the machine, which stands before its first instruction, to the body's, and waits for gdb. 0, or
 * the exit code after having said why. `stub`, a socket, and `console` must stay open. A machine that ends on
 * the way is none of gdb's business: 0, and stub.is_gone.
 */
int bridge_start(struct bridge *bridge, const struct run_config *config, const struct image *image,
	struct memory *memory, int stub, int console);

/* Does the machine stand, until gdb says otherwise? */
bool bridge_stands(const struct bridge *bridge);

/* What to wait for: gdb, the machine. -1: nothing. */
int bridge_gdb(const struct bridge *bridge);
int bridge_machine(const struct bridge *bridge);

/* Something came. Look at the server's state afterwards: KILLED is the caller's to do. */
void bridge_turn(struct bridge *bridge, bool is_from_gdb);

/* Says that QEMU's server can't be relied on (stub.is_wrong): the machine must be ended. EXIT_INTERNAL. */
int bridge_complain(const struct run_config *config);

/* The machine ended: tells gdb. */
void bridge_end(struct bridge *bridge, int code);

#endif
