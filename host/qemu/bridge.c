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
#include "host/qemu/target.h"
#include "host/report.h"

#define FRAME_AT     (SHIM_STATE_AT + offsetof(struct shim_state, frame))
#define BOOT_INFO_AT (SHIM_STATE_AT + offsetof(struct shim_state, boot_info))
#define WHY_AT	     (SHIM_STATE_AT + offsetof(struct shim_state, why))
#define RING_MASK    3
#define BREAKPOINT   3

static struct gdb_server *server_of(struct bridge *d)
{
	return &d->link->server;
}

/* Where the call page's int3 goes on. */
static uint64_t return_of(const struct bridge *d)
{
	return d->world.boot.call + 1;
}

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
		target_store(d);
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
	target_load_stop(d, &stop);
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
	target_load(d);
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
	*d = (struct bridge){ .target = { &target_ops },
		.link = config->gdb,
		.stub = { .fd = stub },
		.memory = memory,
		.console = console };
	if (!boot(d, image)) {
		if (d->stub.is_gone && !d->stub.is_wrong)
			return 0;
		return bridge_complain(config);
	}
	target_load(d);
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
