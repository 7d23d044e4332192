/*
 * Platform calls: the only ways out of a body.
 *
 * Monitor and shim: call the address boot_info.call with
 *
 *     edi = number, rsi = first argument, rdx = second argument
 *
 * It returns with every register but rax as it was; rax is undefined. The stub behind it is host
 * code, mapped R-X: on the monitor `mov %edi,%eax; out %eax,$CALL_PORT; ret`, on the shim
 * `int3; ret`. A call that is not in this list, or whose memory is not the body's, is a crash.
 *
 * Process: there is no such stub; plat/process.c makes the same calls out of system calls. It calls
 * boot_info.syscall with the number in rax and arguments in rdi, rsi, rdx, r10, r8, r9 as Linux has
 * it; the stub is `syscall; ret`, and the only place from which the seccomp filter accepts one.
 * CALL_CRASH is system call PROCESS_CRASH, which Linux does not have: the filter turns it into a
 * signal of the loader's, which prints the report.
 */
#ifndef DIATOM_ABI_CALL_H
#define DIATOM_ABI_CALL_H

enum platform_call {
	/*
	 * Serve devices, then wait until a device has news, finish_requested grows, or the body's
	 * monotonic clock reaches the instant in rsi (signed ns; INT64_MIN: don't wait, INT64_MAX:
	 * no deadline). May return early; never later than it must.
	 */
	CALL_SLEEP = 0,
	/* End with the low 8 bits of rsi as exit code. Pending transmissions are sent first. */
	CALL_EXIT = 1,
	/* Write rdx bytes at rsi to the console (the host's standard output). */
	CALL_CONSOLE = 2,
	/* End with a crash report; rsi, rdx: a text that says why, at most 1024 bytes are shown. */
	CALL_CRASH = 3,

	/*
	 * Shim only; abi/device.h has the picture.
	 *
	 * BEGIN: rsi: the device's place in boot_info.devices; rdx: features wanted. Resets it and
	 * agrees on those of them that it offers, and on VERSION_1.
	 * QUEUE: rsi: DEVICE_QUEUE(device, queue) | size << 16; rdx: address in the heap of the body's
	 * descriptor table, aligned to 16, with its available ring right behind. A power of two, at
	 * most what the window says. Its used ring is zeroed.
	 * START: rsi: the device's place. It is live.
	 * SUBMIT: rsi: DEVICE_QUEUE(device, queue); rdx: the available index. The device gets the
	 * chains up to it.
	 */
	CALL_DEVICE_BEGIN = 4,
	CALL_DEVICE_QUEUE = 5,
	CALL_DEVICE_START = 6,
	CALL_DEVICE_SUBMIT = 7,
	/* Shim only, with BOOT_CPU_NO_FSGSBASE: the thread pointer (fs base) becomes rsi. */
	CALL_THREAD = 8,
};

#define CALL_PORT	0xf0 /* platform calls (monitor) */
#define CALL_FAULT_PORT 0xf8 /* the exception stubs' report, after pushing the vector number */

#define PROCESS_CRASH	0xd1a70 /* rdi, rsi: the text that says why */

/* Exit codes of `diatom run` that are not main's. */
enum diatom_exit {
	EXIT_USAGE = 2,	       /* the command line is wrong */
	EXIT_REFUSED = 120,    /* the image or its manifest was refused, or a device is not given */
	EXIT_HOST_LACKS = 121, /* the host lacks a feature: KVM, tap, permission */
	EXIT_OUT_OF_MEMORY = 122, /* the body ran out of memory, or the host has too little */
	EXIT_CRASHED = 123,	  /* the body crashed; the report is on standard error */
	EXIT_TIMED_OUT = 124,	  /* --timeout passed */
	EXIT_INTERNAL = 125,	  /* a bug in diatom itself */
};

/* The body says CALL_CRASH with this prefix when memory ended; the host exits EXIT_OUT_OF_MEMORY. */
#define CRASH_OUT_OF_MEMORY "out of memory"

#endif
