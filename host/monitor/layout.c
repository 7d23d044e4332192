/*
 * Physical memory is dealt out from the bottom up. Virtual places are random (world/place.h).
 */
#include "host/monitor/layout.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#define REGIONS 8

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static uint64_t table_pages(const struct layout *l, uint64_t memory_bytes)
{
	return 1 + tables_pages_for(l->system.bytes, false) +
	       tables_pages_for(l->image.bytes, false) + tables_pages_for(l->stack.bytes, false) +
	       tables_pages_for(l->boot.bytes, false) +
	       tables_pages_for(l->registers.bytes, false) + tables_pages_for(memory_bytes, true) +
	       (l->trace.bytes == 0 ? 0 : tables_pages_for(l->trace.bytes, false)) +
	       (l->stacks.bytes == 0 ? 0 : tables_pages_for(l->stacks.bytes, false));
}

static uint64_t take(uint64_t *next, struct region *region, uint64_t bytes)
{
	region->physical = *next;
	region->bytes = round_up(bytes, PAGE_BYTES);
	*next += region->bytes;
	return region->physical;
}

static void set_stacks(struct layout *l, const struct layout_wishes *w, uint64_t heap_bytes)
{
	if (w->stack_bytes == 0)
		return;
	l->stack_bytes = w->stack_bytes;
	l->stack_count = heap_bytes / w->stack_bytes;
	if (l->stack_count > w->stack_count_max)
		l->stack_count = w->stack_count_max;
	l->stacks.bytes = l->stack_count * (l->stack_bytes + PAGE_BYTES) + PAGE_BYTES;
}

/* Physical places; returns where the heap begins. */
static uint64_t lay_low_memory(struct layout *l, const struct layout_wishes *w)
{
	uint64_t next = PAGE_BYTES;

	memset(l, 0, sizeof(*l));
	l->memory_bytes = w->memory_bytes;
	l->arguments = BOOT_ARGUMENTS;
	l->blobs = round_up(l->arguments + w->argument_bytes, PAGE_BYTES);
	take(&next, &l->system, SYSTEM_BYTES);
	take(&next, &l->image, w->image_bytes);
	take(&next, &l->stack, MAIN_STACK_BYTES);
	take(&next, &l->boot, l->blobs + w->blob_bytes);
	take(&next, &l->trace, w->trace_bytes);
	l->registers = (struct region){ .physical = w->memory_bytes,
		.bytes = (w->device_count > 0 ? w->device_count : 1) * PAGE_BYTES };
	set_stacks(l, w, w->memory_bytes);
	l->tables = next;
	l->tables_end = next + table_pages(l, w->memory_bytes) * PAGE_BYTES;
	return round_up(l->tables_end, LARGE_BYTES);
}

uint64_t layout_make(struct layout *l, const struct layout_wishes *w)
{
	struct placing placings[REGIONS] = {
		{ &l->system, PAGE_BYTES },
		{ &l->image, w->image_alignment > PAGE_BYTES ? w->image_alignment : PAGE_BYTES },
		{ &l->stack, PAGE_BYTES },
		{ &l->boot, PAGE_BYTES },
		{ &l->trace, PAGE_BYTES },
		{ &l->registers, PAGE_BYTES },
		{ &l->heap, LARGE_BYTES },
		{ &l->stacks, PAGE_BYTES },
	};
	uint64_t heap = lay_low_memory(l, w), numbers[PLACE_NUMBERS(REGIONS)];

	if (heap + LARGE_BYTES > w->memory_bytes)
		return heap + LARGE_BYTES;
	l->heap.physical = l->stacks.physical = heap;
	l->heap.bytes = (w->memory_bytes - heap) / LARGE_BYTES * LARGE_BYTES;
	set_stacks(l, w, l->heap.bytes);
	(void)!getrandom(numbers, sizeof(numbers), 0); /* in one call */
	place_regions(placings, REGIONS, numbers);
	return 0;
}

static uint64_t physical_in(const struct region *region, uint64_t virtual, uint64_t bytes)
{
	uint64_t offset = virtual - region->virtual;

	if (virtual < region->virtual || offset > region->bytes || bytes > region->bytes - offset)
		return UINT64_MAX;
	return region->physical + offset;
}

/* A piece of one stack of the window. */
static uint64_t physical_in_stacks(const struct layout *l, uint64_t virtual, uint64_t bytes)
{
	uint64_t pitch = l->stack_bytes + PAGE_BYTES, offset, index, within;

	if (l->stack_count == 0 || physical_in(&l->stacks, virtual, bytes) == UINT64_MAX)
		return UINT64_MAX;
	offset = virtual - l->stacks.virtual;
	index = offset / pitch;
	within = offset % pitch;
	if (index >= l->stack_count || within < PAGE_BYTES || bytes > pitch - within)
		return UINT64_MAX;
	return l->heap.physical + index * l->stack_bytes + within - PAGE_BYTES;
}

uint64_t layout_physical(const struct layout *l, uint64_t virtual, uint64_t bytes)
{
	const struct region *regions[] = { &l->heap, &l->image, &l->stack, &l->boot };
	uint64_t physical;

	for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		physical = physical_in(regions[i], virtual, bytes);
		if (physical != UINT64_MAX)
			return physical;
	}
	return physical_in_stacks(l, virtual, bytes);
}
