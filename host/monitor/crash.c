/*
 * The registers are the vcpu's; of rip, rsp and rflags the vcpu has those of the stub, and the body's
 * are in the frame that the CPU pushed on the exception stack, at a place that is known beforehand.
 */
#include "host/monitor/crash.h"

#include <string.h>
#include <sys/ioctl.h>

#include "host/crash/report.h"
#include "host/monitor/debugger.h"
#include "host/monitor/instruction.h"

#define INSTRUCTION_BYTES  15
#define GENERAL_PROTECTION 13
#define UNDEFINED_OPCODE   6

static bool read_body(void *self, uint64_t address, void *to, size_t bytes)
{
	struct guest *guest = self;
	uint64_t physical = layout_physical(&guest->layout, address, bytes);

	if (physical == UINT64_MAX)
		return false;
	memcpy(to, guest->host + physical, bytes);
	return true;
}

struct crash_registers crash_registers_of(const struct kvm_regs *r)
{
	return (struct crash_registers){
		.rax = r->rax,
		.rbx = r->rbx,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rbp = r->rbp,
		.rsp = r->rsp,
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rip = r->rip,
		.rflags = r->rflags,
	};
}

static struct crash_report report_of(struct guest *guest)
{
	return (struct crash_report){
		.name = guest->name,
		.body = { guest->image, guest->boot, read_body, guest },
		.vector = -1,
		.registers = crash_registers_of(&guest->vcpu.run->s.regs.regs),
		.debug = guest->debug,
		.core = guest->core,
	};
}

/* The CPU says "general protection"; the instruction says which. An undefined opcode may be one, too,
 * where the hypervisor makes it so. */
static void name_instruction(
	struct guest *guest, struct crash_report *report, char *text, size_t room)
{
	uint64_t physical = layout_physical(&guest->layout, report->registers.rip, 1);
	size_t length = INSTRUCTION_BYTES;

	if (report->vector != GENERAL_PROTECTION && report->vector != UNDEFINED_OPCODE)
		return;
	/* An instruction at the end of a region is shorter than the longest. */
	while (length > 0 &&
		layout_physical(&guest->layout, report->registers.rip, length) == UINT64_MAX)
		length--;
	if (physical == UINT64_MAX || length == 0)
		return;
	instruction_describe(
		text, room, guest->host + physical, length, (uint16_t)report->registers.rdx);
	if (text[0] != '\0') {
		report->why = text;
		report->why_length = strlen(text);
	}
}

void crash_exception(struct guest *guest)
{
	struct crash_report report = report_of(guest);
	struct exception_frame frame = vcpu_exception(&guest->layout, guest->host);
	struct kvm_sregs sregs;
	char text[96] = "";

	report.vector = (int)(frame.vector & 0xff);
	report.error_code = frame.error;
	report.registers.rip = frame.rip;
	report.registers.rsp = frame.rsp;
	report.registers.rflags = frame.rflags;
	if (ioctl(guest->vcpu.fd, KVM_GET_SREGS, &sregs) == 0) {
		report.address = sregs.cr2;
		report.registers.fs = sregs.fs.base;
	}
	name_instruction(guest, &report, text, sizeof(text));
	guest_end(guest, crash_report_print(&report));
}

void crash_call(struct guest *guest, const char *why)
{
	crash_told(guest, why);
}

void crash_told(struct guest *guest, const char *why)
{
	struct crash_report report;
	struct kvm_sregs sregs;

	if (debugger_fatal(guest))
		return;
	report = report_of(guest);
	report.why = why;
	report.why_length = strlen(why);
	if (ioctl(guest->vcpu.fd, KVM_GET_SREGS, &sregs) == 0)
		report.registers.fs = sregs.fs.base;
	guest_end(guest, crash_report_print(&report));
}
