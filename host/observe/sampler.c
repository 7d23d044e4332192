/*
 * One sampler a process. It writes to its ring and to struct observed, and knows no target.
 */
#define _GNU_SOURCE /* names of signal events */
#include "host/observe/sampler.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "host/observe/ring.h"

#define BILLION	  INT64_C(1000000000)
#define PAGE_SIZE UINT64_C(4096)

static struct {
	struct ring *ring; /* NULL: there is no sampler */
	struct observed *told;
	sigset_t mask;
} sampler;

/*
 * A little slower than asked for (0.3 %): a body that does the same every millisecond would else be seen
 * at the same place each time.
 */
static int64_t interval_ns(unsigned hz)
{
	return BILLION / hz + BILLION / hz * 3 / 1000;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ ns / BILLION, ns % BILLION };
}

int sampler_start(const struct observer *observer, unsigned timers,
	void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_RESTART | flags };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF };
	int64_t ns = interval_ns(observer->hz);

	sampler.ring = observer->samples;
	sampler.told = observer->told;
	sigemptyset(&sampler.mask);
	sigaddset(&sampler.mask, SIGPROF);
	/* No handler of ours runs inside it, and it inside none that may end the process. */
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGALRM);
	ring_fault_in(observer->samples);
	if (sigaction(SIGPROF, &action, NULL) != 0)
		return -errno;
	for (unsigned i = 1; i <= timers; i++) {
		struct itimerspec time = { timespec_of(timers * ns), timespec_of(i * ns) };
		timer_t timer;

		if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
			timer_settime(timer, 0, &time, NULL) != 0)
			return -errno;
	}
	return 0;
}

const sigset_t *sampler_mask(void)
{
	return sampler.ring != NULL ? &sampler.mask : NULL;
}

void sampler_count_sleep(const siginfo_t *info)
{
	uint64_t ticks = info->si_overrun > 0 ? (uint64_t)info->si_overrun + 1 : 1;

	sampler.told->ticks += ticks;
	sampler.told->ticks_asleep += ticks;
}

/* How far the stack that `rsp` is in goes on above it; 0: it is in none. */
static uint64_t stack_above(const struct boot_memory *memory, uint64_t rsp)
{
	uint64_t pitch = memory->stack_bytes + PAGE_SIZE, offset = rsp - memory->stacks;

	if (rsp - memory->main_stack < memory->main_stack_bytes)
		return memory->main_stack + memory->main_stack_bytes - rsp;
	if (memory->stacks == 0 || offset >= memory->stack_count * pitch ||
		offset % pitch < PAGE_SIZE)
		return 0;
	return pitch - offset % pitch;
}

/* From code that is `... ret` to its caller: what is left of it moves neither rsp nor what is saved. */
static bool leave_call(struct sample *sample)
{
	if (sample->stack_bytes < sizeof(uint64_t))
		return false;
	memcpy(&sample->registers.rip, sample->stack, sizeof(uint64_t));
	sample->registers.rsp += sizeof(uint64_t);
	sample->stack_bytes -= sizeof(uint64_t);
	memmove(sample->stack, sample->stack + sizeof(uint64_t), sample->stack_bytes);
	return true;
}

void sampler_take(const struct crash_registers *registers, enum sample_place place,
	const struct boot_memory *memory, uint64_t call_page,
	const void *(*find)(uint64_t address, uint64_t bytes))
{
	struct sample *sample = ring_slot(sampler.ring);
	uint64_t bytes = stack_above(memory, registers->rsp);
	const void *stack;

	sampler.told->ticks++;
	if (sample == NULL)
		return;
	if (bytes > SAMPLE_STACK_BYTES)
		bytes = SAMPLE_STACK_BYTES;
	stack = bytes > 0 ? find(registers->rsp, bytes) : NULL;
	sample->registers = *registers;
	sample->stack_bytes = stack != NULL ? (uint32_t)bytes : 0;
	if (stack != NULL)
		memcpy(sample->stack, stack, bytes);
	sample->place = place;
	sample->is_return = registers->rip - call_page < PAGE_SIZE && leave_call(sample);
	ring_publish(sampler.ring);
}
