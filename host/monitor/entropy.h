/*
 * The virtio entropy device (virtio 1.2, 5.4): fills buffers from the host kernel's generator.
 */
#ifndef DIATOM_MONITOR_ENTROPY_H
#define DIATOM_MONITOR_ENTROPY_H

#include "host/monitor/mmio.h"

struct entropy_device {
	struct device device;
};

void entropy_init(
	struct entropy_device *entropy, const struct guest_memory *memory, const char *name);

#endif
