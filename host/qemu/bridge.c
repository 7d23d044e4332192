/*
 * While the machine stands, `body` has the body's registers, whichever way it stopped; before it runs on,
 * what differs from the CPU's is written, which brings it back from the shim into the body.
 */
#include "host/qemu/bridge.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/call.h"
#include "host/report.h"

#define FRAME_AT     (SHIM_STATE_AT + offsetof(struct shim_state, frame))
#define BOOT_INFO_AT (SHIM_STATE_AT + offsetof(struct shim_state, boot_info))
#define WHY_AT	     (SHIM_STATE_AT + offsetof(struct shim_state, why))
#define PAGE_SIZE    UINT64_C(4096)
#define LOWER_HALF   (UINT64_C(1) << 47)
#define RING_MASK    3
#define BREAKPOINT   3

static struct bridge *bridge_of(struct gdb_target *target)
{
	return (struct bridge *)(void *)target;
}

static struct gdb_server *server_of(struct bridge *d)
{
	return &d->link->server;
}

/* Where the call page's int3 goes on. */
static uint64_t return_of(const struct bridge *d)
{
	return d->world.boot.call + 1;
}

/* --- registers --- */

static void body_from_cpu(struct bridge *d)
{
	const struct stub_registers *c = &d->cpu;
	struct gdb_registers *b = &d->body;

	*b = (struct gdb_registers){ .rip = c->rip,
		.eflags = c->eflags,
		.mxcsr = c->mxcsr,
		.orig_rax = UINT64_MAX,
		.fs_base = c->fs_base,
		.gs_base = c->gs_base };
	memcpy(b->general, c->general, sizeof(b->general));
	memcpy(b->segments, c->segments, sizeof(b->segments));
	memcpy(b->st, c->st, sizeof(b->st));
	memcpy(b->x87, c->x87, sizeof(b->x87));
	memcpy(b->xmm, c->xmm, sizeof(b->xmm));
}

/* The shim changes general registers and what the CPU changes for an exception; the rest is still there. */
static void body_from_stop(struct bridge *d, const struct world_stop *stop)
{
	const struct crash_registers *r = &stop->registers;
	const uint64_t general[16] = { r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp,
		r->rsp, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };

	memcpy(d->body.general, general, sizeof(general));
	d->body.rip = r->rip;
	d->body.eflags = (uint32_t)r->rflags;
	d->body.segments[GDB_CS] = stop->cs;
	d->body.segments[GDB_SS] = stop->ss;
}

/* The machine's registers become the body's. */
static void put_registers(struct bridge *d)
{
	struct stub_registers wanted = d->cpu;

	memcpy(wanted.general, d->body.general, sizeof(wanted.general));
	wanted.rip = d->body.rip;
	wanted.eflags = d->body.eflags;
	memcpy(wanted.segments, d->body.segments, sizeof(wanted.segments));
	wanted.fs_base = d->body.fs_base;
	wanted.gs_base = d->body.gs_base;
	memcpy(wanted.st, d->body.st, sizeof(wanted.st));
	memcpy(wanted.x87, d->body.x87, sizeof(wanted.x87));
	memcpy(wanted.xmm, d->body.xmm, sizeof(wanted.xmm));
	wanted.mxcsr = d->body.mxcsr;
	stub_write_registers(&d->stub, &d->cpu, &wanted);
}

static void get_registers(struct gdb_target *target, struct gdb_registers *registers)
{
	*registers = bridge_of(target)->body;
}

/* An address that the CPU doesn't have would be taken. */
static uint64_t address_or(uint64_t wanted, uint64_t old)
{
	return wanted < LOWER_HALF ? wanted : old;
}

static void set_registers(struct gdb_target *target, const struct gdb_registers *in)
{
	struct gdb_registers *b = &bridge_of(target)->body, old = *b;

	*b = *in;
	b->rip = address_or(in->rip, old.rip);
	b->eflags = (old.eflags & ~GDB_FLAGS_TO_SET) | (in->eflags & GDB_FLAGS_TO_SET);
	memcpy(b->segments, old.segments, sizeof(b->segments));
	b->orig_rax = old.orig_rax;
	b->fs_base = address_or(in->fs_base, old.fs_base);
	b->gs_base = address_or(in->gs_base, old.gs_base);
}

/* --- memory --- */

/* How much of it lies in the page that it begins in. */
static uint64_t piece_of(uint64_t address, uint64_t length)
{
	uint64_t left = PAGE_SIZE - address % PAGE_SIZE;

	return left < length ? left : length;
}

static uint64_t read_memory(
	struct gdb_target *target, uint64_t address, void *bytes, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t piece = piece_of(address + done, length - done);

		if (!memory_read_body(bridge_of(target)->memory, address + done,
			    (uint8_t *)bytes + done, piece))
			break;
		done += piece;
	}
	return done;
}

