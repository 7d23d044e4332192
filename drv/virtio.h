/*
 * A virtio device's start sequence (virtio 1.2, 3.1.1), over the transport that boot info names: MMIO
 * registers (drv/virtio_mmio.c), or platform calls where a shim stands before the device
 * (drv/virtio_shim.c, abi/device.h). The driver doesn't see which.
 */
#ifndef DIATOM_DRV_VIRTIO_H
#define DIATOM_DRV_VIRTIO_H

#include "abi/boot.h"
#include "diatom/status.h"
#include "drv/virtqueue.h"

struct virtio {
	const struct boot_device *boot;
	volatile uint32_t *registers; /* MMIO */
	uint64_t features;	      /* negotiated */
};

static inline bool virtio_is(const struct boot_device *boot)
{
	return boot->transport == BOOT_VIRTIO_MMIO || boot->transport == BOOT_VIRTIO_SHIM;
}

/*
 * Steps 1 to 6: resets the device, checks what it is and agrees on features: those of `wanted` that
 * it offers, and all of `required`, VERSION_1 and RING_EVENT_IDX. DEVICE_FAILED (logged).
 */
enum status virtio_begin(struct virtio *device, const struct boot_device *boot,
	enum virtio_device_id id, uint64_t wanted, uint64_t required);

/*
 * Step 7: sets up queue `number` with at most `most` descriptors (a power of two) and memory of its
 * own. DEVICE_FAILED; NO_MEMORY.
 */
enum status virtio_queue(
	struct virtio *device, struct virtqueue *queue, uint16_t number, uint16_t most);

/* Step 8: the device is live. */
void virtio_finish(struct virtio *device);

#endif
