/*
 * What a handler is given may be made up by a hostile body: the worst that a report can do is to
 * fault on its own reading, which ends in a shorter report.
 */
#define _GNU_SOURCE /* names of registers in ucontext */
#include "host/process/traps.h"

#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "host/crash/instruction.h"
#include "host/crash/report.h"
#include "host/image/image.h"
#include "host/observe/observer.h"
#include "host/process/names.h"
#include "host/process/ticks.h"
#include "host/report.h"

#define SIGNAL_STACK_BYTES 65536
#define PAGE_SIZE	   4096
#define VECTOR_NONE	   (-1)
#define ALIGNMENT_CHECK	   UINT64_C(0x40000) /* flag AC */
#define VECTOR_INVALID	   6
#define VECTOR_PROTECTION  13
#define INSTRUCTION_BYTES  15
#define CRASH_TEXT_MAX	   1024

static struct {
	const struct run_config *config;
	const struct image *image;
	const struct boot_info *boot;
	struct boot_host_page *page;
	uint64_t stub_return;
	uint64_t thread; /* the loader's FS base */
	volatile uint32_t requests;
	uint64_t body_thread; /* the body's FS base when it crashed */
	volatile sig_atomic_t is_reporting, is_reading;
	jmp_buf reading; /* where to go on when the body's memory can't be read */
} traps;

static uint8_t signal_stack[SIGNAL_STACK_BYTES] __attribute__((aligned(64)));

/* The body's thread pointer goes (the first one is kept for the report), and its wish to trap unaligned accesses, which the kernel leaves. */
static inline void restore_thread(void)
{
	uint64_t current = traps_thread();

	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~ALIGNMENT_CHECK);
	if (!traps.is_reporting)
		traps.body_thread = current;
	traps_set_thread(traps.thread);
}

/* Not _exit: exit_group is what the filter hands to us. */
static _Noreturn void leave(int code)
{
	for (;;)
		syscall(SYS_exit, code);
}

struct crash_registers traps_registers(const mcontext_t *m)
{
	const greg_t *g = m->gregs;

	return (struct crash_registers){
		.rax = (uint64_t)g[REG_RAX],
		.rbx = (uint64_t)g[REG_RBX],
		.rcx = (uint64_t)g[REG_RCX],
		.rdx = (uint64_t)g[REG_RDX],
		.rsi = (uint64_t)g[REG_RSI],
		.rdi = (uint64_t)g[REG_RDI],
		.rbp = (uint64_t)g[REG_RBP],
		.rsp = (uint64_t)g[REG_RSP],
		.r8 = (uint64_t)g[REG_R8],
		.r9 = (uint64_t)g[REG_R9],
		.r10 = (uint64_t)g[REG_R10],
		.r11 = (uint64_t)g[REG_R11],
		.r12 = (uint64_t)g[REG_R12],
		.r13 = (uint64_t)g[REG_R13],
		.r14 = (uint64_t)g[REG_R14],
		.r15 = (uint64_t)g[REG_R15],
		.rip = (uint64_t)g[REG_RIP],
		.rflags = (uint64_t)g[REG_EFL],
		.fs = traps.body_thread,
	};
}

static bool is_within(uint64_t address, uint64_t bytes, uint64_t start, uint64_t length)
{
	return address >= start && address - start <= length && bytes <= length - (address - start);
}

static bool is_in_image(uint64_t address, uint64_t bytes)
{
	for (unsigned i = 0; i < traps.image->region_count; i++) {
		const struct image_region *r = &traps.image->regions[i];

		if (is_within(address, bytes, traps.boot->memory.image + r->virtual, r->bytes))
			return true;
	}
	return false;
}

static bool is_in_blob(uint64_t address, uint64_t bytes)
{
	for (unsigned i = 0; i < traps.boot->blob_count; i++) {
		const struct boot_blob *blob = &traps.boot->blobs[i];
		uint64_t length = (blob->length + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);

		if (is_within(address, bytes, blob->address, length))
			return true;
	}
	return false;
}

