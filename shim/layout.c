/* Physical memory is dealt out from the bottom up; virtual places are random (world/place.h). */
#include "shim/layout.h"

#include <stddef.h>

#include "world/tables.h"

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & -unit;
}

static void set_stacks(struct layout *l, const struct shim_image *image)
{
	l->body.stacks.physical = l->body.heap.physical;
	regions_set_stacks(
		&l->body, image->stack_bytes, image->stack_count_max, l->body.heap.bytes);
}

static void set_heap(struct layout *l, uint64_t start, uint64_t end)
{
	l->body.heap.physical = round_up(start, LARGE_BYTES);
	l->body.heap.bytes =
		end > l->body.heap.physical ? (end - l->body.heap.physical) & -LARGE_BYTES : 0;
}

static uint64_t table_pages(const struct layout *l)
{
	const struct region *small[] = { &l->body.image, &l->body.stack, &l->body.boot, &l->devices,
		&l->blobs, &l->body.stacks };
	uint64_t pages = 1 + tables_pages_for(l->body.heap.bytes, true);

	for (unsigned i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		pages += tables_pages_for(small[i]->bytes, false);
	return pages;
}

uint64_t layout_make(
	struct layout *l, const struct shim_image *image, const struct layout_wishes *w)
{
	struct placing placings[LAYOUT_REGIONS] = {
		{ &l->body.image, PAGE_BYTES },
		{ &l->body.stack, PAGE_BYTES },
		{ &l->body.boot, PAGE_BYTES },
		{ &l->devices, PAGE_BYTES },
		{ &l->blobs, PAGE_BYTES },
		{ &l->body.heap, LARGE_BYTES },
		{ &l->body.stacks, PAGE_BYTES },
	};
	uint64_t next = SHIM_BODY_PHYSICAL;

	*l = (struct layout){ .blobs = { .physical = w->blobs.start,
				      .bytes = w->blobs.end - w->blobs.start } };
	region_take(&l->body.image, &next, image->span_bytes);
	next = round_up(w->low.start, PAGE_BYTES);
	region_take(&l->body.stack, &next, MAIN_STACK_BYTES);
	region_take(&l->body.boot, &next, BOOT_ARGUMENTS + w->argument_bytes);
	region_take(&l->devices, &next, w->device_count * DEVICE_WINDOW_BYTES);
	l->rings = next;
	l->tables = l->rings + w->device_count * PRIVATE_BYTES;
	/* The tables depend on the heap, which may begin behind them: reckoned with all of it. */
	set_heap(l, w->heap.start, w->heap.end);
	set_stacks(l, image);
	l->tables_end = l->tables + table_pages(l) * PAGE_BYTES;
	if (w->heap.start == w->low.start)
		set_heap(l, l->tables_end, w->heap.end);
	set_stacks(l, image);
	if (l->body.heap.bytes == 0)
		return l->body.heap.physical + LARGE_BYTES - w->heap.end;
	if (l->tables_end > w->low.end)
		return l->tables_end - w->low.end;
	place_regions(placings, LAYOUT_REGIONS, w->numbers);
	return 0;
}

uint64_t layout_physical(const struct layout *l, uint64_t virtual, uint64_t bytes)
{
	uint64_t physical = regions_physical(&l->body, virtual, bytes);

	return physical != UINT64_MAX ? physical : region_physical(&l->blobs, virtual, bytes);
}
