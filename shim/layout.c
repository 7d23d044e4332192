/* Physical memory is dealt out from the bottom up; virtual places are random (world/place.h). */
#include "shim/layout.h"

#include <stddef.h>

#include "world/tables.h"

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & -unit;
}

static void take(uint64_t *next, struct region *region, uint64_t bytes)
{
	region->physical = *next;
	region->bytes = round_up(bytes, PAGE_BYTES);
	*next += region->bytes;
}

static void set_stacks(struct layout *l, const struct shim_image *image)
{
	l->stacks.physical = l->heap.physical;
	if (image->stack_bytes == 0)
		return;
	l->stack_bytes = image->stack_bytes;
	l->stack_count = l->heap.bytes / image->stack_bytes;
	if (l->stack_count > image->stack_count_max)
		l->stack_count = image->stack_count_max;
	l->stacks.bytes = l->stack_count * (l->stack_bytes + PAGE_BYTES) + PAGE_BYTES;
}

static void set_heap(struct layout *l, uint64_t start, uint64_t end)
{
	l->heap.physical = round_up(start, LARGE_BYTES);
	l->heap.bytes = end > l->heap.physical ? (end - l->heap.physical) & -LARGE_BYTES : 0;
}

static uint64_t table_pages(const struct layout *l)
{
	const struct region *small[] = { &l->image, &l->stack, &l->boot, &l->devices, &l->blobs,
		&l->stacks };
	uint64_t pages = 1 + tables_pages_for(l->heap.bytes, true);

	for (unsigned i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		pages += tables_pages_for(small[i]->bytes, false);
	return pages;
}

uint64_t layout_make(
	struct layout *l, const struct shim_image *image, const struct layout_wishes *w)
{
	struct placing placings[LAYOUT_REGIONS] = {
		{ &l->image, PAGE_BYTES },
		{ &l->stack, PAGE_BYTES },
		{ &l->boot, PAGE_BYTES },
		{ &l->devices, PAGE_BYTES },
		{ &l->blobs, PAGE_BYTES },
		{ &l->heap, LARGE_BYTES },
		{ &l->stacks, PAGE_BYTES },
	};
	uint64_t next = SHIM_BODY_PHYSICAL;

	*l = (struct layout){ .blobs = { .physical = w->blobs.start,
				      .bytes = w->blobs.end - w->blobs.start } };
	take(&next, &l->image, image->span_bytes);
	next = round_up(w->low.start, PAGE_BYTES);
	take(&next, &l->stack, MAIN_STACK_BYTES);
	take(&next, &l->boot, BOOT_ARGUMENTS + w->argument_bytes);
	take(&next, &l->devices, w->device_count * DEVICE_WINDOW_BYTES);
	l->rings = next;
	l->tables = l->rings + w->device_count * PRIVATE_BYTES;
	/* The tables depend on the heap, which may begin behind them: reckoned with all of it. */
	set_heap(l, w->heap.start, w->heap.end);
	set_stacks(l, image);
	l->tables_end = l->tables + table_pages(l) * PAGE_BYTES;
	if (w->heap.start == w->low.start)
		set_heap(l, l->tables_end, w->heap.end);
	set_stacks(l, image);
	if (l->heap.bytes == 0)
		return l->heap.physical + LARGE_BYTES - w->heap.end;
	if (l->tables_end > w->low.end)
		return l->tables_end - w->low.end;
	place_regions(placings, LAYOUT_REGIONS, w->numbers);
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
	const struct region *regions[] = { &l->heap, &l->image, &l->stack, &l->boot, &l->blobs };

	for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		uint64_t physical = physical_in(regions[i], virtual, bytes);

		if (physical != UINT64_MAX)
			return physical;
	}
	return physical_in_stacks(l, virtual, bytes);
}
