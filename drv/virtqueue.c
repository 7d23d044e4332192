/*
 * Split virtqueue. Free descriptors are linked through `next`, as are chains with the device.
 */
#include "drv/virtqueue.h"

#include <string.h>

#include "abi/call.h"
#include "core/trace.h"
#include "diatom/counter.h"
#include "diatom/log.h"
#include "plat/plat.h"

COUNTER(queue_broken, "virtio.broken", "queues given up: their device broke the protocol");

static size_t available_bytes(uint16_t size)
{
	return sizeof(struct virtio_available) + 2u * size + 2; /* used_event at the end */
}

static size_t used_offset(uint16_t size)
{
	return (size * sizeof(struct virtio_descriptor) + available_bytes(size) + 3) & ~(size_t)3;
}

size_t virtqueue_bytes(uint16_t size)
{
	return used_offset(size) + sizeof(struct virtio_used) +
	       size * sizeof(struct virtio_used_element) + 2; /* available_event */
}

void virtqueue_init(struct virtqueue *queue, void *memory, uint16_t number, uint16_t size)
{
	uint8_t *bytes = memory;

	memset(queue, 0, sizeof(*queue));
	queue->descriptors = memory;
	queue->available = (void *)(bytes + size * sizeof(struct virtio_descriptor));
	queue->used = (void *)(bytes + used_offset(size));
	queue->number = number;
	queue->size = size;
	queue->free_count = size;
	for (uint16_t i = 0; i < size; i++)
		queue->next[i] = (uint16_t)(i + 1);
}

static volatile uint16_t *used_event(struct virtqueue *queue)
{
	return (uint16_t *)((uint8_t *)queue->available + sizeof(struct virtio_available) +
			    2u * queue->size);
}

static uint16_t available_event(struct virtqueue *queue)
{
	uint8_t *end = (uint8_t *)queue->used + sizeof(struct virtio_used) +
		       queue->size * sizeof(struct virtio_used_element);

	return *(volatile uint16_t *)end;
}

bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces, unsigned count,
	bool is_written, void *token)
{
	uint16_t head = queue->free_head, at = head;
	uint16_t flags = is_written ? VIRTIO_DESC_WRITE : 0;
	volatile uint16_t *slot;

	if (queue->is_broken || count == 0 || count > queue->free_count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		queue->descriptors[at] = (struct virtio_descriptor){
			.address = plat_physical(pieces[i].data),
			.length = pieces[i].length,
			.flags = i + 1 < count ? flags | VIRTIO_DESC_NEXT : flags,
			.next = queue->next[at],
		};
		if (i + 1 < count)
			at = queue->next[at];
	}
	queue->free_head = queue->next[at];
	queue->next[at] = UINT16_MAX; /* the chain's end */
	queue->free_count = (uint16_t)(queue->free_count - count);
	queue->tokens[head] = token;
	slot = (uint16_t *)((uint8_t *)queue->available + sizeof(struct virtio_available)) +
	       (queue->available_index & (queue->size - 1));
	*slot = head;
	queue->available_index++;
	return true;
}

/* 2.7.10.1: does (old, new] contain the event that the device waits for? */
static bool needs_event(uint16_t event, uint16_t new_index, uint16_t old_index)
{
	return (uint16_t)(new_index - event - 1) < (uint16_t)(new_index - old_index);
}

void virtqueue_publish(struct virtqueue *queue)
{
	uint16_t old = queue->kicked_index;

	if (queue->available_index == old || queue->is_broken)
		return;
	if (queue->notify == NULL) {
		queue->kicked_index = queue->available_index;
		plat_shim_call(CALL_DEVICE_SUBMIT, queue->shim_queue, queue->available_index);
		return;
	}
	__atomic_store_n(&queue->available->index, queue->available_index, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index first, then the event is read */
	queue->kicked_index = queue->available_index;
	if (!needs_event(available_event(queue), queue->available_index, old))
		return;
	if (trace_is_on())
		trace_emit(TRACE_DOORBELL, NULL, queue->number);
	*queue->notify = queue->number;
}

static void give_up(struct virtqueue *queue, const char *why)
{
	count(&queue_broken);
	log_error("virtio", "queue %u: the device %s: given up", queue->number, why);
	queue->is_broken = true;
}

static uint16_t device_index(struct virtqueue *queue)
{
	return __atomic_load_n(&queue->used->index, __ATOMIC_ACQUIRE);
}

/* Puts the chain's descriptors back. */
static void free_chain(struct virtqueue *queue, uint16_t head)
{
	uint16_t at = head;

	queue->free_count++;
	while (queue->next[at] != UINT16_MAX) {
		at = queue->next[at];
		queue->free_count++;
	}
	queue->next[at] = queue->free_head;
	queue->free_head = head;
}

void *virtqueue_take(struct virtqueue *queue, uint32_t *length)
{
	volatile struct virtio_used_element *element;
	uint16_t waiting;
	uint32_t head;
	void *token;

	if (queue->is_broken)
		return NULL;
	waiting = (uint16_t)(device_index(queue) - queue->used_index);
	if (waiting == 0)
		return NULL;
	if (waiting > queue->size - queue->free_count) {
		give_up(queue, "used more chains than it was given");
		return NULL;
	}
	element = &queue->used->ring[queue->used_index & (queue->size - 1)];
	head = element->id; /* read once: the device may change it */
	*length = element->length;
	token = head < queue->size ? queue->tokens[head] : NULL;
	if (token == NULL) {
		give_up(queue, "used a chain that it was not given");
		return NULL;
	}
	queue->tokens[head] = NULL;
	queue->used_index++;
	free_chain(queue, (uint16_t)head);
	return token;
}

bool virtqueue_arm(struct virtqueue *queue)
{
	if (queue->is_broken)
		return false;
	*used_event(queue) = queue->used_index;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the event first, then the index is read */
	return device_index(queue) != queue->used_index;
}
