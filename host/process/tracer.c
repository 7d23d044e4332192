/*
 * One loop, in which the child runs or stands:
 *
 *     stands --serve gdb, resume--> runs --stop, exit; gdb's input makes it stop--> stands
 *
 * SIGCHLD, INT and TERM are blocked but during ppoll, so none is missed between a look and the wait.
 */
#define _GNU_SOURCE /* ppoll */
#include "host/process/tracer_inner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/clock.h"
#include "host/report.h"

static volatile sig_atomic_t came;	  /* INT or TERM for us; 0: none */
static volatile sig_atomic_t came_to_all; /* from the terminal: the child has it, too */

static void on_signal(int number, siginfo_t *info, void *context)
{
	if (number == SIGCHLD)
		return; /* it ends ppoll */
	came_to_all = info->si_code == SI_KERNEL;
	came = number;
}

void tracer_handle_signals(sigset_t *during_poll)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	static const int numbers[] = { SIGCHLD, SIGINT, SIGTERM };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&blocked, numbers[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, during_poll);
}

static int64_t time_left(const struct run_config *config)
{
	if (config->timeout_ns == 0)
		return INT64_MAX;
	return config->started_ns + config->timeout_ns - clock_ns(CLOCK_MONOTONIC);
}

/* --- the end --- */

static void end(struct tracer *t, int code)
{
	t->is_ended = true;
	t->code = code;
}

void tracer_take_end(struct tracer *t, int status)
{
	bool is_late = time_left(t->config) <= 0;

	if (WIFEXITED(status)) {
		gdb_server_ended(&t->link->server, (unsigned)WEXITSTATUS(status), false);
		end(t, WEXITSTATUS(status));
	} else if (WTERMSIG(status) == SIGKILL && is_late) {
		run_announce_timeout(t->config);
		end(t, EXIT_TIMED_OUT);
	} else {
		gdb_server_ended(&t->link->server, (unsigned)WTERMSIG(status), true);
		end(t, 128 + WTERMSIG(status));
	}
	gdb_link_flush(t->link);
}

