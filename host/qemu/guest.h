/*
 * QEMU as a child: what comes from it, what it is told, how it ended.
 *
 *     standard output <--- console --- QEMU's COM1      SHIM_FINISH goes the other way
 *     standard error  <--- report  --- QEMU's port      texts; marks say "starts" and "ends with code"
 *     standard input  ---> input  ---> virtio console   if the image has one
 *
 * From the mark of a crash on, texts are kept: if memory tells of the crash, they are not needed.
 *
 * A request to finish that comes before the image starts is kept until it does. Nothing here waits
 * for one stream only: a reader that is slow, or gone, holds up neither the signals nor the time limit.
 */
#ifndef DIATOM_QEMU_GUEST_H
#define DIATOM_QEMU_GUEST_H

#include "host/image/image.h"
#include "host/qemu/command.h"
#include "host/qemu/memory.h"
#include "host/run.h"

struct guest {
	int console, report, input; /* our ends; input -1: none */
	int gdb;		    /* likewise */
	struct command_ends ends;   /* QEMU's, closed once it runs */
	struct memory memory;
	const struct image *image;
	const char *target; /* for the boot line */
};

/* Makes the streams, the machine's memory, and the ramdisk of the files. `image` must stay. 0, or the exit
 * code after having said what failed. */
int guest_open(struct guest *guest, const struct run_config *config, const struct image *image);

/* Runs the command with the descriptors of `ends` and the taps until it ends. The exit code, after having
 * reported what is an error. */
int guest_run(struct guest *guest, const struct run_config *config, struct command *command);

#endif
