/*
 * Order matters: the user goes while the capability to change it is there. The raw calls are used
 * because the C library's go through all threads, of which there is one.
 */
#include "host/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

extern char **environ;

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int privileges_close_others(int *kept, unsigned count)
{
	unsigned next = STDERR_FILENO + 1;

	qsort(kept, count, sizeof(kept[0]), compare);
	for (unsigned i = 0; i <= count; i++) {
		unsigned last = i < count ? (unsigned)kept[i] - 1 : UINT32_MAX;

		if (i < count && kept[i] <= STDERR_FILENO)
			continue;
		if (next <= last && syscall(SYS_close_range, next, last, 0) != 0)
			return -errno;
		next = last + 2;
	}
	return 0;
}

/* In place of the descriptor; where that can't be done, it stays as it is. */
static void make_write_only(int fd)
{
	char path[] = "/proc/self/fd/0";
	int narrow;

	if (!isatty(fd))
		return;
	path[sizeof(path) - 2] = (char)('0' + fd);
	narrow = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (narrow < 0)
		return;
	dup2(narrow, fd);
	close(narrow);
}

void privileges_hide(bool has_input)
{
	for (char **variable = environ; *variable != NULL; variable++)
		explicit_bzero(*variable, strlen(*variable));
	make_write_only(STDOUT_FILENO);
	make_write_only(STDERR_FILENO);
	if (!has_input)
		close(STDIN_FILENO);
}

static int set(int option, unsigned long value)
{
	return prctl(option, value, 0, 0, 0) == 0 ? 0 : -errno;
}

static int leave_root(void)
{
	int death_signal = 0;

	if (geteuid() != 0)
		return 0;
	/* Who asked to be followed into death, asked for good: a change of user takes it back. */
	prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	if (syscall(SYS_setgroups, 0, NULL) != 0 ||
		syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) != 0 ||
		syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) != 0)
		return -errno;
	return death_signal == 0 ? 0 : set(PR_SET_PDEATHSIG, (unsigned long)death_signal);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return syscall(SYS_capset, &head, none) == 0 ? 0 : -errno;
}

int privileges_drop(bool is_dumpable, const char **what)
{
	int result;

	*what = "dropping root";
	result = leave_root();
	if (result == 0) {
		*what = "dropping capabilities";
		result = drop_capabilities();
	}
	if (result == 0) {
		*what = "giving up new privileges";
		result = set(PR_SET_NO_NEW_PRIVS, 1);
	}
	if (result == 0) {
		/* Changing the user may have cleared it, so that it is set in both cases. */
		*what = "forbidding dumps";
		result = set(PR_SET_DUMPABLE, is_dumpable);
	}
	return result;
}
