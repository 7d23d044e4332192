/*
 * While the guest stands still for gdb, run->s.regs are its registers and nobody else's: an exception
 * is left first (vcpu_leave_exception), an exit is completed first (settle), and what gdb changes is
 * marked dirty.
 */
#include "host/monitor/debugger.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/gdb/link.h"
#include "host/monitor/signals.h"

#define TRAP_FLAG   UINT64_C(0x100)
#define LOWER_HALF  (UINT64_C(1) << 47)
#define EXIT_KILLED (128 + 9)

struct debugger {
	struct gdb_target target; /* first */
	struct guest *guest;
	struct gdb_link *link;
	/* A step was ended otherwise than by its trap, which KVM may deliver still. */
	bool is_trap_due;
};

static struct guest *guest_of(struct gdb_target *target)
{
	return ((struct debugger *)(void *)target)->guest;
}

/* --- registers --- */

/* The image of FXSAVE, from KVM's order. */
static void fxsave_from(uint8_t *fx, const struct kvm_fpu *fpu)
{
	memcpy(fx, &fpu->fcw, 2);
	memcpy(fx + 2, &fpu->fsw, 2);
	fx[4] = fpu->ftwx;
	memcpy(fx + 6, &fpu->last_opcode, 2);
	memcpy(fx + 8, &fpu->last_ip, 8);
	memcpy(fx + 16, &fpu->last_dp, 8);
	memcpy(fx + 24, &fpu->mxcsr, 4);
	memcpy(fx + 32, fpu->fpr, sizeof(fpu->fpr));
	memcpy(fx + 160, fpu->xmm, sizeof(fpu->xmm));
}

static void fxsave_to(const uint8_t *fx, struct kvm_fpu *fpu)
{
	memcpy(&fpu->fcw, fx, 2);
	memcpy(&fpu->fsw, fx + 2, 2);
	fpu->ftwx = fx[4];
	memcpy(&fpu->last_opcode, fx + 6, 2);
	memcpy(&fpu->last_ip, fx + 8, 8);
	memcpy(&fpu->last_dp, fx + 16, 8);
	memcpy(&fpu->mxcsr, fx + 24, 4);
	memcpy(fpu->fpr, fx + 32, sizeof(fpu->fpr));
	memcpy(fpu->xmm, fx + 160, sizeof(fpu->xmm));
}

/* gdb's order of the general registers. */
static void list_general(struct kvm_regs *r, __u64 *list[16])
{
	__u64 *const order[16] = { &r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi, &r->rbp,
		&r->rsp, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15 };

	memcpy(list, order, sizeof(order));
}

static void get_registers(struct gdb_target *target, struct gdb_registers *out)
{
	struct vcpu *vcpu = &guest_of(target)->vcpu;
	struct kvm_regs *r = &vcpu->run->s.regs.regs;
	const struct kvm_sregs *s = &vcpu->run->s.regs.sregs;
	uint8_t fx[GDB_FXSAVE_BYTES] = { 0 };
	struct kvm_fpu fpu = { 0 };
	__u64 *general[16];

	list_general(r, general);
	for (unsigned i = 0; i < 16; i++)
		out->general[i] = *general[i];
	out->rip = r->rip;
	out->eflags = (uint32_t)r->rflags;
	out->segments[GDB_CS] = s->cs.selector;
	out->segments[GDB_SS] = s->ss.selector;
	out->segments[GDB_DS] = s->ds.selector;
	out->segments[GDB_ES] = s->es.selector;
	out->segments[GDB_FS] = s->fs.selector;
	out->segments[GDB_GS] = s->gs.selector;
	(void)ioctl(vcpu->fd, KVM_GET_FPU, &fpu);
	fxsave_from(fx, &fpu);
	gdb_registers_from_fxsave(out, fx);
	out->orig_rax = UINT64_MAX;
	out->fs_base = s->fs.base;
	out->gs_base = s->gs.base;
}

/* KVM refuses, or worse takes, addresses that the CPU does not have. */
static uint64_t address_or(uint64_t wanted, uint64_t old)
{
	return wanted < LOWER_HALF ? wanted : old;
}

