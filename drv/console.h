/*
 * Console devices as diatom/console.h sees them: each driver has an input that may have bytes.
 */
#ifndef DIATOM_DRV_CONSOLE_H
#define DIATOM_DRV_CONSOLE_H

#include "abi/boot.h"
#include "core/loop.h"
#include "diatom/fiber.h"

struct console_device {
	struct poller
		poller; /* wakes `readers` when there is input; prepare_sleep is the driver's */
	struct wait_queue readers;
	bool (*has_input)(struct console_device *device);
	/* Takes what has come: OK and *length; EMPTY; CLOSED at the end of input; DEVICE_FAILED. */
	enum status (*take)(struct console_device *device, void *out, size_t room, size_t *length);
};

enum status virtio_console_open(const struct boot_device *boot, struct console_device **device);

#endif
