/*
 * Virtio devices behind the shim: the body sees neither registers nor the real rings.
 *
 * Any device that obeys its rings would be a way around the seal: a compromised body would have "the
 * network" write its page tables. So the shim sets devices up and keeps descriptor tables and
 * available rings in memory that the body can't reach. The body writes a queue of its own in the heap,
 * in virtio's own format, and submits it by a platform call; the shim copies what it has judged:
 *
 *     body's heap:    descriptors, available ring  --CALL_DEVICE_SUBMIT-->  checked copies  --> device
 *     device window:  used ring, read-only for the body                 <------------------ device
 *
 * A chain has the same descriptor indices on both sides, so the used ring reads as in any virtqueue.
 * Devices may write only to the heap and read only from heap and image. A descriptor that the device
 * has can't be submitted again. The first violation stops the queue: VIRTIO_STATUS_NEEDS_RESET shows
 * in the window, and the shim says why.
 *
 * The body asks to be woken by writing used_event into its own available ring; the shim passes it on
 * in CALL_SLEEP, and looks at the used ring once more before it waits.
 *
 * The order of calls is virtio 1.2, 3.1.1: BEGIN, QUEUE for each queue, START. One that comes out of
 * order, or for a device or queue that does not exist, changes nothing: the window says what is.
 */
#ifndef DIATOM_ABI_DEVICE_H
#define DIATOM_ABI_DEVICE_H

#include "abi/boot.h"
#include "abi/virtio.h"

#define DEVICE_QUEUES_MAX   3
#define DEVICE_CONFIG_BYTES 64
#define DEVICE_WINDOW_BYTES ((1 + DEVICE_QUEUES_MAX) * BOOT_PAGE_BYTES)

/* How a call names a queue: of which device (its place in boot_info.devices), and which. */
#define DEVICE_QUEUE(device, queue) ((uint64_t)(device) | (uint64_t)(queue) << 8)

/* At boot_device.address, read-only for the body. */
struct device_window {
	uint64_t features; /* agreed on; 0 before CALL_DEVICE_BEGIN */
	uint32_t status;   /* enum virtio_status */
	uint32_t reserved;
	uint16_t queue_sizes[DEVICE_QUEUES_MAX]; /* most descriptors; 0: there is no such queue */
	uint16_t reserved_too[5 - DEVICE_QUEUES_MAX];
	uint32_t reserved_more;
	uint8_t config[DEVICE_CONFIG_BYTES]; /* the head of its configuration, as at BEGIN */
};

/* Behind the window's first page: the used ring of queue i in page 1 + i. */
#define DEVICE_USED(window, queue)                                                                 \
	((struct virtio_used *)((uintptr_t)(window) + (1 + (queue)) * BOOT_PAGE_BYTES))

_Static_assert(sizeof(struct device_window) == 32 + DEVICE_CONFIG_BYTES, "a wire format");
_Static_assert(sizeof(struct virtio_used) + VIRTIO_QUEUE_SIZE_MAX * 8 + 2 <= BOOT_PAGE_BYTES,
	"a used ring fills a page");

#endif
