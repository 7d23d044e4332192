/*
 * Each claim of boot info that a reader of the body relies on is checked here, once.
 */
#include "host/qemu/world.h"

#include "abi/shim.h"
#include "world/tables.h"

#define LOWER_HALF (UINT64_C(1) << 47)
#define RING_MASK  3

/* What the CPU pushes, behind an error code or not. */
struct cpu_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

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

static bool has_error_code(uint64_t vector)
{
	return vector < 32 && (SHIM_HAS_ERROR_CODE >> vector & 1) != 0;
}

bool world_read_stop(
	const struct world *world, const struct memory *memory, struct world_stop *stop)
{
	const struct shim_state *state = &world->state;
	uint64_t at = state->frame, code = 0;
	struct cpu_frame cpu;
	struct shim_frame f;

	if (!memory_read(memory, at, &f, sizeof(f)))
		return false;
	at += sizeof(f);
	if (has_error_code(f.vector)) {
		if (!memory_read(memory, at, &code, sizeof(code)))
			return false;
		at += sizeof(code);
	}
	if (!memory_read(memory, at, &cpu, sizeof(cpu)))
		return false;
	*stop = (struct world_stop){
		.registers = { f.rax, f.rbx, f.rcx, f.rdx, f.rsi, f.rdi, f.rbp, cpu.rsp, f.r8, f.r9,
			f.r10, f.r11, f.r12, f.r13, f.r14, f.r15, cpu.rip, cpu.rflags,
			state->thread[0] | (uint64_t)state->thread[1] << 32 },
		.vector = f.vector,
		.error_code = code,
		.cs = (uint16_t)cpu.cs,
		.ss = (uint16_t)cpu.ss,
	};
	return (cpu.cs & RING_MASK) == RING_MASK;
}
