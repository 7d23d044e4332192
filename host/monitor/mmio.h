/*
 * A virtio device behind the MMIO transport (virtio 1.2, 4.2): registers, features, status.
 *
 * The monitor has one thread and the guest one vcpu, so a device is served only while the guest
 * stands still: at each platform call that sleeps and at each doorbell. There are no interrupts; the
 * driver looks at its rings.
 *
 * What one kind of device adds is in struct device_ops. `struct device` is the first member of each
 * kind's own structure, and is owned by whoever made it.
 */
#ifndef DIATOM_MONITOR_MMIO_H
#define DIATOM_MONITOR_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "host/monitor/queue.h"

#define DEVICE_QUEUES_MAX   2
#define DEVICE_CONFIG_BYTES 64

struct device;

struct device_ops {
	/* Moves what can be moved, never blocks on input. True if the driver has news to look at. */
	bool (*serve)(struct device *device);
	/* Is there a buffer for input? Then `input_fd` is worth waiting for. */
	bool (*wants_input)(struct device *device);
	/* The driver reset the device: forget its buffers. */
	void (*reset)(struct device *device);
};

struct device {
	const struct device_ops *ops;
	const char *name;
	uint32_t id; /* enum virtio_device_id */
	uint32_t status;
	uint64_t offered, accepted; /* feature masks */
	uint32_t offered_select, accepted_select, queue_select;
	unsigned queue_count;
	struct queue queues[DEVICE_QUEUES_MAX];
	uint8_t config[DEVICE_CONFIG_BYTES];
	int input_fd;	   /* readable: serve; -1: none */
	bool input_ready;  /* the last wait found input_fd readable */
	bool is_warned;	   /* a failure was reported: once is enough */
	uint64_t failures; /* rings that broke the protocol */
	uint64_t doorbells;
};

/* What the guest reads at a register; hostile offsets and lengths read 0. */
uint64_t mmio_read(const struct device *device, uint64_t offset, unsigned length);

/* What the guest writes. True if it was a doorbell: the device is to be served. */
bool mmio_write(struct device *device, uint64_t offset, unsigned length, uint64_t value);

/* Serves the device if its driver is up; stops it if a ring is broken. True: news for the driver. */
bool device_serve(struct device *device);

/* The descriptor to wait on for input, or -1. */
int device_input(struct device *device);

/* Is this feature in force? */
static inline bool device_has(const struct device *device, uint64_t feature)
{
	return (device->accepted & feature) != 0;
}

#endif