/* What can be read is the body's. */
static uint64_t write_memory(
	struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length)
{
	struct bridge *d = bridge_of(target);
	uint64_t done = 0;
	uint8_t byte;

	while (done < length) {
		uint64_t piece = piece_of(address + done, length - done);

		if (!memory_read_body(d->memory, address + done, &byte, 1) ||
			!stub_write(&d->stub, address + done, (const uint8_t *)bytes + done, piece))
			break;
		done += piece;
	}
	return done;
}

/* QEMU's watchpoints stand for debug registers (Intel SDM volume 3, 18.2.4: DR7). */
static void set_watches(struct bridge *d, bool is_set)
{
	static const uint8_t lengths[] = { 1, 2, 8, 4 };

	for (unsigned i = 0; i < GDB_DEBUG_REGISTERS; i++) {
		uint64_t how = d->control >> (16 + 4 * i);

		if ((d->control >> 2 * i & 1) != 0)
			stub_point(&d->stub, is_set, (how & 3) == 1 ? STUB_WRITE : STUB_ACCESS,
				d->watched[i], lengths[how >> 2 & 3]);
	}
}

static bool set_debug(struct gdb_target *target, const uint64_t *addresses, uint64_t control)
{
	struct bridge *d = bridge_of(target);

	set_watches(d, false);
	memcpy(d->watched, addresses, sizeof(d->watched));
	d->control = control;
	set_watches(d, true);
	return !d->stub.is_gone;
}

static const struct gdb_target_ops ops = {
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read = read_memory,
	.write = write_memory,
	.set_debug = set_debug,
};

/* --- going on --- */

static void set_return(struct bridge *d, bool is_set)
{
	if (d->has_return == is_set)
		return;
	d->has_return = is_set;
	stub_point(&d->stub, is_set, STUB_BREAK, return_of(d), 1);
}

