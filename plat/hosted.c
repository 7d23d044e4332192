/*
 * Hosted platform: plat/plat.h over libc, so that tests, simulations and fuzzers run the body's code
 * as an ordinary Linux program.
 *
 *     heap           an anonymous mapping, 2 MiB aligned, reserved but not committed
 *     stack window   another, without holes: guards are installed by plat_guard_install, as in a
 *                    process; it doesn't alias the heap
 *     clock          CLOCK_MONOTONIC from the start, or the test's own
 *
 * plat_boot must be set before main, which libFuzzer owns, so this one file has a constructor: it
 * stands in for the start code of an image.
 */
#define _GNU_SOURCE /* ppoll, pthread_getattr_np */
#include "plat/hosted.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "diatom/assert.h"
#include "plat/hooks.h"

#define HOSTED_HEAP_BYTES	  ((size_t)1 << 30)
#define HOSTED_STACK_BYTES	  ((size_t)64 << 10)
#define HOSTED_STACK_COUNT	  16384
#define HOSTED_MADV_GUARD_INSTALL 102 /* Linux 6.13 */

const struct boot_info *plat_boot;

static struct boot_info boot;
static struct boot_host_page host_page;
static int64_t mono_base_ns;
static struct pollfd watched[BOOT_DEVICES_MAX];
static nfds_t watched_count;
static instant (*own_now)(void);
static void (*own_sleep)(instant deadline);
static instant virtual_now;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "hosted: %s: %s\n", what, strerror(errno));
	abort();
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		fail("clock_gettime");
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* `length` bytes, aligned to 2 MiB, that cost nothing until touched. */
static uint64_t reserve(size_t length)
{
	size_t slack = BOOT_LARGE_PAGE_BYTES;
	uint8_t *base = mmap(NULL, length + slack, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("can't reserve memory");
	return ((uint64_t)base + slack - 1) & ~(uint64_t)(slack - 1);
}

void plat_hosted_set_memory(size_t heap_bytes, size_t stack_bytes, size_t stack_count)
{
	struct boot_memory *memory = &boot.memory;

	if (stack_count > heap_bytes / stack_bytes)
		stack_count = heap_bytes / stack_bytes;
	memory->heap = reserve(heap_bytes);
	memory->heap_bytes = heap_bytes;
	memory->stack_bytes = stack_bytes;
	memory->stack_count = stack_count;
	memory->stacks = reserve(stack_count * (stack_bytes + BOOT_PAGE_BYTES));
}

static void find_main_stack(void)
{
	pthread_attr_t attributes;
	void *low;
	size_t length;

	if (pthread_getattr_np(pthread_self(), &attributes) != 0 ||
		pthread_attr_getstack(&attributes, &low, &length) != 0)
		fail("can't find the main stack");
	pthread_attr_destroy(&attributes);
	boot.memory.main_stack = (uint64_t)low;
	boot.memory.main_stack_bytes = length;
}

__attribute__((constructor(101))) static void hosted_start(void)
{
	static char name[] = "hosted";

	boot.magic = BOOT_MAGIC;
	boot.version = BOOT_VERSION;
	boot.bytes = sizeof(boot);
	boot.target = BOOT_HOSTED;
	boot.host_page = (uint64_t)&host_page;
	boot.log_level = 1; /* warnings */
	boot.argument_count = 1;
	boot.arguments[0] = (uint64_t)name;
	mono_base_ns = clock_ns(CLOCK_MONOTONIC);
	boot.clock.wall_ns = clock_ns(CLOCK_REALTIME);
	if (getrandom(boot.seed, sizeof(boot.seed), 0) != sizeof(boot.seed))
		fail("getrandom");
	plat_hosted_set_memory(HOSTED_HEAP_BYTES, HOSTED_STACK_BYTES, HOSTED_STACK_COUNT);
	find_main_stack();
	plat_boot = &boot;
}

struct boot_info *plat_hosted_boot(void)
{
	return &boot;
}

/* --- time --- */

instant time_now(void)
{
	return own_now ? own_now() : clock_ns(CLOCK_MONOTONIC) - mono_base_ns;
}

int64_t time_wall_ns(void)
{
	return boot.clock.wall_ns + time_now();
}

void plat_hosted_set_clock(instant (*now)(void), void (*sleep)(instant deadline))
{
	own_now = now;
	own_sleep = sleep;
}

static instant virtual_time_now(void)
{
	return virtual_now;
}

static void virtual_time_sleep(instant deadline)
{
	if (deadline == FOREVER)
		image_crash("virtual time: everything waits for ever");
	if (deadline > virtual_now)
		virtual_now = deadline;
}

void plat_hosted_set_time(instant now)
{
	virtual_now = now;
}

void plat_hosted_use_virtual_time(instant start)
{
	virtual_now = start;
	plat_hosted_set_clock(virtual_time_now, virtual_time_sleep);
}

void plat_sleep(instant deadline)
{
	struct timespec wait = { 0, 0 };
	instant left;

	if (own_sleep) {
		own_sleep(deadline);
		return;
	}
	if (deadline != AT_ONCE && deadline != FOREVER) {
		left = deadline - time_now();
		if (left > 0)
			wait = (struct timespec){ left / 1000000000, left % 1000000000 };
	}
	if (ppoll(watched, watched_count, deadline == FOREVER ? NULL : &wait, NULL) < 0 &&
		errno != EINTR)
		fail("ppoll");
}

/* --- calls --- */

unsigned plat_finish_requests(void)
{
	return __atomic_load_n(&host_page.finish_requested, __ATOMIC_RELAXED);
}

void plat_hosted_request_finish(void)
{
	__atomic_add_fetch(&host_page.finish_requested, 1, __ATOMIC_RELAXED);
}

_Noreturn void plat_exit(int code)
{
	exit(code & 0xff);
}

void plat_console_write(const void *data, size_t length)
{
	fwrite(data, 1, length, stdout);
}

_Noreturn void plat_crash(const char *why, size_t length)
{
	fflush(stdout);
	fprintf(stderr, "crash: %.*s\n", (int)length, why);
	abort();
}

void plat_guard_install(void *page)
{
	/* A guard marker costs no mapping of its own: mprotect would split one in three, and a process
	 * may have only 65,530. Older kernels (before 6.13) don't have it. */
	if (madvise(page, BOOT_PAGE_BYTES, HOSTED_MADV_GUARD_INSTALL) != 0 &&
		mprotect(page, BOOT_PAGE_BYTES, PROT_NONE) != 0)
		fail("guard page");
}

void plat_watch(int fd)
{
	if (watched_count == BOOT_DEVICES_MAX)
		image_crash("plat_watch: too many descriptors");
	watched[watched_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

void plat_unwatch(int fd)
{
	for (nfds_t i = 0; i < watched_count; i++)
		if (watched[i].fd == fd)
			watched[i].fd = -1;
}

long plat_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result = syscall(number, a, b, c, d, e, f);

	return result < 0 ? -errno : result;
}

void plat_shim_call(uint32_t number, uint64_t first, uint64_t second)
{
	image_crash("plat_shim_call: there is no shim");
}

uint64_t plat_physical(const void *address)
{
	uint64_t at = (uint64_t)address;

	if (at - boot.memory.heap >= boot.memory.heap_bytes)
		image_crash("plat_physical: not an address of the heap");
	return boot.memory.heap_physical + (at - boot.memory.heap);
}

/* --- sanitizer --- */

/* AddressSanitizer's interface; absent, so NULL, in a build without it. */
__attribute__((weak)) void __asan_poison_memory_region(const volatile void *, size_t);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *, size_t);
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **, const void *, size_t);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *, const void **, size_t *);

void hook_poison(const void *bytes, size_t length)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(bytes, length);
}

void hook_unpoison(const void *bytes, size_t length)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(bytes, length);
}

void hook_switch_start(void **saved, const void *low, size_t length)
{
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(saved, low, length);
}

void hook_switch_finish(void *saved)
{
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(saved, NULL, NULL);
}