void tracer_kill(struct tracer *t, int code)
{
	int status;

	kill(t->tracee.pid, SIGKILL);
	while (waitpid(t->tracee.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (code == EXIT_TIMED_OUT)
		run_announce_timeout(t->config);
	else
		run_announce_end(t->config, code);
	end(t, code);
}

/* --- stops --- */

static void stop(struct tracer *t, enum gdb_stop_kind kind, enum gdb_signal signal, uint64_t dr6)
{
	const struct gdb_stop stop = { .kind = kind, .signal = signal, .dr6 = dr6 };

	gdb_server_stopped(&t->link->server, &stop);
	gdb_link_flush(t->link);
	t->was_told = t->link->server.state == GDB_STOPPED;
}

static enum gdb_signal fault_signal(int number)
{
	switch (number) {
	case SIGBUS:
		return GDB_SIGNAL_BUS;
	case SIGILL:
		return GDB_SIGNAL_ILL;
	case SIGFPE:
		return GDB_SIGNAL_FPE;
	default:
		return GDB_SIGNAL_SEGV;
	}
}

/* A signal that gdb wants the body to have; others than these it can't get. */
static int signal_of(unsigned gdb_signal)
{
	switch (gdb_signal) {
	case GDB_SIGNAL_INT:
		return SIGINT;
	case GDB_SIGNAL_TERM:
		return SIGTERM;
	case GDB_SIGNAL_TRAP:
		return SIGTRAP;
	case GDB_SIGNAL_ILL:
		return SIGILL;
	case GDB_SIGNAL_FPE:
		return SIGFPE;
	case GDB_SIGNAL_BUS:
		return SIGBUS;
	case GDB_SIGNAL_SEGV:
		return SIGSEGV;
	default:
		return 0;
	}
}

/* gdb sent something while the body ran: it wants it to stop, or is gone. */
static void take_interrupt(struct tracer *t)
{
	t->is_asked = false;
	gdb_link_serve(t->link);
	if (t->link->server.is_interrupted)
		stop(t, GDB_STOP_SIGNAL, GDB_SIGNAL_INT, 0);
}

static void take_trap(struct tracer *t, const siginfo_t *info)
{
	uint64_t dr6 = tracee_take_dr6(&t->tracee);

	if (info->si_code <= 0)
		t->signal = SIGTRAP; /* somebody sent it */
	else if ((dr6 & 0xf) != 0)
		stop(t, GDB_STOP_WATCH, GDB_SIGNAL_TRAP, dr6);
	else if (info->si_code == SI_KERNEL) /* int3 */
		stop(t, GDB_STOP_BREAKPOINT, GDB_SIGNAL_TRAP, 0);
	else if (t->link->server.state == GDB_STEPPING) /* TRAP_BRKPT: over a system call */
		stop(t, GDB_STOP_STEP, GDB_SIGNAL_TRAP, 0);
	else
		stop(t, GDB_STOP_SIGNAL, GDB_SIGNAL_TRAP, 0);
	if (t->is_asked && !t->was_told)
		take_interrupt(t);
}

/* A system call that the filter stopped: the body's end, or a crash. */
static void take_call(struct tracer *t, const siginfo_t *info)
{
	bool is_stub = (uint64_t)info->si_call_addr == t->stub_return;

	t->signal = SIGSYS;
	if (is_stub && info->si_syscall == SYS_exit_group)
		return;
	t->must_crash = true;
	stop(t, GDB_STOP_SIGNAL,
		is_stub && info->si_syscall == PROCESS_CRASH ? GDB_SIGNAL_ABRT : GDB_SIGNAL_SYS, 0);
}

/* The child stopped. If gdb is not told, it goes on with t->signal. */
static void take_stop(struct tracer *t, int status)
{
	int number = WSTOPSIG(status);
	siginfo_t info = { 0 };

	t->signal = 0;
	t->must_crash = false;
	if (status >> 16 == PTRACE_EVENT_STOP) {
		/* A trap that came with it is heard first: later it would have no meaning. */
		if (!tracee_has_trap(&t->tracee))
			take_interrupt(t);
		return;
	}
	ptrace(PTRACE_GETSIGINFO, t->tracee.pid, NULL, &info);
	t->signal = number;
	if (t->link->server.state == GDB_DETACHED)
		return;
	switch (number) {
	case SIGTRAP:
		t->signal = 0;
		take_trap(t, &info);
		break;
	case SIGSYS:
		take_call(t, &info);
		break;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
		stop(t, GDB_STOP_SIGNAL, fault_signal(number), 0);
		break;
	case SIGINT:
	case SIGTERM:
		/* A step of gdb's would lead into the loader's handler: later. */
		if (t->link->server.state == GDB_STEPPING && !t->link->server.is_continuing) {
			t->held = number;
			t->signal = 0;
		}
		break;
	default:
		break;
	}
}

static void look_for_stop(struct tracer *t)
{
	int status;
	pid_t got = waitpid(t->tracee.pid, &status, WNOHANG);

	if (got != t->tracee.pid)
		return;
	t->is_running = false;
	if (WIFSTOPPED(status))
		take_stop(t, status);
	else
		tracer_take_end(t, status);
}

/* --- going on --- */

static void go_on(struct tracer *t)
{
	bool is_step = t->link->server.state == GDB_STEPPING;

	if (!is_step && t->signal == 0 && t->held != 0) {
		t->signal = t->held;
		t->held = 0;
	}
	ptrace(is_step && !t->must_crash ? PTRACE_SINGLESTEP : PTRACE_CONT, t->tracee.pid, NULL,
		(void *)(intptr_t)t->signal);
	t->is_running = true;
}

/* INT or TERM: a body that stands ends, one that runs is told. */
static void take_request(struct tracer *t)
{
	int number = came;

	came = 0;
	if (t->link->server.state == GDB_STOPPED)
		tracer_kill(t, 128 + number);
	else if (!came_to_all)
		kill(t->tracee.pid, number);
}

/* Waits for gdb, the child, a signal or the time limit, and serves gdb if the child stands. */
static void wait_once(struct tracer *t, const sigset_t *during_poll)
{
	struct pollfd polled = { .fd = t->link->fd, .events = POLLIN };
	int64_t left = time_left(t->config);
	struct timespec timeout = { left / 1000000000, left % 1000000000 };
	bool is_standing = t->link->server.state == GDB_STOPPED;
	int ready;

	if (left <= 0 && is_standing) {
		tracer_kill(t, EXIT_TIMED_OUT);
		return;
	}
	ready = ppoll(&polled, 1, left == INT64_MAX || !is_standing ? NULL : &timeout, during_poll);
	if (came != 0)
		take_request(t);
	else if (ready > 0 && is_standing)
		gdb_link_serve(t->link);
	else if (ready > 0)
		t->is_asked = ptrace(PTRACE_INTERRUPT, t->tracee.pid, NULL, NULL) == 0;
}

/* Acts on what gdb wants of a child that stands. */
static void leave_stop(struct tracer *t)
{
	struct gdb_server *server = &t->link->server;

	if (server->state == GDB_KILLED) {
		tracer_kill(t, 128 + SIGKILL);
		return;
	}
	if (server->state == GDB_STOPPED)
		return;
	/* gdb says whether a fault is the body's to see, but not whether its end is. */
	if (!t->must_crash && t->was_told && server->state != GDB_DETACHED)
		t->signal = signal_of(server->resume_signal);
	t->was_told = false;
	go_on(t);
}

int tracer_run(struct tracer *t, const sigset_t *during_poll)
{
	while (!t->is_ended) {
		if (t->is_running)
			look_for_stop(t);
		if (!t->is_running && !t->is_ended)
			leave_stop(t);
		if (!t->is_ended && (t->is_running || t->link->server.state == GDB_STOPPED))
			wait_once(t, during_poll);
	}
	return t->code;
}
