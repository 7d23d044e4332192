/*
 * The part of the start sequence that is the same over every transport.
 */
#include "drv/virtio.h"

#include <string.h>

#include "diatom/log.h"
#include "diatom/memory.h"
#include "drv/virtio_transport.h"

static bool is_behind_shim(const struct virtio *device)
{
	return device->boot->transport == BOOT_VIRTIO_SHIM;
}

static enum status refuse(struct virtio *device, const char *why)
{
	if (!is_behind_shim(device))
		virtio_mmio_fail(device);
	log_error(device->boot->name, "%s", why);
	return DEVICE_FAILED;
}

enum status virtio_begin(struct virtio *device, const struct boot_device *boot,
	enum virtio_device_id id, uint64_t wanted, uint64_t required)
{
	bool is_good;

	required |= VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX;
	*device = (struct virtio){ .boot = boot };
	is_good = is_behind_shim(device) ? virtio_shim_begin(device, wanted | required)
					 : virtio_mmio_begin(device, id, wanted | required);
	if (!is_good) {
		log_error(boot->name, "the device is not the virtio device it should be");
		return DEVICE_FAILED;
	}
	if ((device->features & required) != required)
		return refuse(
			device, "the device lacks virtio 1, the event index or mergeable buffers");
	if (!is_behind_shim(device) && !virtio_mmio_accept(device))
		return refuse(device, "the device refuses the features that it offered");
	return OK;
}

enum status virtio_queue(
	struct virtio *device, struct virtqueue *queue, uint16_t number, uint16_t most)
{
	uint32_t size = is_behind_shim(device) ? virtio_shim_queue_size(device, number)
					       : virtio_mmio_queue_size(device, number);
	void *memory;

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
	if (is_behind_shim(device))
		virtio_shim_queue_start(device, queue);
	else
		virtio_mmio_queue_start(device, queue);
	return OK;
}

void virtio_finish(struct virtio *device)
{
	if (is_behind_shim(device))
		virtio_shim_finish(device);
	else
		virtio_mmio_finish(device);
}
