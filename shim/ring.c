/* Copies of what was judged, see ring.h. Section numbers: virtio 1.2. */
#include "shim/ring.h"

#include <stddef.h>

#define LOAD(field)	    __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)
#define DESCRIPTOR_PAGE	    4096

static bool is_inside(uint64_t address, uint64_t length, uint64_t start, uint64_t end)
{
	return address >= start && address <= end && length <= end - address;
}

static bool is_heap(const struct ring *ring, uint64_t address, uint64_t length)
{
	return is_inside(address, length, ring->memory->heap, ring->memory->heap_end);
}

static bool is_with_device(const struct ring *ring, uint16_t at)
{
	return (ring->with_device[at / 8] >> at % 8 & 1) != 0;
}

bool ring_begin(struct ring *ring, uint64_t wanted, uint16_t size, void *own, void *used)
{
	const struct ring_memory *memory = ring->memory;
	uint64_t bytes = size * sizeof(struct virtio_descriptor) + sizeof(struct virtio_available) +
			 2 * (uint64_t)size + 2;

	if (size == 0 || size > VIRTIO_QUEUE_SIZE_MAX || (size & (size - 1)) != 0 ||
		wanted % 16 != 0 || !is_heap(ring, wanted, bytes))
		return false;
	__builtin_memset(own, 0, 2 * DESCRIPTOR_PAGE);
	__builtin_memset(used, 0, DESCRIPTOR_PAGE);
	*ring = (struct ring){ .memory = memory,
		.descriptors = own,
		.available = (void *)((uint8_t *)own + DESCRIPTOR_PAGE),
		.used = used,
		.wanted = (void *)(memory->base + wanted),
		.offered =
			(void *)(memory->base + wanted + size * sizeof(struct virtio_descriptor)),
		.size = size };
	return true;
}

/* Is it a buffer that the device may have? NULL, or why not. */
static const char *judge(const struct ring *ring, const struct virtio_descriptor *d)
{
	const struct ring_memory *m = ring->memory;
	bool is_written = (d->flags & VIRTIO_DESC_WRITE) != 0;

	if ((d->flags & ~(unsigned)(VIRTIO_DESC_WRITE | VIRTIO_DESC_NEXT)) != 0)
		return "indirect descriptor, which was not offered";
	if (d->length > INT32_MAX)
		return "chain of more than 2 GiB";
	if (is_heap(ring, d->address, d->length))
		return NULL;
	if (is_written)
		return "buffer outside the heap";
	return is_inside(d->address, d->length, m->image, m->image_end)
		       ? NULL
		       : "buffer outside heap and image";
}

/* Copies the chain at `head`, of which the device has nothing. NULL, or why that can't be. */
static const char *copy_chain(struct ring *ring, uint16_t head)
{
	uint16_t at = head;

	for (unsigned count = 0;; count++) {
		struct virtio_descriptor d;
		const char *wrong;

		if (at >= ring->size)
			return "descriptor index beyond the queue";
		if (count == ring->size)
			return "chain that loops";
		if (is_with_device(ring, at))
			return "descriptor that the device still has";
		d.address = ring->wanted[at].address;
		d.length = ring->wanted[at].length;
		d.flags = ring->wanted[at].flags;
		d.next = ring->wanted[at].next;
		wrong = judge(ring, &d);
		if (wrong != NULL)
			return wrong;
		ring->descriptors[at] = d;
		if ((d.flags & VIRTIO_DESC_NEXT) == 0)
			return NULL;
		at = d.next;
	}
}

/* Marks a chain of checked descriptors as the device's, or as the body's again. */
static void mark_chain(struct ring *ring, uint16_t head, bool is_device)
{
	uint16_t at = head;

	for (;;) {
		uint8_t bit = (uint8_t)(1u << at % 8);

		if (is_device)
			ring->with_device[at / 8] |= bit;
		else
			ring->with_device[at / 8] &= (uint8_t)~bit;
		if ((ring->descriptors[at].flags & VIRTIO_DESC_NEXT) == 0)
			return;
		at = ring->descriptors[at].next;
	}
}

/* What the device has used is the body's again. */
static void take_back(struct ring *ring)
{
	uint16_t until = LOAD(ring->used->index);

	for (unsigned n = 0; ring->returned != until && n < ring->size; n++, ring->returned++) {
		uint32_t head = ring->used->ring[ring->returned & (ring->size - 1)].id;

		if (head < ring->size && is_with_device(ring, (uint16_t)head))
			mark_chain(ring, (uint16_t)head, false);
	}
}

/* 2.7.10.1: does (old, new] contain the event that the device waits for? */
static bool needs_event(const struct ring *ring, uint16_t old)
{
	const uint16_t *event = (const uint16_t *)(const void *)&ring->used->ring[ring->size];

	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index first, then the event is read */
	return (uint16_t)(ring->submitted - LOAD(*event) - 1) < (uint16_t)(ring->submitted - old);
}

bool ring_submit(struct ring *ring, uint16_t until)
{
	uint16_t at = ring->submitted, old = at;

	if (ring->size == 0 || ring->broken != NULL)
		return false;
	take_back(ring);
	if ((uint16_t)(until - at) > ring->size)
		ring->broken = "available index runs ahead of the ring";
	for (; ring->broken == NULL && at != until; at++) {
		uint16_t slot = at & (ring->size - 1), head = ring->offered->ring[slot];

		ring->broken = copy_chain(ring, head);
		if (ring->broken != NULL)
			break;
		mark_chain(ring, head, true);
		ring->available->ring[slot] = head;
	}
	STORE(ring->available->index, at);
	ring->submitted = at;
	return needs_event(ring, old);
}

bool ring_arm(struct ring *ring)
{
	uint16_t event, index, before = ring->seen;
	bool is_new;

	if (ring->size == 0 || ring->broken != NULL)
		return false;
	event = ring->offered->ring[ring->size];
	is_new = event != ring->armed;
	ring->armed = event;
	STORE(ring->available->ring[ring->size], event);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the event first, then the index is read */
	index = ring->seen = LOAD(ring->used->index);
	/* It came before the device knew; or it has come since the last time, in which case the interrupt
	 * may have been lost in an acknowledgement. */
	return (is_new && index != event) ||
	       (uint16_t)(index - event - 1) < (uint16_t)(index - before);
}

bool ring_has_output(struct ring *ring)
{
	if (ring->size == 0)
		return false;
	take_back(ring);
	for (uint16_t i = 0; i < ring->size; i++)
		if (is_with_device(ring, i) &&
			(ring->descriptors[i].flags & VIRTIO_DESC_WRITE) == 0)
			return true;
	return false;
}
