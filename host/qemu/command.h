/*
 * QEMU's command line.
 */
#ifndef DIATOM_QEMU_COMMAND_H
#define DIATOM_QEMU_COMMAND_H

#include "host/build/command.h"
#include "host/image/image.h"
#include "host/run.h"

#define QEMU_PROGRAM "qemu-system-x86_64"

/*
 * The ends that QEMU inherits of what `guest` holds the other ends of. All -1 in a command that is to be
 * printed: then the console is the terminal and files are named.
 */
struct command_ends {
	int console; /* COM1, a socket */
	int report;  /* the report port, a socket */
	int input;   /* the virtio console, a socket; -1: the image has none */
	int files;   /* the initial ramdisk: the files one after the other; -1: none */
	int memory;  /* the machine's, a file (memory.h) */
	int gdb;     /* QEMU's gdb server, a socket; -1: none, and the machine runs at once */
};

/* Puts the command together. 0, or the exit code after having said what can't be done. */
int qemu_command(struct command *command, const struct run_config *config,
	const struct image *image, const struct command_ends *ends);

#endif
