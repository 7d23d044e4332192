/*
 * The registers are the vcpu's; of rip, rsp and rflags the vcpu has those of the stub, and the body's
 * are in the frame that the CPU pushed on the exception stack, at a place that is known beforehand.
 */
#include "host/monitor/crash.h"

#include <string.h>
#include <sys/ioctl.h>

#include "host/crash/instruction.h"
#include "host/crash/report.h"
#include "host/monitor/debugger.h"

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
	instruction_explain(&report, text, sizeof(text));
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