static void go(struct bridge *d)
{
	const struct gdb_server *server = server_of(d);
	bool is_crash = d->place == AT_EXCEPTION && server->resume_signal != 0;

	if (d->place == AT_SHIM && server->state != GDB_DETACHED)
		set_return(d, true);
	if (d->place == AT_SHIM && server->is_interrupted)
		send(d->console, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (d->place != AT_SHIM && !is_crash)
		put_registers(d);
	if (d->place == AT_EXCEPTION && !is_crash) {
		const uint64_t none[2] = { 0 };

		stub_write(&d->stub, WHY_AT, none, sizeof(none));
	}
	stub_go(&d->stub, server->state == GDB_STEPPING && d->place != AT_SHIM && !is_crash);
	d->is_running = true;
}

/* gdb is gone. */
static void release(struct bridge *d)
{
	set_return(d, false);
	stub_point(&d->stub, false, STUB_WRITE, FRAME_AT, sizeof(uint64_t));
	go(d);
	d->is_released = true;
}

static void tell(struct bridge *d, enum gdb_stop_kind kind, enum gdb_signal signal, uint64_t dr6)
{
	const struct gdb_stop stop = { .kind = kind, .signal = signal, .dr6 = dr6 };

	gdb_server_stopped(server_of(d), &stop);
	gdb_link_flush(d->link);
}

/* Does what the server wants of a machine that stands. */
static void follow(struct bridge *d)
{
	struct gdb_server *server = server_of(d);

	if (server->is_interrupted && d->place == AT_BODY)
		tell(d, GDB_STOP_SIGNAL, GDB_SIGNAL_INT, 0);
	if (server->state == GDB_DETACHED)
		release(d);
	else if (server->state == GDB_RUNNING || server->state == GDB_STEPPING)
		go(d);
}

/* --- stops --- */

/* An int3 in the body's text is gdb's, or the body's own; in the call page it was a call that crashed. */
static void tell_exception(struct bridge *d)
{
	const struct shim_state *state = &d->world.state;
	struct world_stop stop;

	if (!memory_read(d->memory, SHIM_STATE_AT, &d->world.state, sizeof(d->world.state)) ||
		!world_read_stop(&d->world, d->memory, &stop)) {
		d->place = AT_SHIM; /* it crashed itself, and will say so */
		return;
	}
	body_from_stop(d, &stop);
	if (stop.vector == BREAKPOINT && d->body.rip != return_of(d))
		tell(d, GDB_STOP_BREAKPOINT, GDB_SIGNAL_TRAP, 0);
	else if (state->why != 0)
		tell(d, GDB_STOP_SIGNAL, GDB_SIGNAL_ABRT, 0);
	else
		tell(d, GDB_STOP_SIGNAL, gdb_signal_of(stop.vector), 0);
}

/* Which of the debug registers an address belongs to, as DR6 has it. */
static uint64_t hits_of(const struct bridge *d, uint64_t address)
{
	uint64_t hits = 0;

	for (unsigned i = 0; i < GDB_DEBUG_REGISTERS; i++)
		if ((d->control >> 2 * i & 1) != 0 && address - d->watched[i] < sizeof(uint64_t))
			hits |= UINT64_C(1) << i;
	return hits;
}

static void take_stop(struct bridge *d)
{
	struct stub_stop stop;

	d->is_running = false;
	if (!stub_take_stop(&d->stub, &stop) || !stub_read_registers(&d->stub, &d->cpu))
		return;
	body_from_cpu(d);
	d->place = (d->cpu.segments[GDB_CS] & RING_MASK) == RING_MASK ? AT_BODY : AT_SHIM;
	if (stop.is_watch && stop.address == FRAME_AT)
		d->place = AT_EXCEPTION;
	if (d->place != AT_SHIM)
		set_return(d, false);
	if (d->place == AT_EXCEPTION)
		tell_exception(d);
	else if (d->place == AT_BODY && stop.is_watch)
		tell(d, GDB_STOP_WATCH, GDB_SIGNAL_TRAP, hits_of(d, stop.address));
	else if (d->place == AT_BODY && server_of(d)->state == GDB_STEPPING)
		tell(d, GDB_STOP_STEP, GDB_SIGNAL_TRAP, 0);
}

/* --- start and end --- */

static bool run_to(struct bridge *d, enum stub_point kind, uint64_t address, uint64_t length)
{
	struct stub_stop stop;

	return stub_point(&d->stub, true, kind, address, length) && stub_go(&d->stub, false) &&
	       stub_take_stop(&d->stub, &stop) &&
	       stub_point(&d->stub, false, kind, address, length);
}

/* To the body's first instruction. The world is there once boot_info was stored. */
static bool boot(struct bridge *d, const struct image *image)
{
	struct gdb_words answer;

	/* QEMU writes single registers only to those who asked for their description. */
	stub_begin(&d->stub, "qXfer:features:read:target.xml:0,400");
	return stub_ask(&d->stub, &answer) &&
	       run_to(d, STUB_WRITE, BOOT_INFO_AT, sizeof(uint64_t)) &&
	       world_read(&d->world, d->memory, image) &&
	       run_to(d, STUB_BREAK, d->world.boot.memory.image + image->entry, 1) &&
	       stub_point(&d->stub, true, STUB_WRITE, FRAME_AT, sizeof(uint64_t)) &&
	       stub_read_registers(&d->stub, &d->cpu);
}

int bridge_complain(const struct run_config *config)
{
	return report_error(EXIT_INTERNAL, "debug it with --as vm or --as process",
		"%s: QEMU's gdb server does not do what it should", config->name);
}

/* INT and TERM, which the caller blocks, end the wait. */
static int wait_for_gdb(struct bridge *d, const struct run_config *config)
{
	sigset_t requests, before;
	int code;

	sigemptyset(&requests);
	sigaddset(&requests, SIGINT);
	sigaddset(&requests, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &requests, &before);
	code = gdb_link_accept(d->link, config);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

int bridge_start(struct bridge *d, const struct run_config *config, const struct image *image,
	struct memory *memory, int stub, int console)
{
	*d = (struct bridge){ .target = { &ops },
		.link = config->gdb,
		.stub = { .fd = stub },
		.memory = memory,
		.console = console };
	if (!boot(d, image)) {
		if (d->stub.is_gone && !d->stub.is_wrong)
			return 0;
		return bridge_complain(config);
	}
	body_from_cpu(d);
	gdb_server_init(&d->link->server, &d->target, image, &d->world.boot);
	return wait_for_gdb(d, config);
}

bool bridge_stands(const struct bridge *d)
{
	return !d->is_running && !d->is_released && !d->stub.is_gone;
}

int bridge_gdb(const struct bridge *d)
{
	return d->is_released || d->stub.is_gone ? -1 : d->link->fd;
}

int bridge_machine(const struct bridge *d)
{
	return d->is_running && !d->is_released && !d->stub.is_gone ? d->stub.fd : -1;
}

void bridge_turn(struct bridge *d, bool is_from_gdb)
{
	if (is_from_gdb && d->is_running)
		stub_interrupt(&d->stub);
	if (d->is_running)
		take_stop(d);
	if (is_from_gdb && !d->stub.is_gone)
		gdb_link_serve(d->link);
	if (!d->stub.is_gone)
		follow(d);
}

void bridge_end(struct bridge *d, int code)
{
	if (d->link->fd < 0)
		return;
	gdb_server_ended(server_of(d), (unsigned)code, false);
	gdb_link_flush(d->link);
}
