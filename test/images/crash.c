/*
 * Crashes in known ways, for the reports, core files and backtraces of test/e2e/crash.py:
 *
 *     crash CAUSE [fiber]
 *
 * The functions are not inlined, so that the test can name the frames that it expects:
 * main, perform, CAUSE, inner; in a fiber: fiber_enter, run, perform, ...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <diatom/app.h>
#include <diatom/assert.h>
#include <diatom/fiber.h>
#include <diatom/log.h>

#include "abi/inside.h"

#define FAR	      __attribute__((noinline))

#define SYS_madvise   28
#define GUARD_INSTALL 102

/* What the library has for its host: core/log.c, core/fiber.c, plat/process.h. */
extern struct inside_log log_ring;
extern struct inside_fibers fibers;
long plat_syscall(long number, long a, long b, long c, long d, long e, long f);

static volatile int depth;
static int (*volatile nothing)(int);
static const char *volatile constant = "constant";
static void *volatile kept;
static struct wait_queue never;

/* Not of the type that it is called by. */
FAR static void puts_twice(const char *text, long n)
{
	kept = (void *)text;
}

FAR static int inner_null(int n)
{
	volatile int *volatile nowhere = (volatile int *)8;

	return *nowhere + n;
}

FAR static int null_read(int n)
{
	return inner_null(n + 1) + 1;
}

FAR static int null_call(int n)
{
	return nothing(n) + 1;
}

FAR static int write_constant(int n)
{
	((volatile char *)constant)[0] = (char)n;
	return n + 1;
}

FAR static int inner_overflow(int n)
{
	char room[64];

	memset(room, n, sizeof(room));
	if (depth++ < 0)
		return 0;
	return inner_overflow(n + 1) + room[n % 64];
}

FAR static int overflow(int n)
{
	return inner_overflow(n) + 1;
}

FAR static int inner_assertion(int n)
{
	ASSERT(n < 0);
	return n;
}

FAR static int assertion(int n)
{
	return inner_assertion(n + 2) + 1;
}

FAR static int inner_memory(int n)
{
	for (;;) {
		kept = malloc(1 << 16);
		if (kept == NULL)
			image_crash("out of memory: the test took it all");
		memset(kept, n, 1 << 16);
	}
}

FAR static int memory(int n)
{
	return inner_memory(n) + 1;
}

FAR static int bounds(int n)
{
	static volatile int few[4];

	return few[n * 1000];
}

FAR static int smashed(int n)
{
	char room[16];
	volatile char *volatile beyond = room;

	for (int i = 0; i < 8 * n; i++)
		beyond[i] = 'x';
	return room[n]; /* cppcheck-suppress uninitvar */
}

FAR static int wrong_type(int n)
{
	int (*volatile other)(int) = (int (*)(int))(void *)puts_twice;

	return other(n) + 1;
}

FAR static int adds(int n)
{
	volatile int large = 0x7fffffff;

	return large + n;
}

FAR static int divide(int n)
{
	volatile int zero = 0;

	return n / zero; /* cppcheck-suppress zerodiv */
}

FAR static int aborted(int n)
{
	abort();
}

/* A hostile body: what it says of itself is nonsense. */
FAR static int lies(int n)
{
	memset((char *)&log_ring + 4, 0xff, 3000);
	memset(&fibers, 0x41, sizeof(fibers));
	return inner_null(n) + 1;
}

/* And it takes away the pages that a report would read (process only). */
FAR static int guards(int n)
{
	const uintptr_t page = ~(uintptr_t)4095;

	plat_syscall(
		SYS_madvise, (long)((uintptr_t)&log_ring & page), 4096, GUARD_INSTALL, 0, 0, 0);
	return inner_null(n) + 1;
}

static const struct cause {
	const char *name;
	int (*run)(int n);
} causes[] = {
	{ "null_read", null_read },
	{ "null_call", null_call },
	{ "write_constant", write_constant },
	{ "overflow", overflow },
	{ "assertion", assertion },
	{ "memory", memory },
	{ "bounds", bounds },
	{ "smashed", smashed },
	{ "wrong_type", wrong_type },
	{ "adds", adds },
	{ "divide", divide },
	{ "lies", lies },
	{ "guards", guards },
	{ "aborted", aborted },
};

FAR static int perform(const char *name)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strcmp(causes[i].name, name) == 0)
			return causes[i].run(7) + 1;
	return 1;
}

static void run(void *name)
{
	exit(perform(name));
}

static void wait_for_ever(void *argument)
{
	wait_on(&never, FOREVER);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	log_warning("crash", "about to crash by %s", argv[1]);
	log_warning("crash", "a line with \x1b[31mcolour");
	if (argc < 3)
		return perform(argv[1]);
	fiber_start("idler", wait_for_ever, NULL);
	fiber_start("crasher", run, argv[1]);
	fiber_join(fiber_start("third", wait_for_ever, NULL));
	return 0;
}
