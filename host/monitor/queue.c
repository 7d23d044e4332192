/*
 * Rings lie in the heap, so that what the body's own page tables protect stays out of their reach,
 * and their places are checked once, when the queue is enabled: guest memory never moves.
 */
#include "host/monitor/queue.h"

#include <stddef.h>
#include <string.h>

#define LOAD(field)	    __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)

void queue_init(struct queue *queue, const struct guest_memory *memory, bool device_writes)
{
	memset(queue, 0, sizeof(*queue));
	queue->memory = memory;
	queue->device_writes = device_writes;
	queue->size = VIRTIO_QUEUE_SIZE_MAX;
}

void queue_reset(struct queue *queue)
{
	queue_init(queue, queue->memory, queue->device_writes);
}

void queue_enable(struct queue *queue)
{
	const struct guest_memory *memory = queue->memory;
	uint64_t size = queue->size;

	if (size == 0 || size > VIRTIO_QUEUE_SIZE_MAX || (size & (size - 1)) != 0) {
		queue->broken = "queue size is not a power of two up to 256";
		return;
	}
	if (queue->descriptor_address % 16 != 0 || queue->available_address % 2 != 0 ||
		queue->used_address % 4 != 0) {
		queue->broken = "ring is not aligned";
		return;
	}
	queue->descriptors = memory_writable(
		memory, queue->descriptor_address, size * sizeof(struct virtio_descriptor));
	queue->available = memory_writable(
		memory, queue->available_address, sizeof(struct virtio_available) + 2 * size + 2);
	queue->used = memory_writable(memory, queue->used_address,
		sizeof(struct virtio_used) + size * sizeof(struct virtio_used_element) + 2);
	if (queue->descriptors == NULL || queue->available == NULL || queue->used == NULL) {
		queue->broken = "ring is outside the heap";
		return;
	}
	queue->is_ready = true;
}

unsigned queue_waiting(struct queue *queue)
{
	uint16_t waiting;

	if (!queue->is_ready || queue->broken != NULL)
		return 0;
	waiting = (uint16_t)(LOAD(queue->available->index) - queue->next_available);
	if (waiting > queue->size) {
		queue->broken = "available index runs ahead of the ring";
		return 0;
	}
	return waiting;
}

/* Adds one descriptor's buffer to the chain. */
static bool add_part(struct queue *queue, const struct virtio_descriptor *descriptor,
	struct queue_chain *chain, struct iovec *parts)
{
	const void *at;

	if ((descriptor->flags & VIRTIO_DESC_INDIRECT) != 0) {
		queue->broken = "indirect descriptor, which was not offered";
		return false;
	}
	if (((descriptor->flags & VIRTIO_DESC_WRITE) != 0) != queue->device_writes) {
		queue->broken = "descriptor of the wrong direction";
		return false;
	}
	if (descriptor->length > UINT32_MAX / 2 - chain->bytes) {
		queue->broken = "chain of more than 2 GiB";
		return false;
	}
	at = queue->device_writes
		     ? memory_writable(queue->memory, descriptor->address, descriptor->length)
		     : memory_readable(queue->memory, descriptor->address, descriptor->length);
	if (at == NULL) {
		queue->broken = queue->device_writes ? "buffer outside the heap"
						     : "buffer outside heap and image";
		return false;
	}
	parts[chain->part_count++] = (struct iovec){ (void *)at, descriptor->length };
	chain->bytes += descriptor->length;
	return true;
}

bool queue_pop(struct queue *queue, struct queue_chain *chain, struct iovec *parts)
{
	struct virtio_descriptor descriptor;
	uint16_t at;

	if (queue_waiting(queue) == 0)
		return false;
	at = LOAD(queue->available->ring[queue->next_available & (queue->size - 1)]);
	*chain = (struct queue_chain){ .head = at };
	do {
		if (at >= queue->size) {
			queue->broken = "descriptor index beyond the queue";
			return false;
		}
		if (chain->part_count == queue->size) {
			queue->broken = "chain that loops";
			return false;
		}
		memcpy(&descriptor, &queue->descriptors[at], sizeof(descriptor));
		/* The copy is judged: the compiler must not read the guest's a second time. */
		__asm__ volatile("" : "+m"(descriptor));
		if (!add_part(queue, &descriptor, chain, parts))
			return false;
		at = descriptor.next;
	} while ((descriptor.flags & VIRTIO_DESC_NEXT) != 0);
	queue->next_available++;
	return true;
}

void queue_push(struct queue *queue, uint16_t head, uint32_t bytes)
{
	struct virtio_used_element *element =
		&queue->used->ring[queue->next_used & (queue->size - 1)];

	*element = (struct virtio_used_element){ .id = head, .length = bytes };
	queue->next_used++;
}

/* The driver's used_event, behind the available ring; the device's available_event, behind the used
 * ring. [2.7.10] */
static uint16_t used_event(const struct queue *queue)
{
	return LOAD(queue->available->ring[queue->size]);
}

bool queue_publish(struct queue *queue)
{
	uint16_t before = queue->published_used, after = queue->next_used;

	if (before == after)
		return false;
	STORE(queue->used->index, after);
	queue->published_used = after;
	if (!queue->has_event_index)
		return (LOAD(queue->available->flags) & 1) == 0;
	return (uint16_t)(after - used_event(queue) - 1) < (uint16_t)(after - before);
}

void queue_expect(struct queue *queue, uint16_t chains)
{
	uint8_t *behind_ring = (uint8_t *)&queue->used->ring[queue->size];
	uint16_t *available_event = (uint16_t *)behind_ring;

	if (queue->is_ready && queue->has_event_index)
		STORE(*available_event, (uint16_t)(queue->next_available + chains - 1));
}
