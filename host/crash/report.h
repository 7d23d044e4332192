/*
 * Crash reports: what a person reads when a body dies, the same for VM and process.
 *
 *     diatom: echo crashed: write to read-only image text
 *       address 0x7f12a4001a30, image+0x1a30 (image text)
 *       at      0x7f12a4003c41, image+0x3c41 (image text)
 *       rax 0000000000000000  rbx ...
 *       fiber   "probe" on fiber stack 0, 312 of 16,384 bytes in use
 *       #0  image+0x3c41  probe+0x31 (main.c:12)
 *       #1  image+0x2b10  fiber_enter+0x1f (core/fiber_life.c:40)
 *       log     info eth0: 10.0.0.2/24
 *       build   27068d291904185ca8f63f9a13f613f013e211d3
 *
 * Functions and lines come from the image's debug file. Without it there are places alone, and the
 * last line says which file would explain them: by the build id, `diatom symbolize` finds out later.
 *
 * Nothing here allocates or uses stdio: the process target calls it from a signal handler. All
 * values come from a body that may be hostile; they are printed, compared, never dereferenced.
 */
#ifndef DIATOM_HOST_CRASH_REPORT_H
#define DIATOM_HOST_CRASH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "host/body/body.h"
#include "host/debug/debug_file.h"

struct core_file;

struct crash_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	uint64_t fs; /* FS base: where thread variables are */
};

struct crash_report {
	const char *name; /* of the image */
	struct body body;
	int vector; /* x86 exception: 14 page fault, 13 general protection, ...; -1: none */
	uint64_t error_code; /* of the exception */
	uint64_t address;    /* page fault: cr2 */
	const char *why;     /* instead of a vector: the body's own words, or the host's */
	size_t why_length;
	struct crash_registers registers;
	struct debug_file *debug; /* opened, not yet read; NULL: none */
	struct core_file *core;	  /* where to leave a core file; NULL: nowhere */
};

/* Writes the report to standard error, and the core file. Returns EXIT_OUT_OF_MEMORY when `why` begins
 * with CRASH_OUT_OF_MEMORY, else EXIT_CRASHED. */
int crash_report_print(const struct crash_report *report);

#endif
