/*
 * The handler finds the body's thread pointer, puts the loader's in its place while it works, and the
 * body's back: unlike the handlers of traps.c it returns to the body every time.
 */
#define _GNU_SOURCE /* names of registers in ucontext */
#include "host/process/ticks.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "host/observe/sampler.h"
#include "host/process/traps.h"

#define SYSCALL_BYTES 2 /* of the instruction */

static struct {
	const struct boot_info *boot;
	uint64_t stub, stub_return;
	uint64_t thread; /* the loader's FS base */
} ticks;

/* The process reads its own memory; that it is a stack's was checked. */
static const void *find(uint64_t address, uint64_t bytes)
{
	return (const void *)address;
}

/* Back into ppoll, deaf to ticks. */
static void sleep_on(greg_t *g)
{
	g[REG_RAX] = SYS_ppoll;
	g[REG_R10] = (greg_t)sampler_mask();
	g[REG_R8] = _NSIG / 8;
	g[REG_RIP] -= SYSCALL_BYTES;
}

static void take_tick(const siginfo_t *info, ucontext_t *context)
{
	greg_t *g = context->uc_mcontext.gregs;
	bool is_behind_call = (uint64_t)g[REG_RIP] == ticks.stub_return;
	struct crash_registers registers;

	if (is_behind_call && g[REG_R10] == (greg_t)sampler_mask()) {
		g[REG_R10] = 0; /* this sleep is over */
		sampler_count_sleep(info);
	} else if (is_behind_call && g[REG_RAX] == -EINTR) {
		sleep_on(g);
		sampler_count_sleep(info);
	} else {
		registers = traps_registers(&context->uc_mcontext);
		sampler_take(&registers, is_behind_call ? SAMPLE_KERNEL : SAMPLE_BODY,
			&ticks.boot->memory, ticks.stub, find);
	}
}

static ON_BODY_THREAD void on_tick(int number, siginfo_t *info, void *context)
{
	uint64_t thread = traps_thread();

	traps_set_thread(ticks.thread);
	take_tick(info, context);
	traps_set_thread(thread);
}

int ticks_start(const struct run_config *config, const struct space *space)
{
	ticks.boot = space->boot;
	ticks.stub = space->stub;
	ticks.stub_return = space->stub + SPACE_STUB_RETURN;
	ticks.thread = traps_thread();
	return sampler_start(config->observer, 1, on_tick, SA_ONSTACK);
}
