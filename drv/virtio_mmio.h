/*
 * The MMIO transport of virtio devices (virtio 1.2, 4.2) and the start sequence (3.1.1).
 *
 * Reading a register costs an exit to the monitor, tens of microseconds: the start reads each
 * register that the specification makes it read once, and nothing is read afterwards.
 */
#ifndef DIATOM_DRV_VIRTIO_MMIO_H
#define DIATOM_DRV_VIRTIO_MMIO_H

#include "abi/boot.h"
#include "diatom/status.h"
#include "drv/virtqueue.h"

struct virtio_mmio {
	volatile uint32_t *registers;
	const char *name;
	uint64_t features; /* negotiated */
};

/*
 * Steps 1 to 6: resets the device, checks what it is and agrees on features: those of `wanted` that
 * it offers, and all of `required`, VERSION_1 and RING_EVENT_IDX. DEVICE_FAILED (logged).
 */
enum status virtio_mmio_begin(struct virtio_mmio *device, const struct boot_device *boot,
	enum virtio_device_id id, uint64_t wanted, uint64_t required);

/*
 * Step 7: sets up queue `number` with at most `most` descriptors (a power of two) and memory of its
 * own. DEVICE_FAILED; NO_MEMORY.
 */
enum status virtio_mmio_queue(
	struct virtio_mmio *device, struct virtqueue *queue, uint16_t number, uint16_t most);

/* Step 8: the device is live. */
void virtio_mmio_finish(struct virtio_mmio *device);

/* Tells the device that we gave up on it. */
void virtio_mmio_fail(struct virtio_mmio *device);

#endif