/* Whole in a region that the body has, and not in a guard. */
static bool is_body(uint64_t address, uint64_t bytes)
{
	const struct boot_memory *m = &traps.boot->memory;
	uint64_t pitch = m->stack_bytes + PAGE_SIZE, within;

	if (is_in_image(address, bytes) || is_in_blob(address, bytes) ||
		is_within(address, bytes, m->main_stack, m->main_stack_bytes) ||
		is_within(address, bytes, m->heap, m->heap_bytes) ||
		/* boot info, arguments, stub, host page */
		is_within(address, bytes, (uint64_t)traps.boot,
			(uint64_t)traps.page + PAGE_SIZE - (uint64_t)traps.boot))
		return true;
	if (m->stacks == 0 || !is_within(address, bytes, m->stacks, m->stack_count * pitch))
		return false;
	within = (address - m->stacks) % pitch;
	return within >= PAGE_SIZE && bytes <= pitch - within;
}

/* The body may have taken the rights from any page of its own: then we fault, and come back here. */
static bool read_body(void *self, uint64_t address, void *to, size_t bytes)
{
	bool is_read = false;

	if (!is_body(address, bytes))
		return false;
	if (setjmp(traps.reading) == 0) {
		traps.is_reading = 1;
		memcpy(to, (const void *)address, bytes);
		is_read = true;
	}
	traps.is_reading = 0;
	return is_read;
}

static struct crash_report report_of(const ucontext_t *context)
{
	return (struct crash_report){
		.name = traps.config->name,
		.body = { traps.image, traps.boot, read_body, NULL },
		.vector = VECTOR_NONE,
		.registers = traps_registers(&context->uc_mcontext),
		.debug = traps.config->debug,
		.core = traps.config->core,
	};
}

/* A fault of ours while reporting: the body's memory is not what it says. */
static void end_if_reporting(void)
{
	if (traps.is_reporting) {
		report_error(EXIT_CRASHED, NULL, "%s crashed, and its memory can't be read",
			traps.config->name);
		leave(EXIT_CRASHED);
	}
	traps.is_reporting = 1;
}

static _Noreturn void end_with_words(const ucontext_t *context, const char *why, size_t length)
{
	struct crash_report report = report_of(context);

	report.why = why;
	report.why_length = length;
	leave(crash_report_print(&report));
}

/* How many bytes of an instruction can be read at `address`: those of the image's text. */
static size_t code_length(uint64_t address)
{
	for (unsigned i = 0; i < traps.image->region_count; i++) {
		const struct image_region *r = &traps.image->regions[i];
		uint64_t start = traps.boot->memory.image + r->virtual;

		if ((r->rights & IMAGE_EXECUTE) != 0 && address - start < r->bytes)
			return r->bytes - (address - start) < INSTRUCTION_BYTES
				       ? r->bytes - (address - start)
				       : INSTRUCTION_BYTES;
	}
	return 0;
}

static _Noreturn void end_by_fault(int number, const siginfo_t *info, const ucontext_t *context)
{
	struct crash_report report = report_of(context);
	const greg_t *g = context->uc_mcontext.gregs;
	uint64_t rip = (uint64_t)g[REG_RIP];
	char why[96] = "";

	if (info->si_code <= 0)
		snprintf(why, sizeof(why), "signal %d was sent to it", number);
	else if ((g[REG_TRAPNO] == VECTOR_PROTECTION || g[REG_TRAPNO] == VECTOR_INVALID) &&
		 code_length(rip) > 0)
		instruction_describe(why, sizeof(why), (const uint8_t *)rip, code_length(rip),
			(uint16_t)g[REG_RDX]);
	if (info->si_code > 0)
		report.vector = (int)g[REG_TRAPNO];
	report.error_code = (uint64_t)g[REG_ERR];
	report.address = (uint64_t)g[REG_CR2];
	if (why[0] != '\0') {
		report.why = why;
		report.why_length = strlen(why);
	}
	leave(crash_report_print(&report));
}

static _Noreturn void end_by_its_words(const ucontext_t *context, uint64_t address, uint64_t length)
{
	static char words[CRASH_TEXT_MAX];
	size_t shown = length < sizeof(words) ? length : sizeof(words);

	if (read_body(NULL, address, words, shown))
		end_with_words(context, words, shown);
	snprintf(words, sizeof(words), "%s", "platform call with memory that is not the body's");
	end_with_words(context, words, strlen(words));
}

static _Noreturn void end_by_call(const siginfo_t *info, const ucontext_t *context)
{
	const greg_t *g = context->uc_mcontext.gregs;
	bool is_stub = (uint64_t)info->si_call_addr == traps.stub_return;
	bool is_64 = info->si_arch == AUDIT_ARCH_X86_64;
	char why[96];

	if (is_stub && is_64 && info->si_syscall == PROCESS_CRASH)
		end_by_its_words(context, (uint64_t)g[REG_RDI], (uint64_t)g[REG_RSI]);
	if (is_stub && is_64 && info->si_syscall == SYS_exit_group) {
		int code = (int)g[REG_RDI] & 0xff;

		run_announce_end(traps.config, code);
		leave(code);
	}
	snprintf(why, sizeof(why), "system call %d (%s) is not allowed%s", info->si_syscall,
		process_call_name((unsigned)info->si_syscall), is_stub ? "" : " from there");
	end_with_words(context, why, strlen(why));
}

