/*
 * The monitor's jail: entered after everything is open and before the guest's first instruction.
 *
 * Whoever takes over the monitor from inside a guest is then user nobody, without capabilities, can't
 * gain any, holds only the descriptors that the run loop needs, and can make only these calls: read,
 * write and wait on them, run the guest, read the clock, exit.
 */
#ifndef DIATOM_MONITOR_JAIL_H
#define DIATOM_MONITOR_JAIL_H

#include <stdbool.h>

#define JAIL_FDS_MAX 32

struct jail {
	int fds[JAIL_FDS_MAX]; /* kept open, besides 0, 1 and 2 */
	unsigned fd_count;
	int vcpu;	/* KVM_RUN and KVM_GET_SREGS stay allowed on it; one of fds */
	int gdb;	/* gdb's socket, one of fds; -1: none */
	bool has_input; /* standard input is the console's */
	bool is_dumpable;
};

void jail_keep(struct jail *jail, int fd);

/* Enters it for good. 0 or a negative errno; `*what` names the step that failed. */
int jail_enter(struct jail *jail, const char **what);

#endif
