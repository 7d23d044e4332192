/*
 * Sleeping without missing a signal: the timeout lies in the host page, where the loader's signal
 * handler zeroes it. A signal before the timeout is written is seen by the look at finish_requested
 * after it; one between that look and ppoll finds the timeout and zeroes it; one inside ppoll ends it.
 */
#include "plat/process.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

#include "abi/call.h"
#include "diatom/assert.h"
#include "plat/plat.h"

#define FOREVER_SECONDS 1000000000
#define GUARD_INSTALL	102 /* Linux 6.13 */

_Static_assert(offsetof(struct boot_info, syscall) == 24, "plat/syscall.S knows the offset");

static struct pollfd watched[BOOT_DEVICES_MAX];
static unsigned watched_count;
static unsigned requests_seen;

static struct boot_host_page *host_page(void)
{
	return (struct boot_host_page *)plat_boot->host_page;
}

static void set_timeout(volatile struct boot_host_page *page, instant deadline)
{
	int64_t left = 0;

	if (deadline == FOREVER) {
		page->sleep_seconds = FOREVER_SECONDS;
		page->sleep_nanoseconds = 0;
		return;
	}
	if (deadline != AT_ONCE)
		left = deadline - time_now();
	if (left < 0)
		left = 0;
	page->sleep_seconds = left / 1000000000;
	page->sleep_nanoseconds = left % 1000000000;
}

void process_sleep(instant deadline)
{
	struct boot_host_page *page = host_page();
	unsigned requests;

	/* Devices need no serving: their drivers read and write by themselves. */
	if (deadline == AT_ONCE)
		return;
	set_timeout(page, deadline);
	requests = plat_finish_requests();
	if (requests != requests_seen) {
		requests_seen = requests;
		return;
	}
	plat_syscall(SYS_ppoll, (long)watched, watched_count, (long)&page->sleep_seconds, 0, 8, 0);
}

_Noreturn void process_exit(int code)
{
	for (;;)
		plat_syscall(SYS_exit_group, code & 0xff, 0, 0, 0, 0, 0);
}

void process_console_write(const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		long n = plat_syscall(SYS_write, 1, (long)at, (long)length, 0, 0, 0);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) { /* somebody made our output non-blocking */
			struct pollfd out = { .fd = 1, .events = POLLOUT };

			plat_syscall(SYS_ppoll, (long)&out, 1, 0, 0, 8, 0);
			continue;
		}
		if (n <= 0)
			return;
		at += n;
		length -= (size_t)n;
	}
}

_Noreturn void process_crash(const char *why, size_t length)
{
	for (;;)
		plat_syscall(PROCESS_CRASH, (long)why, (long)length, 0, 0, 0, 0);
}

void process_guard_install(void *page)
{
	long result =
		plat_syscall(SYS_madvise, (long)page, BOOT_PAGE_BYTES, GUARD_INSTALL, 0, 0, 0);

	/* Kernels before 6.13: the filter then allows this instead. */
	if (result == -EINVAL)
		result = plat_syscall(SYS_mprotect, (long)page, BOOT_PAGE_BYTES, 0, 0, 0, 0);
	if (result != 0)
		image_crash("a guard page can't be installed");
}

void process_watch(int fd)
{
	if (watched_count == BOOT_DEVICES_MAX)
		image_crash("plat_watch: too many descriptors");
	watched[watched_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

void process_unwatch(int fd)
{
	for (unsigned i = 0; i < watched_count; i++)
		if (watched[i].fd == fd)
			watched[i].fd = -1; /* ppoll passes over it */
}