static ON_BODY_THREAD void on_fault(int number, siginfo_t *info, void *context)
{
	restore_thread();
	if (traps.is_reading)
		longjmp(traps.reading, 1);
	end_if_reporting();
	end_by_fault(number, info, context);
}

static ON_BODY_THREAD void on_call(int number, siginfo_t *info, void *context)
{
	restore_thread();
	end_if_reporting();
	end_by_call(info, context);
}

static _Noreturn void end_by_request(int number)
{
	run_announce_end(traps.config, 128 + number);
	leave(128 + number);
}

static ON_BODY_THREAD void on_request(int number, siginfo_t *info, void *context)
{
	traps.requests++;
	traps.page->finish_requested = traps.requests;
	/* The body may be about to sleep: see struct boot_host_page. */
	traps.page->sleep_seconds = 0;
	traps.page->sleep_nanoseconds = 0;
	if (traps.requests < 2)
		return;
	restore_thread();
	end_by_request(number);
}

static _Noreturn void end_by_time(void)
{
	run_announce_timeout(traps.config);
	leave(EXIT_TIMED_OUT);
}

static ON_BODY_THREAD void on_time(int number, siginfo_t *info, void *context)
{
	restore_thread();
	end_by_time();
}

/* A helper that carries the network ended, and has said why unless it was killed. */
static ON_BODY_THREAD void on_child(int number, siginfo_t *info, void *context)
{
	if (traps.requests > 0)
		return;
	restore_thread();
	if (info->si_code != CLD_EXITED)
		run_announce_orphan(traps.config, info->si_status);
	leave(EXIT_HOST_LACKS);
}

static int handle(int number, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_sigaction = handler,
		/* NODEFER: a fault while reporting a fault comes here again. */
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_NOCLDSTOP };

	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGALRM);
	return sigaction(number, &action, NULL) == 0 ? 0 : -errno;
}

static int watch_helpers(void)
{
	siginfo_t ended = { 0 };
	int result = handle(SIGCHLD, on_child);

	/* It may have ended before. */
	if (result == 0 && waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		ended.si_pid != 0)
		on_child(SIGCHLD, &ended, NULL);
	return result;
}

/* A hostile body may block ALRM by a signal return of its making, but not KILL, a second later. */
static int start_timer(int64_t left_ns)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec grace = { .it_value = {
					    left_ns / 1000000000 + 1, left_ns % 1000000000 } };
	struct itimerval limit;
	timer_t last;

	if (left_ns < 1000)
		left_ns = 1000; /* zero would mean never */
	limit = (struct itimerval){ .it_value = {
					    left_ns / 1000000000, left_ns % 1000000000 / 1000 } };
	if (setitimer(ITIMER_REAL, &limit, NULL) != 0 ||
		timer_create(CLOCK_MONOTONIC, &kill, &last) != 0 ||
		timer_settime(last, 0, &grace, NULL) != 0)
		return -errno;
	return 0;
}

int traps_start(
	const struct space *space, const struct run_config *config, const struct image *image)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	int result = sigaltstack(&stack, NULL) == 0 ? 0 : -errno;

	traps.config = config;
	traps.image = image;
	traps.boot = space->boot;
	traps.page = space->page;
	traps.stub_return = space->stub + SPACE_STUB_RETURN;
	traps.thread = traps_thread();
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]) && result == 0; i++)
		result = handle(faults[i], on_fault);
	if (result == 0)
		result = handle(SIGSYS, on_call);
	if (result == 0)
		result = handle(SIGINT, on_request);
	if (result == 0)
		result = handle(SIGTERM, on_request);
	signal(SIGPIPE, SIG_IGN);
	if (result == 0 && config->has_helper)
		result = watch_helpers();
	if (result == 0 && config->observer != NULL && config->observer->samples != NULL)
		result = ticks_start(config, space);
	if (result != 0 || config->timeout_ns == 0)
		return result;
	result = handle(SIGALRM, on_time);
	return result != 0 ? result : start_timer(config->timeout_ns);
}
