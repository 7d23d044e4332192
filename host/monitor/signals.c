/*
 * The handler runs on the only thread and touches only what is volatile here.
 */
#include "host/monitor/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"

#define FOREVER_SECONDS 1000000000
#define AGAIN_US	100000

static volatile sig_atomic_t requests; /* INT and TERM that came */
static volatile sig_atomic_t last_signal;
static volatile sig_atomic_t is_late;	/* the time limit passed */
static volatile sig_atomic_t is_orphan; /* a helper ended */
static volatile sig_atomic_t orphaned_by;
static volatile sig_atomic_t has_input; /* from gdb */
static sig_atomic_t woken;		/* requests that the body woke up for */
static struct timespec timeout; /* what ppoll is given; not a local: the handler outlives those */
static struct kvm_run *run;
static volatile struct boot_host_page *page;

/* What a signal makes the next call that could wait do: return. */
static void wake_all(void)
{
	console_is_closing = is_late || is_orphan || requests > 1;
	__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_RELAXED);
	timeout = (struct timespec){ 0, 0 };
}

static void handle(int number)
{
	if (number == SIGALRM) {
		is_late = 1;
	} else if (number == SIGIO) {
		has_input = 1;
	} else {
		requests++;
		last_signal = number;
		page->finish_requested = (uint32_t)requests;
	}
	wake_all();
}

/* Once the image is finishing, its helpers may be, too: who stops a service stops all of it. */
static void handle_child(int number, siginfo_t *info, void *context)
{
	if (requests > 0)
		return;
	is_orphan = 1;
	orphaned_by = info->si_code == CLD_EXITED ? 0 : info->si_status;
	wake_all();
}

static int watch_helpers(void)
{
	struct sigaction action = { .sa_sigaction = handle_child,
		.sa_flags = SA_SIGINFO | SA_NOCLDSTOP };
	siginfo_t ended = { 0 };

	if (sigaction(SIGCHLD, &action, NULL) != 0)
		return -errno;
	/* It may have ended before. */
	if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
		handle_child(SIGCHLD, &ended, NULL);
	return 0;
}

int signals_start(struct guest *guest, int64_t timeout_ns)
{
	struct sigaction action = { .sa_handler = handle };
	/* Again and again: the first may come just before a call that blocks. */
	struct itimerval limit = { .it_interval = { 0, AGAIN_US },
		.it_value = { timeout_ns / 1000000000, timeout_ns % 1000000000 / 1000 } };

	run = guest->vcpu.run;
	page = guest->page;
	if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	if (guest->has_helper && watch_helpers() != 0)
		return -errno;
	if (timeout_ns == 0)
		return 0;
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &limit, NULL) != 0)
		return -errno;
	return 0;
}

void signals_take(struct guest *guest)
{
	__atomic_store_n(&run->immediate_exit, 0, __ATOMIC_RELAXED);
	__asm__ volatile("" ::: "memory");
	/* A signal right here sets immediate_exit again or is seen below: none is lost. */
	if (is_orphan && !is_late && requests < 2)
		guest_end(guest, EXIT_HOST_LACKS);
	else if (is_late || requests > 1)
		guest_end(guest, signals_exit_code());
}

int signals_exit_code(void)
{
	return is_late ? EXIT_TIMED_OUT : 128 + last_signal;
}

int signals_watch(int fd)
{
	struct sigaction action = { .sa_handler = handle };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || sigaction(SIGIO, &action, NULL) != 0 ||
		fcntl(fd, F_SETOWN, getpid()) != 0 ||
		fcntl(fd, F_SETFL, flags | O_ASYNC | O_NONBLOCK) != 0)
		return -errno;
	has_input = 1; /* what came before */
	return 0;
}

bool signals_take_input(void)
{
	bool had = has_input;

	has_input = 0;
	return had;
}

bool signals_is_late(void)
{
	return is_late;
}

int signals_orphaned_by(void)
{
	return is_orphan ? orphaned_by : 0;
}

bool signals_wake(void)
{
	sig_atomic_t now = requests;

	if (now == woken)
		return is_late || is_orphan;
	woken = now;
	return true;
}

struct timespec *signals_arm(int64_t left_ns)
{
	timeout = left_ns == INT64_MAX
			  ? (struct timespec){ FOREVER_SECONDS, 0 }
			  : (struct timespec){ left_ns / 1000000000, left_ns % 1000000000 };
	__asm__ volatile("" ::: "memory");
	return requests == woken && !is_late && !is_orphan && !has_input ? &timeout : NULL;
}
