/*
 * Split virtqueue, the driver's side (virtio 1.2, 2.7), with event index (2.7.7, 2.7.10).
 *
 *      add, add ... publish, kick                     take, take ...
 *     +----------------------------+   device    +----------------------------+
 *     | available: chain heads     | ----------> | used: head, bytes written  |
 *     +----------------------------+             +----------------------------+
 *                 |       descriptors: address, length, flags, next       |
 *                 +-------------------------------------------------------+
 *
 * What the device writes (the used ring, the available event) is not trusted: chains and tokens are
 * kept in memory of our own, indices are checked, and a queue whose device breaks the rules is marked
 * broken and never touched again.
 */
#ifndef DIATOM_DRV_VIRTQUEUE_H
#define DIATOM_DRV_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/virtio.h"

/* A piece of a chain, in the body's memory (heap or image: it has a physical address). */
struct virtqueue_piece {
	const void *data;
	uint32_t length;
};

struct virtqueue {
	struct virtio_descriptor *descriptors;
	struct virtio_available *available;
	struct virtio_used *used;
	volatile uint32_t *notify; /* the doorbell; takes `number`. NULL: the shim's call instead */
	uint64_t shim_queue;	   /* DEVICE_QUEUE of abi/device.h */
	uint16_t number, size;
	uint16_t free_head, free_count; /* descriptors */
	uint16_t available_index;	/* chains added so far */
	uint16_t kicked_index;		/* of them, those that the device was told of */
	uint16_t used_index;		/* chains taken back so far */
	bool is_broken;
	uint16_t next[VIRTIO_QUEUE_SIZE_MAX]; /* our copy of the chains */
	void *tokens[VIRTIO_QUEUE_SIZE_MAX];  /* by chain head; NULL: not with the device */
};

/* Bytes of ring memory for a size. */
size_t virtqueue_bytes(uint16_t size);

/*
 * Lays the queue out in zeroed memory of virtqueue_bytes(size), aligned to 16. `size` is a power of
 * two, at most VIRTIO_QUEUE_SIZE_MAX.
 */
void virtqueue_init(struct virtqueue *queue, void *memory, uint16_t number, uint16_t size);

/*
 * Gives the device a chain, which it will write (`is_written`) or read. False if there are not enough
 * free descriptors. The token (not NULL) comes back from virtqueue_take. Seen by the device after
 * virtqueue_publish.
 */
bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces, unsigned count,
	bool is_written, void *token);

/* Makes what was added visible, and rings the doorbell if the device wants that. */
void virtqueue_publish(struct virtqueue *queue);

/* The token of a chain that the device is done with, and how many bytes it says it wrote; NULL if
 * there is none, or the queue is broken. */
void *virtqueue_take(struct virtqueue *queue, uint32_t *length);

/* Asks for a wake-up at the next used chain; true if there is one already. */
bool virtqueue_arm(struct virtqueue *queue);

#endif
