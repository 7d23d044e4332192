/*
 * Threads as gdb sees them: the image's fibers (host/body/fibers.h).
 *
 *     1        main(), and whatever runs on its stack
 *     i + 2    the fiber on stack i of the window (abi/boot.h)
 *
 * Whose stack the stack pointer is on, has the CPU. The others have what core/fiber_switch.S left of
 * their registers; these can be read and not written.
 */
#ifndef DIATOM_GDB_THREADS_H
#define DIATOM_GDB_THREADS_H

#include "host/body/fibers.h"
#include "host/gdb/server.h"

#define GDB_THREADS_MAX 1000 /* that are listed */

struct gdb_thread {
	uint64_t id;
	bool is_running;
	const char *state; /* "running", "ready", "waiting", "ended" */
	struct body_fiber fiber;
};

/* Who has the CPU. */
uint64_t threads_running(const struct gdb_server *server);

/* False: there is no such thread. */
bool threads_find(const struct gdb_server *server, uint64_t id, struct gdb_thread *thread);

/* Their ids; how many, at least one. */
unsigned threads_list(const struct gdb_server *server, uint64_t ids[GDB_THREADS_MAX]);

/* The registers with which it will go on; what a switch does not keep is zero. False: its memory can't
 * be read. */
bool threads_registers(const struct gdb_server *server, const struct gdb_thread *thread,
	struct gdb_registers *registers);

#endif
