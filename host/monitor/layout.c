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
	       tables_pages_for(l->body.image.bytes, false) +
	       tables_pages_for(l->body.stack.bytes, false) +
	       tables_pages_for(l->body.boot.bytes, false) +
	       tables_pages_for(l->registers.bytes, false) + tables_pages_for(memory_bytes, true) +
	       (l->trace.bytes == 0 ? 0 : tables_pages_for(l->trace.bytes, false)) +
	       (l->body.stacks.bytes == 0 ? 0 : tables_pages_for(l->body.stacks.bytes, false));
}

/* Physical places; returns where the heap begins. */
static uint64_t lay_low_memory(struct layout *l, const struct layout_wishes *w)
{
	uint64_t next = PAGE_BYTES;

	memset(l, 0, sizeof(*l));
	l->memory_bytes = w->memory_bytes;
	l->arguments = BOOT_ARGUMENTS;
	l->blobs = round_up(l->arguments + w->argument_bytes, PAGE_BYTES);
	region_take(&l->system, &next, SYSTEM_BYTES);
	region_take(&l->body.image, &next, w->image_bytes);
	region_take(&l->body.stack, &next, MAIN_STACK_BYTES);
	region_take(&l->body.boot, &next, l->blobs + w->blob_bytes);
	region_take(&l->trace, &next, w->trace_bytes);
	l->registers = (struct region){ .physical = w->memory_bytes,
		.bytes = (w->device_count > 0 ? w->device_count : 1) * PAGE_BYTES };
	regions_set_stacks(&l->body, w->stack_bytes, w->stack_count_max, w->memory_bytes);
	l->tables = next;
	l->tables_end = next + table_pages(l, w->memory_bytes) * PAGE_BYTES;
	return round_up(l->tables_end, LARGE_BYTES);
}

uint64_t layout_make(struct layout *l, const struct layout_wishes *w)
{
	struct placing placings[REGIONS] = {
		{ &l->system, PAGE_BYTES },
		{ &l->body.image,
			w->image_alignment > PAGE_BYTES ? w->image_alignment : PAGE_BYTES },
		{ &l->body.stack, PAGE_BYTES },
		{ &l->body.boot, PAGE_BYTES },
		{ &l->trace, PAGE_BYTES },
		{ &l->registers, PAGE_BYTES },
		{ &l->body.heap, LARGE_BYTES },
		{ &l->body.stacks, PAGE_BYTES },
	};
	uint64_t heap = lay_low_memory(l, w), numbers[PLACE_NUMBERS(REGIONS)];

	if (heap + LARGE_BYTES > w->memory_bytes)
		return heap + LARGE_BYTES;
	l->body.heap.physical = l->body.stacks.physical = heap;
	l->body.heap.bytes = (w->memory_bytes - heap) / LARGE_BYTES * LARGE_BYTES;
	regions_set_stacks(&l->body, w->stack_bytes, w->stack_count_max, l->body.heap.bytes);
	(void)!getrandom(numbers, sizeof(numbers), 0); /* in one call */
	place_regions(placings, REGIONS, numbers);
	return 0;
}

uint64_t layout_physical(const struct layout *l, uint64_t virtual, uint64_t bytes)
{
	return regions_physical(&l->body, virtual, bytes);
}
