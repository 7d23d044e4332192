/*
 * Both ends. Counts only ever grow; the slot of a count is its remainder.
 */
#define _GNU_SOURCE /* mremap */
#include "host/observe/ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_SIZE UINT64_C(4096)
#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

uint64_t ring_bytes(const struct ring *ring)
{
	uint64_t bytes = TRACE_RING_BYTES + ring->slot_count * ring->slot_bytes;

	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

int ring_make(struct ring *ring, uint64_t slot_count, uint32_t slot_bytes)
{
	void *memory;

	*ring = (struct ring){ .slot_count = slot_count, .slot_bytes = slot_bytes };
	/* Populated: the writer should not wait for pages. */
	memory = mmap(NULL, ring_bytes(ring), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	ring->shared = memory;
	return 0;
}

void ring_fault_in(const struct ring *ring)
{
	madvise(ring->shared, ring_bytes(ring), MADV_POPULATE_WRITE);
}

int ring_move(struct ring *ring, void *place)
{
	uint64_t bytes = ring_bytes(ring);
	void *moved = mremap(ring->shared, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place);

	if (moved == MAP_FAILED)
		return -errno;
	ring->shared = moved;
	return 0;
}

static uint8_t *slot_at(const struct ring *ring, uint64_t number)
{
	return (uint8_t *)ring->shared + TRACE_RING_BYTES +
	       number % ring->slot_count * ring->slot_bytes;
}

void *ring_slot(struct ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->shared->tail, __ATOMIC_ACQUIRE);

	if (ring->head - tail >= ring->slot_count) {
		ring->shared->dropped++;
		return NULL;
	}
	return slot_at(ring, ring->head);
}

void ring_publish(struct ring *ring)
{
	ring->head++;
	__atomic_store_n(&ring->shared->head, ring->head, __ATOMIC_RELEASE);
}

bool ring_take(struct ring *ring, void *copy)
{
	uint64_t head = __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);

	if (head == ring->tail)
		return false;
	if (head - ring->tail > ring->slot_count) {
		ring->lost_by_lie++;
		ring->tail = head;
		__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
		return false;
	}
	memcpy(copy, slot_at(ring, ring->tail), ring->slot_bytes);
	ring->tail++;
	__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
	return true;
}

uint64_t ring_dropped(const struct ring *ring)
{
	return __atomic_load_n(&ring->shared->dropped, __ATOMIC_RELAXED);
}
