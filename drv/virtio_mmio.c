/*
 * Virtio over MMIO: the start sequence, step by step as virtio 1.2 section 3.1.1 numbers it.
 */
#include "drv/virtio_mmio.h"

#include <string.h>

#include "diatom/log.h"
#include "diatom/memory.h"
#include "plat/plat.h"

static uint32_t get(struct virtio_mmio *device, enum virtio_mmio_register offset)
{
	return device->registers[offset / 4];
}

static void set(struct virtio_mmio *device, enum virtio_mmio_register offset, uint32_t value)
{
	device->registers[offset / 4] = value;
}

static void set64(struct virtio_mmio *device, enum virtio_mmio_register low, uint64_t value)
{
	set(device, low, (uint32_t)value);
	device->registers[low / 4 + 1] = (uint32_t)(value >> 32);
}

static uint64_t offered_features(struct virtio_mmio *device)
{
	uint64_t low, high;

	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 0);
	low = get(device, VIRTIO_MMIO_DEVICE_FEATURES);
	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 1);
	high = get(device, VIRTIO_MMIO_DEVICE_FEATURES);
	return high << 32 | low;
}

static enum status refuse(struct virtio_mmio *device, const char *why)
{
	log_error(device->name, "%s", why);
	virtio_mmio_fail(device);
	return DEVICE_FAILED;
}

enum status virtio_mmio_begin(struct virtio_mmio *device, const struct boot_device *boot,
	enum virtio_device_id id, uint64_t wanted, uint64_t required)
{
	required |= VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX;
	device->registers = (volatile uint32_t *)(uintptr_t)boot->address;
	device->name = boot->name;
	if (get(device, VIRTIO_MMIO_MAGIC) != VIRTIO_MMIO_MAGIC_VALUE ||
		get(device, VIRTIO_MMIO_VERSION) != 2 ||
		get(device, VIRTIO_MMIO_DEVICE_ID) != (uint32_t)id) {
		log_error(device->name, "the device is not the virtio device it should be");
		return DEVICE_FAILED;
	}
	set(device, VIRTIO_MMIO_STATUS, 0);			    /* 1. reset */
	set(device, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE); /* 2. */
	set(device, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER); /* 3. */
	device->features = offered_features(device) & (wanted | required);		   /* 4. */
	if ((device->features & required) != required)
		return refuse(
			device, "the device lacks virtio 1, the event index or mergeable buffers");
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 0);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)device->features);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 1);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(device->features >> 32));
	set(device, VIRTIO_MMIO_STATUS,
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
			VIRTIO_STATUS_FEATURES_OK);			    /* 5. */
	if (!(get(device, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK)) /* 6. */
		return refuse(device, "the device refuses the features that it offered");
	return OK;
}

/* 4.2.3.2, but for reading QueueReady back: the device was just reset. */
enum status virtio_mmio_queue(
	struct virtio_mmio *device, struct virtqueue *queue, uint16_t number, uint16_t most)
{
	uint32_t size;
	void *memory;

	set(device, VIRTIO_MMIO_QUEUE_SELECT, number);
	size = get(device, VIRTIO_MMIO_QUEUE_SIZE_MAX);
	if (size == 0)
		return refuse(device, "the device lacks a queue");
	size = size < most ? size : most;
	while (size & (size - 1)) /* down to a power of two */
		size &= size - 1;
	memory = extent_alloc(virtqueue_bytes((uint16_t)size));
	if (memory == NULL)
		return NO_MEMORY;
	memset(memory, 0, virtqueue_bytes((uint16_t)size));
	virtqueue_init(queue, memory, number, (uint16_t)size);
	queue->notify = &device->registers[VIRTIO_MMIO_QUEUE_NOTIFY / 4];
	set(device, VIRTIO_MMIO_QUEUE_SIZE, size);
	set64(device, VIRTIO_MMIO_QUEUE_DESC_LOW, plat_physical(queue->descriptors));
	set64(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, plat_physical(queue->available));
	set64(device, VIRTIO_MMIO_QUEUE_USED_LOW, plat_physical(queue->used));
	set(device, VIRTIO_MMIO_QUEUE_READY, 1);
	return OK;
}

void virtio_mmio_finish(struct virtio_mmio *device)
{
	set(device, VIRTIO_MMIO_STATUS,
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
			VIRTIO_STATUS_DRIVER_OK); /* 8. */
}

void virtio_mmio_fail(struct virtio_mmio *device)
{
	/* 2.1.1: no bit is cleared but by a reset. */
	set(device, VIRTIO_MMIO_STATUS, get(device, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_FAILED);
}
