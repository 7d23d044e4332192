/*
 * A compromised body in the process target: each run tries one way out, named by its first argument.
 * test/e2e/process.py checks what became of it. What a body can try on any target is in attack.c.
 */
#define _GNU_SOURCE /* names of registers in ucontext.h */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <diatom/fiber.h>

#include "abi/boot.h"
#include "abi/call.h"

extern const struct boot_info *plat_boot;
long plat_syscall(long number, long a, long b, long c, long d, long e, long f);

static long argument; /* the second word */

/* Through the stub, as the platform does. */
static void attack_call(void)
{
	printf("%ld\n", plat_syscall(argument, 0, 0, 0, 0, 0, 0));
}

/* By an instruction of the image's own. */
static void attack_own_instruction(void)
{
	long result = argument;

	__asm__ volatile("syscall"
		: "+a"(result)
		: "D"(0), "S"(0), "d"(0)
		: "rcx", "r11", "memory");
	printf("%ld\n", result);
}

static void attack_make_text_writable(void)
{
	plat_syscall(10 /* mprotect */, (long)plat_boot->memory.image, 4096, 7, 0, 0, 0);
}

static void attack_make_heap_executable(void)
{
	plat_syscall(10 /* mprotect */, (long)plat_boot->memory.heap, 4096, 5, 0, 0, 0);
}

static void attack_advise(void)
{
	plat_syscall(28 /* madvise */, (long)plat_boot->memory.heap, 4096, argument, 0, 0, 0);
}

static void attack_read_descriptor(void)
{
	char byte;

	for (long fd = 0; fd < 64; fd++)
		if (fd != 1 && fd != 2 &&
			plat_syscall(0 /* read */, fd, (long)&byte, 1, 0, 0, 0) != -9)
			printf("%ld\n", fd);
	printf("done\n");
}

/* A report with a thread pointer and a stack that lead nowhere. */
static void attack_break_report(void)
{
	__asm__ volatile("wrfsbase %0\n\tmov %0, %%rsp\n\tud2" : : "r"(UINT64_C(0x1000)));
}

/* A report about words that can't be read. */
static void attack_wild_words(void)
{
	plat_syscall(PROCESS_CRASH, 0x1000, 64, 0, 0, 0, 0);
}

/* A frame for the loader's signal return that names a state of the body's choice. */
static void attack_sigreturn(void)
{
	uint64_t frame[128] = { 0 };

	__asm__ volatile("mov %0, %%rsp\n\tjmp *%1"
		:
		: "r"(frame), "r"(plat_boot->syscall), "a"(15 /* rt_sigreturn */)
		: "memory");
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

/* A signal return that blocks all signals: who ends it then? */
static void attack_block_signals(void)
{
	static uint8_t stack[8192] __attribute__((aligned(64)));
	static ucontext_t frame;
	greg_t *g = frame.uc_mcontext.gregs;

	g[REG_RIP] = (greg_t)spin;
	g[REG_RSP] = (greg_t)(stack + sizeof(stack) - 8);
	g[REG_CSGSFS] = 0x33 | (greg_t)0x2b << 48;
	memset(&frame.uc_sigmask, 0xff, sizeof(frame.uc_sigmask));
	__asm__ volatile("mov %0, %%rsp\n\tsyscall"
		:
		: "r"(&frame), "a"(15 /* rt_sigreturn */)
		: "memory");
}

/* The loader's handlers run with unaligned accesses forbidden, backwards, and on a full FPU stack. */
static void attack_flags(void)
{
	__asm__ volatile("fld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\t"
			 "pushfq\n\torq $0x40400, (%rsp)\n\tpopfq\n\tud2");
}

/* Standard output and error are for writing only. */
static void attack_read_output(void)
{
	char byte;

	for (long fd = 1; fd <= 2; fd++)
		printf("%ld\n", plat_syscall(0 /* read */, fd, (long)&byte, 1, 0, 0, 0));
}

static void attack_out_of_memory(void)
{
	static char *blocks[1024];

	for (size_t i = 0; i < 1024; i++) {
		blocks[i] = malloc(1 << 20);
		if (blocks[i] == NULL) {
			printf("refused\n");
			return;
		}
		memset(blocks[i], 1, 4096);
	}
	printf("more than there is\n");
}

static void attack_spin(void)
{
	spin();
}

static void attack_wait(void)
{
	printf("finish: %d\n", (int)finish_wait(FOREVER));
}

static void attack_show(void)
{
	printf("%llx %llx %llx %llx\n", (unsigned long long)plat_boot->memory.image,
		(unsigned long long)plat_boot->memory.heap,
		(unsigned long long)plat_boot->memory.main_stack,
		(unsigned long long)plat_boot->syscall);
}

#define ATTACK(name) { #name, attack_##name }

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	ATTACK(call),
	ATTACK(own_instruction),
	ATTACK(make_text_writable),
	ATTACK(make_heap_executable),
	ATTACK(advise),
	ATTACK(read_descriptor),
	ATTACK(break_report),
	ATTACK(wild_words),
	ATTACK(sigreturn),
	ATTACK(block_signals),
	ATTACK(flags),
	ATTACK(read_output),
	ATTACK(out_of_memory),
	ATTACK(spin),
	ATTACK(wait),
	ATTACK(show),
};

int main(int argc, char **argv)
{
	if (argc > 2)
		argument = strtol(argv[2], NULL, 10);
	for (unsigned i = 0; argc > 1 && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(argv[1], attacks[i].name) == 0) {
			attacks[i].run();
			return 0;
		}
	}
	printf("no such attack\n");
	return 1;
}
