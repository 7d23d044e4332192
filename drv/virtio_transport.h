/*
 * What a transport does for drv/virtio.c. The steps are those of virtio 1.2, 3.1.1.
 */
#ifndef DIATOM_DRV_VIRTIO_TRANSPORT_H
#define DIATOM_DRV_VIRTIO_TRANSPORT_H

#include "drv/virtio.h"

/* Steps 1 to 4: device->features are those of `features` that it offers. False: there is no such
 * device, and nothing was written to what is there. */
bool virtio_mmio_begin(struct virtio *device, enum virtio_device_id id, uint64_t features);
bool virtio_shim_begin(struct virtio *device, uint64_t features);

/* Steps 5 and 6. False: it refuses what it offered. The shim's begin has done that. */
bool virtio_mmio_accept(struct virtio *device);

/* Tells the device that we gave up on it. Behind the shim nobody asks. */
void virtio_mmio_fail(struct virtio *device);

/* Most descriptors of a queue; 0: there is none of that number. */
uint32_t virtio_mmio_queue_size(struct virtio *device, uint16_t number);
uint32_t virtio_shim_queue_size(struct virtio *device, uint16_t number);

/* Step 7: the queue is laid out; the device learns where, and the queue how to notify. */
void virtio_mmio_queue_start(struct virtio *device, struct virtqueue *queue);
void virtio_shim_queue_start(struct virtio *device, struct virtqueue *queue);

/* Step 8. */
void virtio_mmio_finish(struct virtio *device);
void virtio_shim_finish(struct virtio *device);

#endif
