/*
 * A split virtqueue, the device's side (virtio 1.2, 2.7). The only code that walks descriptors.
 *
 *     queue_pop      next chain of the available ring, as checked host addresses
 *     queue_push     it goes to the used ring (not yet seen by the driver)
 *     queue_publish  the driver sees all that was pushed
 *
 * Everything in a ring is the guest's and hostile: each field is read once, into a local, and judged
 * there. The first violation breaks the queue for good (`broken` says why): nothing is popped from it
 * until the driver resets the device. A queue has one direction: its device only reads, or only
 * writes, the buffers.
 */
#ifndef DIATOM_MONITOR_QUEUE_H
#define DIATOM_MONITOR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "abi/virtio.h"
#include "host/monitor/memory.h"

#define QUEUE_PARTS_MAX VIRTIO_QUEUE_SIZE_MAX /* of one chain: longer ones must be loops */

struct queue {
	const struct guest_memory *memory;
	bool device_writes;
	bool has_event_index;
	bool is_ready;
	uint16_t size; /* a power of two, at most VIRTIO_QUEUE_SIZE_MAX */
	uint64_t descriptor_address, available_address, used_address;

	const struct virtio_descriptor *descriptors;
	const struct virtio_available *available;
	struct virtio_used *used;
	uint16_t next_available; /* index of the chain that comes next */
	uint16_t next_used;	 /* index of the used element that comes next */
	uint16_t published_used; /* what the driver knows of next_used */
	const char *broken;	 /* why the queue stopped; NULL while it works */
};

struct queue_chain {
	uint16_t head;
	uint16_t part_count;
	uint32_t bytes;
};

void queue_init(struct queue *queue, const struct guest_memory *memory, bool device_writes);

/* As after power-on. */
void queue_reset(struct queue *queue);

/* The driver says that the addresses and size are set. Breaks the queue if they can't be. */
void queue_enable(struct queue *queue);

/* How many chains wait; 0 when the queue is broken (and then, or by this call, `broken` is set). */
unsigned queue_waiting(struct queue *queue);

/*
 * Takes the next chain: its buffers go to `parts`, which has room for QUEUE_PARTS_MAX. False if there
 * is none or the queue broke.
 */
bool queue_pop(struct queue *queue, struct queue_chain *chain, struct iovec *parts);

/* Gives a chain back, `bytes` of which were written. */
void queue_push(struct queue *queue, uint16_t head, uint32_t bytes);

/* Shows the driver what was pushed. True if the driver asked to be told of it. */
bool queue_publish(struct queue *queue);

/* Asks for a doorbell when the driver has made `chains` chains available beyond those taken. Only
 * with the event index. */
void queue_expect(struct queue *queue, uint16_t chains);

#endif
