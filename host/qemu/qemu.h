/*
 * The QEMU target: the image in a virtual machine of QEMU's, where the shim (ring 0) makes the world
 * that our own monitor would.
 *
 *     machine   which QEMU: microvm or q35, emulated or on KVM, and the CPU that goes with it
 *     line      the kernel command line: what the shim is told
 *     command   QEMU's command line
 *     shell     ... as a person would type it
 *     guest     QEMU as a child, watched until it ends
 *     memory    the machine's memory, which we share with it
 *     world     ... and what the shim made there
 *     crash     the report of a crash, from both
 *     mirror    counters out of memory, for diatom stats
 *     stub      QEMU's gdb server, and
 *     bridge    ours over it: target is what gdb debugs, bridge how it runs and stops
 */
#ifndef DIATOM_QEMU_QEMU_H
#define DIATOM_QEMU_QEMU_H

#include "host/run.h"

/*
 * Runs the image until it ends, or shows the command that would. The exit code is the image's, or one of
 * abi/call.h after the reason was reported.
 */
int qemu_run(const struct run_config *config, struct image *image);

#endif
