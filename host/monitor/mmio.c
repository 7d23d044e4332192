/*
 * Registers as rows of two switches. What a driver may change, and when, follows the initialisation
 * order of virtio 1.2, 3.1: features until FEATURES_OK, queues until they are ready, service after
 * DRIVER_OK. Out of order writes are ignored.
 */
#include "host/monitor/mmio.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VENDOR 0x61746f6d

static struct queue *selected(struct device *device)
{
	return device->queue_select < device->queue_count ? &device->queues[device->queue_select]
							  : NULL;
}

static uint32_t read_config(const struct device *device, uint64_t offset, unsigned length)
{
	uint32_t value = 0;

	if (length <= sizeof(value) && offset <= DEVICE_CONFIG_BYTES - length)
		memcpy(&value, device->config + offset, length);
	return value;
}

static uint32_t read_register(const struct device *device, enum virtio_mmio_register offset)
{
	bool is_queue = device->queue_select < device->queue_count;

	switch (offset) {
	case VIRTIO_MMIO_MAGIC:
		return VIRTIO_MMIO_MAGIC_VALUE;
	case VIRTIO_MMIO_VERSION:
		return 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return device->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return device->offered_select > 1
			       ? 0
			       : (uint32_t)(device->offered >> (32 * device->offered_select));
	case VIRTIO_MMIO_QUEUE_SIZE_MAX:
		return is_queue ? VIRTIO_QUEUE_SIZE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return is_queue && device->queues[device->queue_select].is_ready;
	case VIRTIO_MMIO_STATUS:
		return device->status;
	default:
		return 0;
	}
}

uint64_t mmio_read(const struct device *device, uint64_t offset, unsigned length)
{
	if (offset >= VIRTIO_MMIO_CONFIG)
		return read_config(device, offset - VIRTIO_MMIO_CONFIG, length);
	if (length != 4 || offset % 4 != 0)
		return 0;
	return read_register(device, (enum virtio_mmio_register)offset);
}

static void reset(struct device *device)
{
	device->status = 0;
	device->accepted = 0;
	device->offered_select = device->accepted_select = device->queue_select = 0;
	for (unsigned i = 0; i < device->queue_count; i++)
		queue_reset(&device->queues[i]);
	device->ops->reset(device);
}

/* Are the features that the driver wrote ones that it may have? [3.1.1, step 6] */
static bool features_are_fine(const struct device *device)
{
	return (device->accepted & ~device->offered) == 0 &&
	       (device->accepted & VIRTIO_F_VERSION_1) != 0;
}

static void write_status(struct device *device, uint32_t value)
{
	uint32_t kept = device->status & VIRTIO_STATUS_NEEDS_RESET;

	if (value == 0) {
		reset(device);
		return;
	}
	if ((value & VIRTIO_STATUS_FEATURES_OK) != 0 && !features_are_fine(device))
		value &= ~(uint32_t)(VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	device->status = (value & 0xff) | kept;
}

static void write_features(struct device *device, uint32_t value)
{
	unsigned shift = 32 * device->accepted_select;

	if ((device->status & VIRTIO_STATUS_FEATURES_OK) != 0 || device->accepted_select > 1)
		return;
	device->accepted &= ~(UINT64_C(0xffffffff) << shift);
	device->accepted |= (uint64_t)value << shift;
}

static void set_half(uint64_t *address, uint32_t value, bool is_high)
{
	*address = is_high ? (*address & UINT32_MAX) | (uint64_t)value << 32
			   : (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void write_queue(struct device *device, enum virtio_mmio_register offset, uint32_t value)
{
	struct queue *queue = selected(device);

	if (queue == NULL || queue->is_ready || queue->broken != NULL)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_SIZE:
		queue->size = value > UINT16_MAX ? 0 : (uint16_t)value;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		queue->has_event_index = device_has(device, VIRTIO_F_RING_EVENT_IDX);
		if (value == 1)
			queue_enable(queue);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&queue->descriptor_address, value, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&queue->available_address, value, offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_half(&queue->used_address, value, offset == VIRTIO_MMIO_QUEUE_USED_HIGH);
		break;
	default:
		break;
	}
}

bool mmio_write(struct device *device, uint64_t offset, unsigned length, uint64_t value)
{
	if (length != 4 || offset % 4 != 0 || offset >= VIRTIO_MMIO_CONFIG)
		return false;
	switch ((enum virtio_mmio_register)offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SELECT:
		device->offered_select = (uint32_t)value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SELECT:
		device->accepted_select = (uint32_t)value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_features(device, (uint32_t)value);
		break;
	case VIRTIO_MMIO_QUEUE_SELECT:
		device->queue_select = (uint32_t)value;
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(device, (uint32_t)value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		device->doorbells++;
		return true;
	default:
		write_queue(device, (enum virtio_mmio_register)offset, (uint32_t)value);
	}
	return false;
}

static bool is_live(const struct device *device)
{
	return (device->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK |
					 VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED)) ==
	       (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
}

/* A ring that breaks the protocol stops the device, not the guest. [2.1.2] */
static void stop_if_broken(struct device *device)
{
	for (unsigned i = 0; i < device->queue_count; i++) {
		if (device->queues[i].broken == NULL)
			continue;
		device->status |= VIRTIO_STATUS_NEEDS_RESET;
		device->failures++;
		if (!device->is_warned)
			dprintf(STDERR_FILENO,
				"%s: stopped until its driver resets it: queue %u: %s\n",
				device->name, i, device->queues[i].broken);
		device->is_warned = true;
		return;
	}
}

bool device_serve(struct device *device)
{
	bool has_news;

	if (!is_live(device))
		return false;
	has_news = device->ops->serve(device);
	stop_if_broken(device);
	/* The driver may wait for what will never come: let it look at the status. */
	return has_news || !is_live(device);
}

int device_input(struct device *device)
{
	if (!is_live(device) || device->input_fd < 0 || !device->ops->wants_input(device))
		return -1;
	return device->input_fd;
}
