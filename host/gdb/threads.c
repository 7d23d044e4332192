/* See threads.h. */
#include "host/gdb/threads.h"

#include <string.h>

#define MAIN_THREAD  1
#define FIRST_FIBER  2
#define CODE_SEGMENT 0x33 /* any of ring 3: gdb only looks */
#define DATA_SEGMENT 0x2b

static uint64_t id_of(const struct body_fiber *fiber)
{
	return fiber->stack == INSIDE_STACK_NONE ? MAIN_THREAD : FIRST_FIBER + fiber->stack;
}

uint64_t threads_running(const struct gdb_server *server)
{
	const struct boot_memory *m = &server->body.boot->memory;
	uint64_t pitch = m->stack_bytes + BOOT_PAGE_BYTES, offset;
	struct gdb_registers registers;

	server->target->ops->get_registers(server->target, &registers);
	offset = registers.general[GDB_RSP] - m->stacks;
	if (m->stacks == 0 || offset / pitch >= m->stack_count)
		return MAIN_THREAD;
	return FIRST_FIBER + offset / pitch;
}

static const char *state_text(const struct gdb_thread *thread)
{
	if (thread->is_running)
		return "running";
	switch (thread->fiber.state) {
	case INSIDE_FIBER_READY:
		return "ready";
	case INSIDE_FIBER_ENDED:
		return "ended";
	default:
		return "waiting";
	}
}

bool threads_find(const struct gdb_server *server, uint64_t id, struct gdb_thread *thread)
{
	struct body_fibers walk = { .next = id - MAIN_THREAD };
	bool is_found = id >= MAIN_THREAD && id - MAIN_THREAD <= UINT32_MAX &&
			body_fiber_next(&server->body, &walk, &thread->fiber) &&
			id_of(&thread->fiber) == id;

	if (!is_found)
		thread->fiber = (struct body_fiber){ .name = "fiber" };
	thread->id = id;
	thread->is_running = id == threads_running(server);
	thread->state = state_text(thread);
	return is_found || thread->is_running;
}

unsigned threads_list(const struct gdb_server *server, uint64_t ids[GDB_THREADS_MAX])
{
	uint64_t running = threads_running(server);
	struct body_fibers walk = { 0 };
	struct body_fiber fiber;
	bool has_running = false;
	unsigned count = 0;

	while (count < GDB_THREADS_MAX - 1 && body_fiber_next(&server->body, &walk, &fiber)) {
		ids[count] = id_of(&fiber);
		has_running |= ids[count++] == running;
	}
	/* It may be beyond those that are listed, or its control block damaged. */
	if (!has_running)
		ids[count++] = running;
	return count;
}

bool threads_registers(const struct gdb_server *server, const struct gdb_thread *thread,
	struct gdb_registers *registers)
{
	struct debug_registers saved;

	if (thread->is_running) {
		server->target->ops->get_registers(server->target, registers);
		return true;
	}
	if (!body_fiber_registers(&server->body, &thread->fiber, &saved))
		return false;
	memset(registers, 0, sizeof(*registers));
	registers->general[GDB_RBX] = saved.value[DEBUG_RBX];
	registers->general[GDB_RBP] = saved.value[DEBUG_RBP];
	registers->general[GDB_RSP] = saved.value[DEBUG_RSP];
	for (unsigned i = GDB_R12; i < 16; i++)
		registers->general[i] = saved.value[i];
	registers->rip = saved.value[DEBUG_RIP];
	registers->segments[GDB_CS] = CODE_SEGMENT;
	registers->segments[GDB_SS] = DATA_SEGMENT;
	registers->orig_rax = UINT64_MAX;
	return true;
}
