/*
 * INT, TERM and the time limit of the monitor, at each moment of its loop.
 */
#include "host/monitor/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/monitor/console.h"
#include "test/check.h"

static struct kvm_run run;
static struct boot_host_page page;
static struct guest guest = { .vcpu = { .run = &run }, .page = &page };

/* In a process of its own: a helper ends, by itself or killed, before the handler is there or after. Its
 * exit code is the guest's, to which the signal that is told is added. */
static _Noreturn void lose_helper(bool is_killed, bool is_early)
{
	siginfo_t ended;
	pid_t helper;

	guest.has_helper = true;
	if (!is_early)
		signals_start(&guest, 0);
	helper = fork();
	if (helper == 0 && is_killed)
		raise(SIGKILL);
	if (helper == 0)
		_exit(EXIT_HOST_LACKS);
	if (is_early) {
		waitid(P_PID, (id_t)helper, &ended, WEXITED | WNOWAIT);
		signals_start(&guest, 0);
	}
	while (!signals_wake())
		usleep(1000);
	signals_take(&guest);
	_exit(guest.is_ended && signals_arm(INT64_MAX) == NULL && console_is_closing
			? guest.exit_code + signals_orphaned_by()
			: 1);
}

static int code_of_orphan(bool is_killed, bool is_early)
{
	pid_t watcher = fork();
	int status = 0;

	if (watcher == 0)
		lose_helper(is_killed, is_early);
	waitpid(watcher, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_helper_ends(void)
{
	CHECK_EQUAL(code_of_orphan(false, false), EXIT_HOST_LACKS);
	CHECK_EQUAL(code_of_orphan(false, true), EXIT_HOST_LACKS);
	CHECK_EQUAL(code_of_orphan(true, false), EXIT_HOST_LACKS + SIGKILL);
	CHECK_EQUAL(code_of_orphan(true, true), EXIT_HOST_LACKS + SIGKILL);
}

/* Armed, then a signal: ppoll must not wait. Until the body woke up, nothing is armed. */
static void a_signal_before_ppoll(void)
{
	struct timespec *timeout;

	CHECK_EQUAL(signals_start(&guest, 0), 0);
	timeout = signals_arm(5000000000);
	CHECK(timeout != NULL && timeout->tv_sec == 5 && timeout->tv_nsec == 0);
	raise(SIGINT);
	CHECK(timeout->tv_sec == 0 && timeout->tv_nsec == 0);
	CHECK(page.finish_requested == 1 && run.immediate_exit == 1);
	CHECK(signals_arm(5000000000) == NULL);
	CHECK(signals_wake() && !signals_wake());
	CHECK(signals_arm(INT64_MAX) != NULL);
}

/* The first request lets the body run on; writes to its console wait for a reader. */
static void the_first_only_asks(void)
{
	signals_take(&guest);
	CHECK(!guest.is_ended && run.immediate_exit == 0 && !console_is_closing);
}

/* Input from gdb ends a wait and KVM_RUN, once; what was there before counts. */
static void gdb_speaks(void)
{
	int ends[2];

	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQUAL(signals_watch(ends[0]), 0);
	CHECK(signals_take_input() && !signals_take_input());
	CHECK(signals_arm(INT64_MAX) != NULL);
	run.immediate_exit = 0;
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK(run.immediate_exit == 1 && signals_arm(INT64_MAX) == NULL);
	CHECK(!signals_wake() && signals_take_input());
	CHECK(signals_arm(INT64_MAX) != NULL);
	CHECK_EQUAL(signals_watch(-1), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

/* The time limit, and at once: no write waits. */
static void time_passes(void)
{
	CHECK_EQUAL(signals_start(&guest, 1000000), 0);
	while (!signals_is_late())
		pause();
	CHECK(signals_wake() && console_is_closing && signals_arm(1) == NULL);
	signals_take(&guest);
	CHECK(guest.is_ended && guest.exit_code == EXIT_TIMED_OUT);
}

/* A write that nobody takes is given up. The kernel says again that time is up, for the first word may
 * have come just before the write. */
static void a_full_pipe(void)
{
	static uint8_t bytes[1 << 20];
	struct iovec part = { bytes, sizeof(bytes) };
	int ends[2];

	CHECK_EQUAL(pipe(ends), 0);
	console_is_closing = 0;
	console_write(ends[1], &part, 1);
	CHECK(console_is_closing && part.iov_len > 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	return RUN(TEST(a_helper_ends), TEST(a_signal_before_ppoll), TEST(the_first_only_asks),
		TEST(gdb_speaks), TEST(time_passes), TEST(a_full_pipe));
}
