/*
 * The gate. Both comparisons are written so that no sum can wrap.
 */
#include "host/monitor/memory.h"

#include <stdbool.h>
#include <stddef.h>

static bool is_within(uint64_t address, uint64_t length, uint64_t start, uint64_t end)
{
	return address >= start && address <= end && length <= end - address;
}

void *memory_writable(const struct guest_memory *memory, uint64_t address, uint64_t length)
{
	if (!is_within(address, length, memory->heap, memory->heap_end))
		return NULL;
	return memory->host + address;
}

const void *memory_readable(const struct guest_memory *memory, uint64_t address, uint64_t length)
{
	if (!is_within(address, length, memory->heap, memory->heap_end) &&
		!is_within(address, length, memory->image, memory->image_end))
		return NULL;
	return memory->host + address;
}
