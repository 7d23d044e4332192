/*
 * The virtio console (virtio 1.2, 5.3), one port: output to the host's standard output, input from
 * its standard input.
 */
#ifndef DIATOM_MONITOR_CONSOLE_H
#define DIATOM_MONITOR_CONSOLE_H

#include <signal.h>

#include "host/monitor/mmio.h"

struct console_device {
	struct device device;
	int input, output;
};

/* The descriptors stay the caller's; the end of input ends waiting for it. */
void console_init(struct console_device *console, const struct guest_memory *memory,
	const char *name, int input, int output);

/* Set by signal handlers when the guest is to end: writes that block are then given up. */
extern volatile sig_atomic_t console_is_closing;

/* Writes all parts to a descriptor; gives up at an error. */
void console_write(int fd, struct iovec *parts, unsigned count);

#endif
