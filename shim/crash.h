/*
 * The end of a body that did what it must not: a report as host/crash_report.h draws it, and exit code
 * 123 (122 when it ran out of memory).
 */
#ifndef DIATOM_SHIM_CRASH_H
#define DIATOM_SHIM_CRASH_H

#include <stdint.h>

/* Registers in the order in which entry.S pushes them, and what is above them on its stack. */
struct crash_frame {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t vector;
	uint64_t cpu[]; /* the error code, of exceptions that have one; rip cs rflags rsp ss */
};

/* Why a platform call was a crash; NULL: an exception was. */
extern const char *crash_why;
/* Its length; 0: it is NUL-ended, and the shim's own. */
extern uint64_t crash_why_length;

_Noreturn void crash_exception(const struct crash_frame *frame);

#endif
