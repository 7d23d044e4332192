/*
 * Crash reports: what a person reads when a body dies, the same for VM and process.
 *
 *     diatom: echo crashed: write to read-only image text (page fault)
 *       address 0x7f12a4001a30, image+0x1a30 (text)
 *       at      0x7f12a4003c41, image+0x3c41 (text)
 *       rax 0000000000000000  rbx ...
 *       stack   image+0x3c41 image+0x2b10 ...                 (words that point into the text)
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

struct image;

struct crash_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
};

struct crash_report {
	const char *name; /* of the image */
	const struct image *image;
	const struct boot_info *boot; /* the host's own copy: where heap, stacks and image lie */
	int vector; /* x86 exception: 14 page fault, 13 general protection, ...; -1: none */
	uint64_t error_code; /* of the exception */
	uint64_t address;    /* page fault: cr2 */
	const char *why;     /* instead of a vector: the body's own words, or the host's */
	size_t why_length;
	struct crash_registers registers;
	/* Reads 8 bytes of the body's memory; false if there are none. NULL: no stack is shown. */
	bool (*read_word)(void *self, uint64_t address, uint64_t *word);
	void *self;
};

/* Writes the report to standard error. Returns EXIT_OUT_OF_MEMORY when `why` begins with
 * CRASH_OUT_OF_MEMORY, else EXIT_CRASHED. */
int crash_report_print(const struct crash_report *report);

#endif
