/*
 * One virtual machine with one vcpu, on KVM.
 *
 * The vcpu's first state is ring 3 at the image's entry, with tables that were written beforehand: no
 * boot code runs in the guest at all. Ring 0 exists only as exception stubs: each pushes an error code
 * (where the CPU does not) and its vector number and reports by `out` to CALL_FAULT_PORT; it changes
 * no register, so the vcpu's registers and the frame on the exception stack are the crash dump.
 *
 * There is no interrupt controller, so nothing ever interrupts the body.
 */
#ifndef DIATOM_MONITOR_VCPU_H
#define DIATOM_MONITOR_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"
#include "host/monitor/layout.h"

struct vcpu {
	int vm, fd;
	struct kvm_run *run;
	uint32_t run_bytes;
	struct kvm_coalesced_mmio_ring *writes; /* register writes that did not exit; NULL: none */
	uint64_t tsc_khz;
	int64_t tsc_offset; /* the guest's TSC minus the host's */
};

/* What the CPU pushed for an exception, and the stub before it. */
struct exception_frame {
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/*
 * Makes the machine with its one memory slot, [0, layout->memory_bytes) at `memory`. Returns 0 or a
 * negative errno; `*what` then names the step that failed.
 */
int vcpu_open(struct vcpu *vcpu, const struct layout *layout, uint8_t *memory, unsigned devices,
	const char **what);

/* Writes descriptor tables and stubs to the layout's system pages. */
void vcpu_write_system(const struct layout *layout, uint8_t *memory);

/* Sets the registers of the first instruction. */
void vcpu_enter_at(struct vcpu *vcpu, const struct layout *layout, uint64_t entry);

/*
 * The vcpu stopped in an exception stub: its registers become the body's again, as they were at the
 * exception. Needs KVM_SYNC_X86_SREGS among run->kvm_valid_regs.
 */
void vcpu_leave_exception(struct vcpu *vcpu, const struct exception_frame *frame);

/* The frame that the last exception left on the exception stack. */
struct exception_frame vcpu_exception(const struct layout *layout, const uint8_t *memory);

/* What the CPU has, enum boot_cpu_feature. */
uint64_t vcpu_features(void);

/* Runs the guest until an exit: 0, or a negative errno (-EINTR: a signal came). */
int vcpu_run(struct vcpu *vcpu);

#endif
