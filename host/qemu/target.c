/* See target.h. QEMU's order of the registers is stub.h's, gdb's is host/gdb/registers.h's. */
#include "host/qemu/target.h"

#include <string.h>

#define LOWER_HALF (UINT64_C(1) << 47)
#define PAGE_SIZE  UINT64_C(4096)

static struct bridge *bridge_of(struct gdb_target *target)
{
	return (struct bridge *)(void *)target;
}

void target_load(struct bridge *d)
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

void target_load_stop(struct bridge *d, const struct world_stop *stop)
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

void target_store(struct bridge *d)
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

const struct gdb_target_ops target_ops = {
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read = read_memory,
	.write = write_memory,
	.set_debug = set_debug,
};
