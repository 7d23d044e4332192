/* See regions.h. */
#include "world/regions.h"

void region_take(struct region *region, uint64_t *next, uint64_t bytes)
{
	region->physical = *next;
	region->bytes = (bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
	*next += region->bytes;
}

uint64_t region_physical(const struct region *region, uint64_t virtual, uint64_t bytes)
{
	uint64_t offset = virtual - region->virtual;

	if (virtual < region->virtual || offset > region->bytes || bytes > region->bytes - offset)
		return UINT64_MAX;
	return region->physical + offset;
}

void regions_set_stacks(
	struct regions *body, uint64_t stack_bytes, uint64_t most, uint64_t heap_bytes)
{
	if (stack_bytes == 0)
		return;
	body->stack_bytes = stack_bytes;
	body->stack_count = heap_bytes / stack_bytes;
	if (body->stack_count > most)
		body->stack_count = most;
	body->stacks.bytes = body->stack_count * (stack_bytes + PAGE_BYTES) + PAGE_BYTES;
}

/* A piece of one stack of the window. */
static uint64_t physical_in_stacks(const struct regions *body, uint64_t virtual, uint64_t bytes)
{
	uint64_t pitch = body->stack_bytes + PAGE_BYTES, offset, index, within;

	if (body->stack_count == 0 || region_physical(&body->stacks, virtual, bytes) == UINT64_MAX)
		return UINT64_MAX;
	offset = virtual - body->stacks.virtual;
	index = offset / pitch;
	within = offset % pitch;
	if (index >= body->stack_count || within < PAGE_BYTES || bytes > pitch - within)
		return UINT64_MAX;
	return body->heap.physical + index * body->stack_bytes + within - PAGE_BYTES;
}

uint64_t regions_physical(const struct regions *body, uint64_t virtual, uint64_t bytes)
{
	const struct region *regions[] = { &body->heap, &body->image, &body->stack, &body->boot };

	for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		uint64_t physical = region_physical(regions[i], virtual, bytes);

		if (physical != UINT64_MAX)
			return physical;
	}
	return physical_in_stacks(body, virtual, bytes);
}

static void map(struct tables *tables, const struct region *region, uint64_t offset, uint64_t bytes,
	unsigned rights)
{
	tables_map(tables, region->virtual + offset, region->physical + offset, bytes,
		rights | PAGE_USER, false);
}

void regions_map(struct tables *tables, const struct regions *body)
{
	const struct region *boot = &body->boot;

	map(tables, &body->stack, 0, body->stack.bytes, PAGE_WRITE);
	map(tables, boot, 0, BOOT_CALL_PAGE, 0);
	map(tables, boot, BOOT_CALL_PAGE, PAGE_BYTES, PAGE_EXECUTE);
	map(tables, boot, BOOT_ARGUMENTS, boot->bytes - BOOT_ARGUMENTS, 0);
	tables_map(tables, body->heap.virtual, body->heap.physical, body->heap.bytes,
		PAGE_USER | PAGE_WRITE, true);
	tables_map_window(tables, body->stacks.virtual, body->stacks.physical, body->stack_bytes,
		body->stack_count, PAGE_USER | PAGE_WRITE);
}

void regions_describe(const struct regions *body, struct boot_memory *memory)
{
	*memory = (struct boot_memory){
		.heap = body->heap.virtual,
		.heap_bytes = body->heap.bytes,
		.heap_physical = body->heap.physical,
		.image = body->image.virtual,
		.image_bytes = body->image.bytes,
		.image_physical = body->image.physical,
		.stacks = body->stack_count > 0 ? body->stacks.virtual : 0,
		.stack_bytes = body->stack_bytes,
		.stack_count = body->stack_count,
		.main_stack = body->stack.virtual,
		.main_stack_bytes = body->stack.bytes,
	};
}
