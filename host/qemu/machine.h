/*
 * Machines of QEMU's: what differs between them, and which accelerator and CPU suit this host.
 */
#ifndef DIATOM_QEMU_MACHINE_H
#define DIATOM_QEMU_MACHINE_H

#include "host/run.h"

struct machine {
	const char *name;		    /* for people */
	const char *option;		    /* of -machine */
	const char *net, *serial, *entropy; /* of -device: the virtio devices in its transport */
	const char *more[3];		    /* further words of the command, NULL-ended */
};

const struct machine *machine_of(enum run_machine machine);

/*
 * KVM or TCG. KVM only if asked for, or where it is there, usable and on hardware: a software-virtualised
 * KVM runs ring 0 in its instruction emulator and firmware for seconds. 0, or the exit code after having
 * said what KVM lacks.
 */
int machine_accel(const struct run_config *config, enum run_accel *accel);

/* The CPU model, when none is named: all that the host has or TCG can do. */
const char *machine_cpu(enum run_accel accel);

#endif
