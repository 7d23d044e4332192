/*
 * The sampler: a signal of timers comes `hz` times a second, and its handler copies the body's registers
 * and the top of its stack. Who the caller of whom is gets worked out later, in another process.
 *
 * The timer counts real time, for timers of CPU time are only as fine as the kernel's tick. So each
 * target blocks the signal while the body sleeps (ppoll's mask): one tick is then kept back, arrives
 * when the sleep ends, and says how many came with it. Nothing wakes up for being watched.
 *
 *     body runs      tick: sample                      its function is on top
 *     host works     tick: sample, as of the call      [monitor] or [kernel] is on top
 *     body sleeps    ticks are counted, no sample
 *
 * All of it runs in a signal handler: no allocation, no locks, no system calls.
 */
#ifndef DIATOM_HOST_OBSERVE_SAMPLER_H
#define DIATOM_HOST_OBSERVE_SAMPLER_H

#include <signal.h>
#include <stdint.h>

#include "abi/boot.h"
#include "host/crash/report.h"
#include "host/observe/observer.h"

#define SAMPLE_BYTES	   8192 /* of a slot */
#define SAMPLE_STACK_BYTES (SAMPLE_BYTES - 16 - sizeof(struct crash_registers))

enum sample_place {
	SAMPLE_BODY,
	SAMPLE_MONITOR, /* the monitor worked for the function that the registers are of */
	SAMPLE_KERNEL,	/* likewise Linux, in a process */
};

struct sample {
	uint32_t place; /* enum sample_place */
	uint32_t stack_bytes;
	struct crash_registers registers;
	uint64_t is_return; /* rip is a return address: the function was in a call to the host */
	uint8_t stack[SAMPLE_STACK_BYTES]; /* from rsp upwards; what is beyond stack_bytes is old */
};

/*
 * Installs the handler of the signal, with those flags beside SA_SIGINFO and SA_RESTART, and starts the
 * timers. 0 or a negative errno.
 *
 * Of two timers that take turns, one has been set before the other expires: the hardware's timer need
 * not be set a second time for a tick, which a hypervisor below would have to emulate. But a sleep then
 * ends with up to two signals, so a handler that tells sleeps apart by the signal takes one timer.
 */
int sampler_start(const struct observer *observer, unsigned timers,
	void (*handler)(int, siginfo_t *, void *), int flags);

/* A set of the sampler's signal, for ppoll; NULL without a sampler. */
const sigset_t *sampler_mask(void);

/* The ticks that came during a sleep, of which `info` is the last. */
void sampler_count_sleep(const siginfo_t *info);

/*
 * Adds a sample. `find` gives the address at which `bytes` of the body can be read here, or NULL.
 * `call_page` holds code of the host's that ends in `ret` and changes no register: from there, the
 * sample is moved to the caller.
 */
void sampler_take(const struct crash_registers *registers, enum sample_place place,
	const struct boot_memory *memory, uint64_t call_page,
	const void *(*find)(uint64_t address, uint64_t bytes));

_Static_assert(sizeof(struct sample) == SAMPLE_BYTES, "a sample fills its slot");

#endif
