/*
 * What the shim shows of its world to a host that has the machine's memory at hand (host/qemu).
 *
 *     physical SHIM_STATE_AT   struct shim_state; `tables` and `boot_info` are there from the mark
 *                              SHIM_STARTS on, the rest from the mark SHIM_CRASHED on
 *
 * The body can't write it. A host believes none of it all the same: what runs the machine may lie, or
 * may have been taken over by the body.
 */
#ifndef DIATOM_ABI_SHIM_STATE_H
#define DIATOM_ABI_SHIM_STATE_H

#include <stdint.h>

#define SHIM_STATE_AT	    0x10f000 /* between the shim's packed text and its text (shim/shim.ld) */
#define SHIM_HAS_ERROR_CODE 0x60227d00U /* a bit for each vector: 8, 10-14, 17, 21, 29, 30 */

struct shim_state {
	uint64_t tables;    /* physical: the page tables, cr3 */
	uint64_t boot_info; /* virtual, the body's */
	uint64_t frame;	    /* physical: struct shim_frame; the store of it comes first of all */
	uint64_t address;   /* cr2 */
	uint32_t thread[2]; /* FS base: its lower and its upper half */
	uint64_t why;	    /* physical: the reason, when a platform call was it; 0: an exception */
	uint64_t why_length; /* of the body's words; 0: the shim's own, NUL-ended */
};

/* Registers in the order in which shim/entry.S pushes them, and what is above them on its stack. */
struct shim_frame {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t vector;
	uint64_t cpu[]; /* the error code, of exceptions that have one; rip cs rflags rsp ss */
};

_Static_assert(sizeof(struct shim_state) == 56, "shim_state is a shared layout");
_Static_assert(sizeof(struct shim_frame) == 128, "shim_frame is a shared layout");

#endif
