/*
 * A child that was stopped in ppoll makes that system call again when it goes on, by the kernel's look
 * at rax and orig_rax. When gdb moves rip (`jump`, or `call`, for whose time it keeps all registers),
 * that must not happen there: orig_rax becomes -1. gdb puts it back with the rest.
 */
#include "host/process/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define WORD	    sizeof(long)

#define DEBUG_AT(i) (offsetof(struct user, u_debugreg) + (i) * WORD)
#define PENDING_MAX 16 /* signals that are looked at */
#define DR_STATUS   6
#define DR_CONTROL  7
#define DR6_MATCHED 0xfU

_Static_assert(sizeof(struct user_fpregs_struct) == GDB_FXSAVE_BYTES, "PTRACE_GETFPREGS is FXSAVE");

static pid_t pid_of(struct gdb_target *target)
{
	return ((struct tracee *)(void *)target)->pid;
}

/* --- registers --- */

/* gdb's order of the general registers. */
static void list_general(struct user_regs_struct *r, unsigned long *list[16])
{
	unsigned long *const order[16] = { &r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi,
		&r->rbp, &r->rsp, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14,
		&r->r15 };

	memcpy(list, order, sizeof(order));
}

static void get_registers(struct gdb_target *target, struct gdb_registers *out)
{
	struct user_regs_struct r = { 0 };
	uint8_t fx[GDB_FXSAVE_BYTES] = { 0 };
	unsigned long *general[16];

	ptrace(PTRACE_GETREGS, pid_of(target), NULL, &r);
	ptrace(PTRACE_GETFPREGS, pid_of(target), NULL, fx);
	list_general(&r, general);
	for (unsigned i = 0; i < 16; i++)
		out->general[i] = *general[i];
	out->rip = r.rip;
	out->eflags = (uint32_t)r.eflags;
	out->segments[GDB_CS] = (uint32_t)r.cs;
	out->segments[GDB_SS] = (uint32_t)r.ss;
	out->segments[GDB_DS] = (uint32_t)r.ds;
	out->segments[GDB_ES] = (uint32_t)r.es;
	out->segments[GDB_FS] = (uint32_t)r.fs;
	out->segments[GDB_GS] = (uint32_t)r.gs;
	gdb_registers_from_fxsave(out, fx);
	out->orig_rax = r.orig_rax;
	out->fs_base = r.fs_base;
	out->gs_base = r.gs_base;
}

static void set_registers(struct gdb_target *target, const struct gdb_registers *in)
{
	struct user_regs_struct r = { 0 };
	uint8_t fx[GDB_FXSAVE_BYTES] = { 0 };
	unsigned long *general[16];

	ptrace(PTRACE_GETREGS, pid_of(target), NULL, &r);
	ptrace(PTRACE_GETFPREGS, pid_of(target), NULL, fx);
	list_general(&r, general);
	for (unsigned i = 0; i < 16; i++)
		*general[i] = in->general[i];
	/* gdb that writes orig_rax itself knows best. */
	r.orig_rax = in->orig_rax != r.orig_rax || in->rip == r.rip ? in->orig_rax : UINT64_MAX;
	r.rip = in->rip;
	r.eflags = (r.eflags & ~(unsigned long)GDB_FLAGS_TO_SET) | (in->eflags & GDB_FLAGS_TO_SET);
	r.fs_base = in->fs_base;
	r.gs_base = in->gs_base;
	gdb_registers_to_fxsave(in, fx);
	ptrace(PTRACE_SETREGS, pid_of(target), NULL, &r);
	ptrace(PTRACE_SETFPREGS, pid_of(target), NULL, fx);
}

/* --- memory: words at multiples of eight, which no page boundary cuts --- */

static bool peek(pid_t pid, uint64_t address, long *out)
{
	errno = 0;
	*out = ptrace(PTRACE_PEEKDATA, pid, (void *)address, NULL);
	return errno == 0;
}

/* How many of `left` bytes lie in the word at `address`. */
static uint64_t piece_of(uint64_t address, uint64_t left)
{
	uint64_t piece = WORD - address % WORD;

	return piece < left ? piece : left;
}

static uint64_t read_memory(
	struct gdb_target *target, uint64_t address, void *bytes, uint64_t length)
{
	uint64_t done = 0;
	long memory;

	while (done < length) {
		uint64_t at = address + done, piece = piece_of(at, length - done);

		if (!peek(pid_of(target), at - at % WORD, &memory))
			break;
		memcpy((uint8_t *)bytes + done, (const uint8_t *)&memory + at % WORD, piece);
		done += piece;
	}
	return done;
}

static uint64_t write_memory(
	struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length)
{
	uint64_t done = 0;
	long memory;

	while (done < length) {
		uint64_t at = address + done, piece = piece_of(at, length - done);

		if (!peek(pid_of(target), at - at % WORD, &memory))
			break;
		memcpy((uint8_t *)&memory + at % WORD, (const uint8_t *)bytes + done, piece);
		if (ptrace(PTRACE_POKEDATA, pid_of(target), (void *)(at - at % WORD),
			    (void *)memory) != 0)
			break;
		done += piece;
	}
	return done;
}

/* --- debug registers --- */

static bool set_debug_register(pid_t pid, unsigned number, uint64_t value)
{
	return ptrace(PTRACE_POKEUSER, pid, (void *)DEBUG_AT(number), (void *)value) == 0;
}

static bool set_debug(struct gdb_target *target, const uint64_t *addresses, uint64_t control)
{
	pid_t pid = pid_of(target);
	bool is_good = set_debug_register(pid, DR_CONTROL, 0);

	for (unsigned i = 0; i < GDB_DEBUG_REGISTERS && is_good; i++)
		is_good = set_debug_register(pid, i, addresses[i]);
	is_good = is_good && set_debug_register(pid, DR_CONTROL, control);
	if (!is_good)
		(void)set_debug_register(pid, DR_CONTROL, 0);
	return is_good;
}

uint64_t tracee_take_dr6(struct tracee *tracee)
{
	long status;

	errno = 0;
	status = ptrace(PTRACE_PEEKUSER, tracee->pid, (void *)DEBUG_AT(DR_STATUS), NULL);
	if (errno != 0 || ((uint64_t)status & DR6_MATCHED) == 0)
		return 0;
	(void)set_debug_register(tracee->pid, DR_STATUS, 0);
	return (uint64_t)status & DR6_MATCHED;
}

bool tracee_has_trap(const struct tracee *tracee)
{
	struct __ptrace_peeksiginfo_args which = { .nr = PENDING_MAX };
	siginfo_t pending[PENDING_MAX];
	long count = ptrace(PTRACE_PEEKSIGINFO, tracee->pid, &which, pending);

	for (long i = 0; i < count; i++)
		if (pending[i].si_signo == SIGTRAP && pending[i].si_code > 0)
			return true;
	return false;
}

static const struct gdb_target_ops ops = {
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read = read_memory,
	.write = write_memory,
	.set_debug = set_debug,
};

void tracee_init(struct tracee *tracee)
{
	tracee->target.ops = &ops;
}
