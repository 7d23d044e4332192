/*
 * A split virtqueue whose real rings only the shim writes (abi/device.h): what the body submits is
 * judged, copied and only then shown to the device.
 *
 * Both sides of a ring may be hostile to it: the body writes what it likes, at any time before a
 * submission, and a device of the host's may be broken. Each field is read once, and judged there. A
 * descriptor that the device has is not written, or a device reading it just then would see half of
 * the old and half of the new.
 */
#ifndef DIATOM_SHIM_RING_H
#define DIATOM_SHIM_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/virtio.h"

/* Where devices may go, physical. */
struct ring_memory {
	uint8_t *base; /* physical 0 as the shim sees it */
	uint64_t heap, heap_end, image, image_end;
};

struct ring {
	const struct ring_memory *memory;
	/* The device's. */
	struct virtio_descriptor *descriptors;
	struct virtio_available *available;
	const struct virtio_used *used;
	/* The body's, in the heap. */
	const volatile struct virtio_descriptor *wanted;
	const volatile struct virtio_available *offered;
	uint16_t size;	    /* a power of two; 0: not set up */
	uint16_t submitted; /* available index as the device knows it */
	uint16_t returned;  /* used index up to which chains are the body's again */
	uint16_t seen;	    /* used index when the body went to sleep last */
	uint16_t armed;	    /* used_event as the device knows it */
	const char *broken; /* why it stopped; NULL while it works */
	uint8_t with_device[VIRTIO_QUEUE_SIZE_MAX / 8]; /* a bit for each descriptor */
};

/*
 * Sets up a queue of the body's at the physical address `wanted` (descriptors, then the available
 * ring), with the device's descriptors, available and used ring at `own` and `used`: pages of the
 * shim's, which are zeroed. False: the body's does not lie in the heap, aligned, or size is odd.
 */
bool ring_begin(struct ring *ring, uint64_t wanted, uint16_t size, void *own, void *used);

/* Shows the device all chains up to the available index `until`. True: the device wants to be
 * notified. Sets `broken` at the first chain that won't do. */
bool ring_submit(struct ring *ring, uint16_t until);

/* Passes on from which used index the body wants to be woken; true if that has come already. */
bool ring_arm(struct ring *ring);

/* Does the device have a chain that it has yet to read? */
bool ring_has_output(struct ring *ring);

#endif
