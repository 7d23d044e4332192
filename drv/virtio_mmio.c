/*
 * Virtio over MMIO (virtio 1.2, 4.2).
 *
 * Reading a register costs an exit to the monitor, tens of microseconds: the start reads each
 * register that the specification makes it read once, and nothing is read afterwards.
 */
#include "drv/virtio_transport.h"
#include "plat/plat.h"

static uint32_t get(struct virtio *device, enum virtio_mmio_register offset)
{
	return device->registers[offset / 4];
}

static void set(struct virtio *device, enum virtio_mmio_register offset, uint32_t value)
{
	device->registers[offset / 4] = value;
}

static void set64(struct virtio *device, enum virtio_mmio_register low, uint64_t value)
{
	set(device, low, (uint32_t)value);
	device->registers[low / 4 + 1] = (uint32_t)(value >> 32);
}

static uint64_t offered_features(struct virtio *device)
{
	uint64_t low, high;

	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 0);
	low = get(device, VIRTIO_MMIO_DEVICE_FEATURES);
	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 1);
	high = get(device, VIRTIO_MMIO_DEVICE_FEATURES);
	return high << 32 | low;
}

bool virtio_mmio_begin(struct virtio *device, enum virtio_device_id id, uint64_t features)
{
	device->registers = (volatile uint32_t *)(uintptr_t)device->boot->address;
	if (get(device, VIRTIO_MMIO_MAGIC) != VIRTIO_MMIO_MAGIC_VALUE ||
		get(device, VIRTIO_MMIO_VERSION) != 2 ||
		get(device, VIRTIO_MMIO_DEVICE_ID) != (uint32_t)id)
		return false;
	set(device, VIRTIO_MMIO_STATUS, 0);			    /* 1. reset */
	set(device, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE); /* 2. */
	set(device, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER); /* 3. */
	device->features = offered_features(device) & features;				   /* 4. */
	return true;
}

bool virtio_mmio_accept(struct virtio *device)
{
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 0);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)device->features);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 1);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(device->features >> 32));
	set(device, VIRTIO_MMIO_STATUS,
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
			VIRTIO_STATUS_FEATURES_OK);				   /* 5. */
	return (get(device, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK) != 0; /* 6. */
}

void virtio_mmio_fail(struct virtio *device)
{
	/* 2.1.1: no bit is cleared but by a reset. */
	set(device, VIRTIO_MMIO_STATUS, get(device, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_FAILED);
}

uint32_t virtio_mmio_queue_size(struct virtio *device, uint16_t number)
{
	set(device, VIRTIO_MMIO_QUEUE_SELECT, number);
	return get(device, VIRTIO_MMIO_QUEUE_SIZE_MAX);
}

/* 4.2.3.2, but for reading QueueReady back: the device was just reset. */
void virtio_mmio_queue_start(struct virtio *device, struct virtqueue *queue)
{
	queue->notify = &device->registers[VIRTIO_MMIO_QUEUE_NOTIFY / 4];
	set(device, VIRTIO_MMIO_QUEUE_SIZE, queue->size);
	set64(device, VIRTIO_MMIO_QUEUE_DESC_LOW, plat_physical(queue->descriptors));
	set64(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, plat_physical(queue->available));
	set64(device, VIRTIO_MMIO_QUEUE_USED_LOW, plat_physical(queue->used));
	set(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

void virtio_mmio_finish(struct virtio *device)
{
	set(device, VIRTIO_MMIO_STATUS,
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
			VIRTIO_STATUS_DRIVER_OK); /* 8. */
}
