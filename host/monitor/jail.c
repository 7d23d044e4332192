/*
 * Order matters: descriptors close first, the user goes while the capability to change it is there,
 * and the filter comes last because it forbids all of the above.
 */
#include "host/monitor/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/seccomp.h"

#define NOBODY 65534

void jail_keep(struct jail *jail, int fd)
{
	if (fd > STDERR_FILENO && jail->fd_count < JAIL_FDS_MAX)
		jail->fds[jail->fd_count++] = fd;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor that is not kept, those inherited by accident too. */
static int close_others(struct jail *jail)
{
	unsigned next = STDERR_FILENO + 1;

	qsort(jail->fds, jail->fd_count, sizeof(jail->fds[0]), compare);
	for (unsigned i = 0; i <= jail->fd_count; i++) {
		unsigned last = i < jail->fd_count ? (unsigned)jail->fds[i] - 1 : UINT32_MAX;

		if (next <= last && syscall(SYS_close_range, next, last, 0) != 0)
			return -errno;
		next = last + 2;
	}
	return 0;
}

/* The raw calls: the C library's go through all threads, of which there is one. */
static int leave_root(void)
{
	if (geteuid() != 0)
		return 0;
	if (syscall(SYS_setgroups, 0, NULL) != 0 ||
		syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) != 0 ||
		syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) != 0)
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return syscall(SYS_capset, &head, none) == 0 ? 0 : -errno;
}

static int set_filter(const struct jail *jail)
{
	/* Of any descriptor: only those that the loop needs are open. */
	static const unsigned allowed[] = { SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_ppoll,
		SYS_clock_gettime, SYS_getrandom, SYS_exit_group, SYS_rt_sigreturn,
		SYS_restart_syscall };
	struct seccomp_filter filter;

	seccomp_begin(&filter);
	seccomp_allow_list(&filter, allowed, sizeof(allowed) / sizeof(allowed[0]));
	seccomp_allow_arguments(&filter, SYS_ioctl, 0, (unsigned)jail->vcpu, 1, KVM_RUN);
	/* The C library's ioctl takes an int: the request arrives sign-extended. */
	seccomp_allow_arguments(
		&filter, SYS_ioctl, 0, (unsigned)jail->vcpu, 1, (uint64_t)(int)KVM_GET_SREGS);
	return seccomp_install(&filter, SECCOMP_RET_KILL_PROCESS);
}

#define STEP(name, call)                                                                           \
	do {                                                                                       \
		int step_result = (call);                                                          \
		*what = name;                                                                      \
		if (step_result != 0)                                                              \
			return step_result;                                                        \
	} while (0)

int jail_enter(struct jail *jail, const char **what)
{
	STEP("closing descriptors", close_others(jail));
	STEP("dropping root", leave_root());
	STEP("dropping capabilities", drop_capabilities());
	STEP("giving up new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno);
	if (!jail->is_dumpable)
		STEP("forbidding dumps", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno);
	STEP("filtering system calls", set_filter(jail));
	return 0;
}
