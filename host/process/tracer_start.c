/*
 * How tracing begins: the child waits for a byte, is seized, gets it, and runs (through the loader's
 * last steps and into its jail) up to a breakpoint at the body's first instruction. Then the tracer
 * goes into a jail of its own, and serves gdb.
 */
#include "host/process/tracer.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/privileges.h"
#include "host/process/tracer_inner.h"
#include "host/report.h"
#include "host/seccomp.h"

/* This process keeps gdb's socket and its hold on the child, and nothing else. */
static int enter_jail(struct tracer *t, const char **what)
{
	static const unsigned allowed[] = { SYS_read, SYS_write, SYS_ppoll, SYS_clock_gettime,
		SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_restart_syscall };
	static const unsigned of_child[] = { SYS_wait4, SYS_kill };
	struct seccomp_filter filter;
	int result;

	privileges_hide(false);
	*what = "closing descriptors";
	result = privileges_close_others(&t->link->fd, 1);
	if (result == 0)
		result = privileges_drop(false, what);
	if (result != 0)
		return result;
	*what = "filtering system calls";
	seccomp_begin(&filter);
	seccomp_allow_list(&filter, allowed, sizeof(allowed) / sizeof(allowed[0]));
	for (size_t i = 0; i < sizeof(of_child) / sizeof(of_child[0]); i++)
		seccomp_allow_argument(&filter, of_child[i], 0, (unsigned)t->tracee.pid);
	seccomp_allow_argument(&filter, SYS_ptrace, 1, (unsigned)t->tracee.pid);
	seccomp_allow_argument(&filter, SYS_close, 0, (unsigned)t->link->fd);
	return seccomp_install(&filter, SECCOMP_RET_KILL_PROCESS);
}

/* Waits for the child's next stop, passing signals on. False: it ended. */
static bool run_to_trap(struct tracer *t)
{
	int status, passed = 0;

	for (;;) {
		ptrace(PTRACE_CONT, t->tracee.pid, NULL, (void *)(intptr_t)passed);
		while (waitpid(t->tracee.pid, &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFSTOPPED(status)) {
			tracer_take_end(t, status);
			return false;
		}
		if (WSTOPSIG(status) == SIGTRAP && status >> 16 == 0)
			return true;
		passed = status >> 16 == 0 ? WSTOPSIG(status) : 0;
	}
}

/* Lets the child become the body, up to its first instruction. */
static bool run_to_entry(struct tracer *t, uint64_t entry)
{
	struct points start = { .target = &t->tracee.target };
	struct gdb_registers registers;

	if (!points_add_break(&start, entry) || !run_to_trap(t))
		return false;
	points_clear(&start);
	t->tracee.target.ops->get_registers(&t->tracee.target, &registers);
	registers.rip = entry;
	t->tracee.target.ops->set_registers(&t->tracee.target, &registers);
	return true;
}

/* Traces the child, which waits for a byte. False with errno. */
static bool seize(pid_t pid, int gate)
{
	int status;

	return ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) == 0 &&
	       ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
	       WIFSTOPPED(status) && write(gate, "", 1) == 1;
}

static int trace_child(
	struct tracer *t, const struct space *space, const struct image *image, int gate)
{
	const char *what = "tracing the body";
	sigset_t during_poll;
	int result;

	if (!seize(t->tracee.pid, gate)) {
		result = -errno;
		tracer_kill(t, EXIT_HOST_LACKS);
		return report_error(EXIT_HOST_LACKS, "use gdb with a VM:  --as vm", "%s: %s: %s",
			t->config->name, what, strerror(-result));
	}
	tracer_handle_signals(&during_poll);
	gdb_server_init(&t->link->server, &t->tracee.target, image, space->boot);
	if (!run_to_entry(t, space->entry))
		return t->code;
	result = enter_jail(t, &what);
	if (result != 0) {
		tracer_kill(t, EXIT_HOST_LACKS);
		return report_error(EXIT_HOST_LACKS, NULL, "%s: %s: %s", t->config->name, what,
			strerror(-result));
	}
	return tracer_run(t, &during_poll);
}

bool tracer_split(const struct run_config *config, const struct space *space,
	const struct image *image, int *code)
{
	static struct tracer tracer;
	int gate[2];
	char byte;

	*code = gdb_link_accept(config->gdb, config);
	if (*code != 0)
		return true;
	if (pipe(gate) != 0 || (tracer.tracee.pid = fork()) < 0) {
		*code = report_error(EXIT_HOST_LACKS, NULL, "%s: making a process: %s",
			config->name, strerror(errno));
		return true;
	}
	if (tracer.tracee.pid == 0) {
		close(gate[1]);
		/* No byte: there is no tracer any more. */
		if (read(gate[0], &byte, 1) != 1)
			_exit(EXIT_HOST_LACKS);
		return false;
	}
	close(gate[0]);
	tracer.config = config;
	tracer.link = config->gdb;
	tracer.stub_return = space->stub + SPACE_STUB_RETURN;
	tracee_init(&tracer.tracee);
	*code = trace_child(&tracer, space, image, gate[1]);
	return true;
}
