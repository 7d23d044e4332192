/*
 * A child process as gdb's target, by ptrace. It must stand still in every call but tracee_init.
 */
#ifndef DIATOM_HOST_TRACEE_H
#define DIATOM_HOST_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/gdb/target.h"

struct tracee {
	struct gdb_target target; /* first */
	pid_t pid;
};

/* `pid` is set already. */
void tracee_init(struct tracee *tracee);

/* Is there a breakpoint's or a step's SIGTRAP that it has not stopped for yet? */
bool tracee_has_trap(const struct tracee *tracee);

/* What debug registers matched since the last call: the low four bits of DR6. */
uint64_t tracee_take_dr6(struct tracee *tracee);

#endif