static void set_registers(struct gdb_target *target, const struct gdb_registers *in)
{
	struct vcpu *vcpu = &guest_of(target)->vcpu;
	struct kvm_regs *r = &vcpu->run->s.regs.regs;
	struct kvm_sregs *s = &vcpu->run->s.regs.sregs;
	uint8_t fx[GDB_FXSAVE_BYTES] = { 0 };
	struct kvm_fpu fpu = { 0 };
	__u64 *general[16];

	list_general(r, general);
	for (unsigned i = 0; i < 16; i++)
		*general[i] = in->general[i];
	r->rip = address_or(in->rip, r->rip);
	r->rflags = (r->rflags & ~(uint64_t)GDB_FLAGS_TO_SET) | (in->eflags & GDB_FLAGS_TO_SET);
	s->fs.base = address_or(in->fs_base, s->fs.base);
	s->gs.base = address_or(in->gs_base, s->gs.base);
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	gdb_registers_to_fxsave(in, fx);
	fxsave_to(fx, &fpu);
	(void)ioctl(vcpu->fd, KVM_SET_FPU, &fpu);
}

/* --- memory --- */

/* The host's address of the longest piece at `address` within one page; NULL: not the body's. */
static uint8_t *piece_at(struct guest *guest, uint64_t address, uint64_t *length)
{
	uint64_t left = PAGE_BYTES - address % PAGE_BYTES, physical;

	*length = *length < left ? *length : left;
	physical = layout_physical(&guest->layout, address, *length);
	return physical == UINT64_MAX ? NULL : guest->host + physical;
}

static uint64_t read_memory(
	struct gdb_target *target, uint64_t address, void *bytes, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t piece = length - done;
		const uint8_t *from = piece_at(guest_of(target), address + done, &piece);

		if (from == NULL)
			break;
		memcpy((uint8_t *)bytes + done, from, piece);
		done += piece;
	}
	return done;
}

static uint64_t write_memory(
	struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t piece = length - done;
		uint8_t *to = piece_at(guest_of(target), address + done, &piece);

		if (to == NULL)
			break;
		memcpy(to, (const uint8_t *)bytes + done, piece);
		done += piece;
	}
	return done;
}

static bool set_debug(struct gdb_target *target, const uint64_t *addresses, uint64_t control)
{
	return false;
}

static const struct gdb_target_ops ops = {
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read = read_memory,
	.write = write_memory,
	.set_debug = set_debug,
};

/* --- standing still and going on --- */

int debugger_start(struct guest *guest, const struct run_config *config)
{
	static struct debugger debugger;
	int code = gdb_link_accept(config->gdb, config);

	if (code != 0)
		return code;
	debugger = (struct debugger){ .target = { &ops }, .guest = guest, .link = config->gdb };
	gdb_server_init(&config->gdb->server, &debugger.target, guest->image, guest->boot);
	guest->debugger = &debugger;
	guest->vcpu.run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	return 0;
}

static struct gdb_server *server_of(const struct guest *guest)
{
	return &guest->debugger->link->server;
}

/* Completes the exit that was acted on, without running on. */
static void settle(struct guest *guest)
{
	struct kvm_run *run = guest->vcpu.run;

	__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_RELAXED);
	(void)vcpu_run(&guest->vcpu);
	signals_take(guest);
}

/* Serves gdb until the guest may go on or ended. A request to finish ends a guest that stands. */
static void stand(struct guest *guest)
{
	struct gdb_link *link = guest->debugger->link;
	struct pollfd polled = { .fd = link->fd, .events = POLLIN };

	gdb_link_flush(link);
	signals_wake();
	while (!guest->is_ended && link->server.state == GDB_STOPPED) {
		struct timespec *timeout;

		signals_take_input();
		gdb_link_serve(link);
		if (link->server.state != GDB_STOPPED)
			break;
		if (signals_wake())
			guest_end(guest, signals_exit_code());
		else if ((timeout = signals_arm(INT64_MAX)) != NULL)
			syscall(SYS_ppoll, &polled, 1, timeout, NULL, 0);
	}
	if (link->server.state == GDB_KILLED)
		guest_end(guest, EXIT_KILLED);
}

static void stop(struct guest *guest, enum gdb_stop_kind kind, enum gdb_signal signal)
{
	const struct gdb_stop stop = { .kind = kind, .signal = signal };

	gdb_server_stopped(server_of(guest), &stop);
	stand(guest);
}

