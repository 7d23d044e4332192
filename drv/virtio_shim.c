/*
 * Virtio behind the shim (abi/device.h): the queue that the body lays out is its own; what the device
 * sees of it, the shim has judged at each submission. Only the used ring is the device's very own.
 */
#include "abi/call.h"
#include "abi/device.h"
#include "drv/virtio_transport.h"
#include "plat/plat.h"

static const volatile struct device_window *window_of(const struct virtio *device)
{
	return (const volatile struct device_window *)(uintptr_t)device->boot->address;
}

/* The device's place in boot_info.devices. */
static uint64_t number_of(const struct virtio *device)
{
	return (uint64_t)(device->boot - plat_boot->devices);
}

bool virtio_shim_begin(struct virtio *device, uint64_t features)
{
	plat_shim_call(CALL_DEVICE_BEGIN, number_of(device), features);
	device->features = window_of(device)->features;
	return window_of(device)->status == VIRTIO_STATUS_FEATURES_OK;
}

uint32_t virtio_shim_queue_size(struct virtio *device, uint16_t number)
{
	return number < DEVICE_QUEUES_MAX ? window_of(device)->queue_sizes[number] : 0;
}

void virtio_shim_queue_start(struct virtio *device, struct virtqueue *queue)
{
	queue->used = DEVICE_USED(device->boot->address, queue->number);
	queue->shim_queue = DEVICE_QUEUE(number_of(device), queue->number);
	plat_shim_call(CALL_DEVICE_QUEUE, queue->shim_queue | (uint64_t)queue->size << 16,
		(uint64_t)queue->descriptors);
}

void virtio_shim_finish(struct virtio *device)
{
	plat_shim_call(CALL_DEVICE_START, number_of(device), 0);
}
