/*
 * A VM under gdb (host/gdb). Nothing here does anything for a guest without --gdb.
 *
 * Ring 0 is ours, so breakpoints and single steps need no debugging support of KVM: int3 and the trap
 * flag raise exceptions, whose stubs report them like any other. (KVM_SET_GUEST_DEBUG is not to be had
 * everywhere: under kvm_pvm neither its single steps nor debug registers do anything.) Text is patched
 * through the host's mapping; the guest's page tables stay as they are.
 */
#ifndef DIATOM_MONITOR_DEBUGGER_H
#define DIATOM_MONITOR_DEBUGGER_H

#include <stdbool.h>

#include "host/monitor/guest.h"
#include "host/run.h"

/* Waits for gdb. The guest is ready to run, and will stand still before its first instruction. 0, or
 * the exit code after having said why. */
int debugger_start(struct guest *guest, const struct run_config *config);

/* Before each run of the vcpu: serves gdb as long as the guest is to stand still. False: it ended. */
bool debugger_turn(struct guest *guest);

/* After an exit was acted on: it may have been the instruction that gdb steps over. */
void debugger_exited(struct guest *guest);

/* An exception stub reported. True: gdb had it and the guest goes on, or ended; false: it crashed. */
bool debugger_exception(struct guest *guest);

/* The guest can't go on: lets gdb look. True: it was ended meanwhile, and no report is wanted. */
bool debugger_fatal(struct guest *guest);

/* The guest ended: tells gdb. */
void debugger_end(struct guest *guest);

#endif