static void set_trap_flag(struct vcpu *vcpu, bool is_set)
{
	struct kvm_regs *registers = &vcpu->run->s.regs.regs;

	if (((registers->rflags & TRAP_FLAG) != 0) == is_set)
		return;
	registers->rflags ^= TRAP_FLAG;
	vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

/* Ends a step whose trap has not come: the body never sees the flag, nor the trap. */
static void abandon_step(struct guest *guest)
{
	guest->debugger->is_trap_due |= (guest->vcpu.run->s.regs.regs.rflags & TRAP_FLAG) != 0;
	set_trap_flag(&guest->vcpu, false);
}

/* A signal ended the run within an exception stub: its report comes at once, and is waited for. */
static bool is_in_stub(const struct guest *guest)
{
	return guest->vcpu.run->s.regs.sregs.cs.dpl == 0;
}

/* The first time, the guest stands before its first instruction. */
bool debugger_turn(struct guest *guest)
{
	struct gdb_server *server;

	if (guest->debugger == NULL)
		return true;
	server = server_of(guest);
	if (server->state == GDB_DETACHED) {
		signals_take_input();
		return true;
	}
	if (is_in_stub(guest))
		return true;
	if (server->state == GDB_STOPPED)
		stand(guest);
	else if (signals_take_input())
		gdb_link_serve(guest->debugger->link);
	if (server->is_interrupted) {
		settle(guest);
		abandon_step(guest);
		stop(guest, GDB_STOP_SIGNAL, GDB_SIGNAL_INT);
	}
	if (server->state == GDB_STEPPING)
		set_trap_flag(&guest->vcpu, true);
	else
		abandon_step(guest);
	return !guest->is_ended;
}

void debugger_exited(struct guest *guest)
{
	unsigned reason = guest->vcpu.run->exit_reason;

	if (guest->debugger == NULL || guest->is_ended || server_of(guest)->state != GDB_STEPPING)
		return;
	if (reason != KVM_EXIT_MMIO &&
		(reason != KVM_EXIT_IO || guest->vcpu.run->io.port != CALL_PORT))
		return;
	settle(guest);
	abandon_step(guest);
	if (!guest->is_ended)
		stop(guest, GDB_STOP_STEP, GDB_SIGNAL_TRAP);
}

/* A fault: gdb may mend it and let the guest go on; with the signal, the guest crashes. */
static bool take_fault(struct guest *guest, uint64_t vector)
{
	enum gdb_stop_kind kind = vector == 3 ? GDB_STOP_BREAKPOINT : GDB_STOP_SIGNAL;

	stop(guest, kind, gdb_signal_of(vector));
	return guest->is_ended || server_of(guest)->resume_signal == 0;
}

bool debugger_exception(struct guest *guest)
{
	struct exception_frame frame;
	bool was_due;

	if (guest->debugger == NULL)
		return false;
	frame = vcpu_exception(&guest->layout, guest->host);
	was_due = guest->debugger->is_trap_due;
	guest->debugger->is_trap_due = false;
	if (server_of(guest)->state == GDB_DETACHED && (frame.vector != 1 || !was_due))
		return false;
	vcpu_leave_exception(&guest->vcpu, &frame);
	set_trap_flag(&guest->vcpu, false);
	if (frame.vector == 1 && server_of(guest)->state == GDB_STEPPING) {
		stop(guest, GDB_STOP_STEP, GDB_SIGNAL_TRAP);
		return true;
	}
	return (frame.vector == 1 && was_due) || take_fault(guest, frame.vector);
}

bool debugger_fatal(struct guest *guest)
{
	if (guest->debugger == NULL || server_of(guest)->state == GDB_DETACHED)
		return false;
	settle(guest);
	if (!guest->is_ended)
		stop(guest, GDB_STOP_SIGNAL, GDB_SIGNAL_ABRT);
	return guest->is_ended;
}

void debugger_end(struct guest *guest)
{
	if (guest->debugger == NULL)
		return;
	gdb_server_ended(server_of(guest), (unsigned)guest->exit_code, false);
	gdb_link_flush(guest->debugger->link);
}
