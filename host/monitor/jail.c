/*
 * Order matters: descriptors close first, the user goes while the capability to change it is there,
 * and the filter comes last because it forbids all of the above.
 */
#include "host/monitor/jail.h"

#include <linux/kvm.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/privileges.h"
#include "host/seccomp.h"

void jail_keep(struct jail *jail, int fd)
{
	if (fd > STDERR_FILENO && jail->fd_count < JAIL_FDS_MAX)
		jail->fds[jail->fd_count++] = fd;
}

/* What a debugger needs besides: the floating point registers, and to leave its socket. */
static void allow_debugging(struct seccomp_filter *filter, const struct jail *jail)
{
	static const unsigned requests[] = { KVM_GET_FPU, KVM_SET_FPU };

	if (jail->gdb < 0)
		return;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		seccomp_allow_arguments(
			filter, SYS_ioctl, 0, (unsigned)jail->vcpu, 1, (uint64_t)(int)requests[i]);
	seccomp_allow_argument(filter, SYS_close, 0, (unsigned)jail->gdb);
}

static int set_filter(const struct jail *jail)
{
	/* Of any descriptor: only those that the loop needs are open. */
	static const unsigned allowed[] = { SYS_read, SYS_pread64, SYS_write, SYS_readv, SYS_writev,
		SYS_ppoll, SYS_clock_gettime, SYS_getrandom, SYS_exit_group, SYS_rt_sigreturn,
		SYS_restart_syscall };
	struct seccomp_filter filter;

	seccomp_begin(&filter);
	seccomp_allow_list(&filter, allowed, sizeof(allowed) / sizeof(allowed[0]));
	seccomp_allow_arguments(&filter, SYS_ioctl, 0, (unsigned)jail->vcpu, 1, KVM_RUN);
	/* The C library's ioctl takes an int: the request arrives sign-extended. */
	seccomp_allow_arguments(
		&filter, SYS_ioctl, 0, (unsigned)jail->vcpu, 1, (uint64_t)(int)KVM_GET_SREGS);
	allow_debugging(&filter, jail);
	return seccomp_install(&filter, SECCOMP_RET_KILL_PROCESS);
}

int jail_enter(struct jail *jail, const char **what)
{
	int result;

	privileges_hide(jail->has_input);
	*what = "closing descriptors";
	result = privileges_close_others(jail->fds, jail->fd_count);
	if (result == 0)
		result = privileges_drop(jail->is_dumpable, what);
	if (result == 0) {
		*what = "filtering system calls";
		result = set_filter(jail);
	}
	return result;
}
