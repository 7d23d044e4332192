/*
 * gdb finds out by AT_ENTRY and AT_PHDR how far the image was moved, and takes the first thread for
 * the one that got the signal.
 */
#include "host/crash/core_notes.h"

#include <elf.h>
#include <string.h>

#include "host/body/fibers.h"
#include "host/image/image.h"

#define THREADS_MAX   20000
#define THREAD_MAIN   1 /* the fiber on stack i is i + 2 */
#define THREAD_LOST   INT32_MAX
#define CODE_SEGMENT  0x33
#define STACK_SEGMENT 0x2b

/* struct user_regs_struct of Linux's sys/user.h */
struct note_registers {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax,
		rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

struct note_thread {
	int32_t signal_number, code, error;
	int16_t current_signal;
	uint64_t pending, held;
	int32_t pid, parent, group, session;
	uint64_t times[8];
	struct note_registers registers;
	int32_t has_floating_point;
};

struct note_process {
	char state, state_name, is_zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, parent, group, session;
	char name[16], arguments[80];
};

_Static_assert(sizeof(struct note_thread) == 336, "Linux's struct elf_prstatus");
_Static_assert(sizeof(struct note_process) == 136, "Linux's struct elf_prpsinfo");

static void put_note(struct core_out *out, uint32_t type, const void *bytes, uint32_t length)
{
	const uint32_t head[3] = { 5, length, type };

	core_out_put(out, head, sizeof(head));
	core_out_put(out, "CORE\0\0\0", 8);
	core_out_put(out, bytes, length);
	core_out_align(out, 4);
}

/* The signal that a Linux process would have got. */
static int16_t signal_of(const struct crash_report *r)
{
	static const struct {
		int vector;
		int16_t signal;
	} rows[] = { { 0, 8 }, { 1, 5 }, { 3, 5 }, { 6, 4 }, { 16, 8 }, { 17, 7 }, { 19, 8 } };

	if (r->vector < 0)
		return 6; /* it ended itself */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].vector == r->vector)
			return rows[i].signal;
	return 11;
}

static int32_t thread_of(const struct body_fiber *fiber)
{
	return fiber->stack == INSIDE_STACK_NONE ? THREAD_MAIN : (int32_t)fiber->stack + 2;
}

static void put_thread(struct core_out *out, const struct crash_report *r, int32_t id,
	int16_t signal, const struct note_registers *registers)
{
	struct note_thread thread;

	memset(&thread, 0, sizeof(thread));
	thread.signal_number = signal;
	thread.current_signal = signal;
	thread.pid = id;
	thread.group = thread.session = THREAD_MAIN;
	thread.registers = *registers;
	thread.registers.cs = CODE_SEGMENT;
	thread.registers.ss = STACK_SEGMENT;
	thread.registers.orig_rax = UINT64_MAX; /* in no system call */
	thread.registers.fs_base = r->registers.fs;
	put_note(out, NT_PRSTATUS, &thread, sizeof(thread));
}

static void put_crashed(struct core_out *out, const struct crash_report *r, int32_t id)
{
	const struct crash_registers *g = &r->registers;
	const struct note_registers registers = { .r15 = g->r15,
		.r14 = g->r14,
		.r13 = g->r13,
		.r12 = g->r12,
		.rbp = g->rbp,
		.rbx = g->rbx,
		.r11 = g->r11,
		.r10 = g->r10,
		.r9 = g->r9,
		.r8 = g->r8,
		.rax = g->rax,
		.rcx = g->rcx,
		.rdx = g->rdx,
		.rsi = g->rsi,
		.rdi = g->rdi,
		.rip = g->rip,
		.eflags = g->rflags,
		.rsp = g->rsp };

	put_thread(out, r, id, signal_of(r), &registers);
}

static void put_waiting(
	struct core_out *out, const struct crash_report *r, const struct body_fiber *fiber)
{
	struct debug_registers from;
	struct note_registers registers = { .eflags = 2 };

	if (!body_fiber_registers(&r->body, fiber, &from))
		return;
	registers.r15 = from.value[15];
	registers.r14 = from.value[14];
	registers.r13 = from.value[13];
	registers.r12 = from.value[12];
	registers.rbx = from.value[DEBUG_RBX];
	registers.rbp = from.value[DEBUG_RBP];
	registers.rsp = from.value[DEBUG_RSP];
	registers.rip = from.value[DEBUG_RIP];
	put_thread(out, r, thread_of(fiber), 0, &registers);
}

static void put_process(struct core_out *out, const struct crash_report *r)
{
	struct note_process process = { .state_name = 'R', .pid = THREAD_MAIN };

	memcpy(process.name, r->name, strnlen(r->name, sizeof(process.name) - 1));
	memcpy(process.arguments, r->name, strnlen(r->name, sizeof(process.arguments) - 1));
	put_note(out, NT_PRPSINFO, &process, sizeof(process));
}

static void put_auxiliary(struct core_out *out, const struct crash_report *r)
{
	const struct image *image = r->body.image;
	uint64_t base = r->body.boot->memory.image;
	const Elf64_auxv_t vector[] = {
		{ AT_PHDR, { base + image->headers } },
		{ AT_PHENT, { sizeof(Elf64_Phdr) } },
		{ AT_PHNUM, { image->header_count } },
		{ AT_PAGESZ, { BOOT_PAGE_BYTES } },
		{ AT_BASE, { 0 } },
		{ AT_ENTRY, { base + image->entry } },
		{ AT_NULL, { 0 } },
	};

	put_note(out, NT_AUXV, vector, sizeof(vector));
}

void core_notes_put(struct core_out *out, const struct crash_report *r)
{
	struct body_fibers walk = { 0 };
	struct body_fiber fiber;
	int32_t crashed = THREAD_LOST;

	if (body_fiber_running(&r->body, &fiber))
		crashed = thread_of(&fiber);
	put_crashed(out, r, crashed);
	put_process(out, r);
	put_auxiliary(out, r);
	for (unsigned i = 0; i < THREADS_MAX && body_fiber_next(&r->body, &walk, &fiber); i++)
		if (thread_of(&fiber) != crashed)
			put_waiting(out, r, &fiber);
}
