/*
 * Each claim of boot info that a reader of the body relies on is checked here, once.
 */
#include "host/qemu/world.h"

#include "abi/shim.h"
#include "world/tables.h"

#define LOWER_HALF (UINT64_C(1) << 47)

static bool is_region(uint64_t start, uint64_t bytes, uint64_t most)
{
	return start % PAGE_BYTES == 0 && start >= PAGE_BYTES && start < LOWER_HALF &&
	       bytes % PAGE_BYTES == 0 && bytes <= most && bytes <= LOWER_HALF - start;
}

static bool is_stack_window(const struct boot_memory *m, uint64_t most)
{
	if (m->stacks == 0)
		return m->stack_count == 0;
	return is_region(m->stacks, 0, 0) && m->stack_bytes % PAGE_BYTES == 0 &&
	       m->stack_bytes > 0 && m->stack_bytes <= most &&
	       m->stack_count <= m->heap_bytes / m->stack_bytes &&
	       m->stack_count * (m->stack_bytes + PAGE_BYTES) <= LOWER_HALF - m->stacks;
}

/* Page, stub and arguments lie behind boot info, as shim/layout.h has it. */
static bool is_together(const struct boot_info *boot, uint64_t at)
{
	const uint64_t most = 4 * PAGE_BYTES + SHIM_COMMAND_LINE_MAX;

	if (at % PAGE_BYTES != 0 || at >= LOWER_HALF || boot->host_page != at + 2 * PAGE_BYTES ||
		boot->call != at + 3 * PAGE_BYTES || boot->syscall != 0)
		return false;
	for (unsigned i = 0; i < boot->argument_count; i++)
		if (boot->arguments[i] < at || boot->arguments[i] - at >= most)
			return false;
	return true;
}

static bool is_plausible(const struct world *world, uint64_t memory_bytes, uint64_t span_bytes)
{
	const struct boot_info *boot = &world->boot;
	const struct boot_memory *m = &boot->memory;

	if (boot->magic != BOOT_MAGIC || boot->version != BOOT_VERSION ||
		boot->target != BOOT_SHIM || boot->argument_count > BOOT_ARGUMENTS_MAX ||
		boot->device_count > BOOT_DEVICES_MAX || boot->blob_count > BOOT_BLOBS_MAX)
		return false;
	for (unsigned i = 0; i < boot->blob_count; i++)
		if (boot->blobs[i].length > memory_bytes ||
			!is_region(boot->blobs[i].address, 0, 0))
			return false;
	return is_region(m->image, m->image_bytes, span_bytes + PAGE_BYTES) &&
	       is_region(m->heap, m->heap_bytes, memory_bytes) &&
	       is_region(m->main_stack, m->main_stack_bytes, memory_bytes) &&
	       is_stack_window(m, memory_bytes) && is_together(boot, world->state.boot_info);
}

bool world_read(struct world *world, struct memory *memory, const struct image *image)
{
	if (!memory_read(memory, SHIM_STATE_AT, &world->state, sizeof(world->state)))
		return false;
	memory->tables = world->state.tables & ENTRY_ADDRESS;
	memory->page_bytes = 0;
	return memory_read_body(
		       memory, world->state.boot_info, &world->boot, sizeof(world->boot)) &&
	       is_plausible(world, memory->bytes, image->span_bytes);
}
