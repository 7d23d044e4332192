/*
 * The supervisor outlives the run by a moment only: it waits, writes down the exit code, and lets the
 * lock go with its own end. Who finds the lock free finds the exit code.
 */
#include "host/named/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/log.h"
#include "host/report.h"

static pid_t child;	/* the run */
static int log_pipe[2]; /* what a detached run prints */
static int ready_pipe[2];

static volatile sig_atomic_t early; /* a signal that came before there was a run */

/* What a terminal sends goes to the run as well; what a process sends came to us alone. */
static void forward(int number, siginfo_t *info, void *context)
{
	if (child == 0)
		early = number;
	else if (info->si_code != SI_KERNEL)
		kill(child, number);
}

static void forward_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

/* Waits for the run and writes down how it ended. */
static int note_end(const struct place *place)
{
	int status = 0, code, length;
	char text[16];

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	length = snprintf(text, sizeof(text), "%d\n", code);
	place_write(place, "exit", text, (size_t)length);
	return code;
}

/* Moves what the run prints to its log; false once nobody holds the other end. */
static bool pump(struct log *log)
{
	char bytes[65536];
	ssize_t n = read(log_pipe[0], bytes, sizeof(bytes));

	if (n > 0)
		log_write(log, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until the run says that it is up; false if it ends before. */
static bool pump_until_up(struct log *log)
{
	struct pollfd polled[] = { { .fd = log_pipe[0], .events = POLLIN },
		{ .fd = ready_pipe[0], .events = POLLIN } };
	char byte;

	for (;;) {
		if (poll(polled, 2, -1) < 0)
			continue;
		/* The start lines were written before the word. */
		if (polled[0].revents != 0) {
			if (!pump(log))
				return false;
			continue;
		}
		if (polled[1].revents != 0)
			return read(ready_pipe[0], &byte, 1) == 1;
	}
}

/* The supervisor of a detached run; `told` is written when the run is up. */
static _Noreturn void supervise(const struct place *place, int told)
{
	struct log log;

	close(log_pipe[1]);
	close(ready_pipe[1]);
	log_open(&log, place);
	if (pump_until_up(&log)) {
		(void)!write(told, "", 1);
		close(told);
		close(ready_pipe[0]);
	}
	while (pump(&log))
		;
	_exit(note_end(place));
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
}

static int start_run(struct options *options, struct named_run *named,
	int (*run)(struct options *options, const struct named_run *named))
{
	pid_t pid;

	forward_signals();
	pid = fork();
	if (pid < 0)
		return report_error(EXIT_HOST_LACKS, NULL, "no process: %s", strerror(errno));
	if (pid > 0) {
		child = pid;
		if (early != 0)
			kill(child, early);
		return 0;
	}
	for (int number = SIGHUP; number <= SIGTERM; number++)
		signal(number, SIG_DFL);
	if (early != 0)
		raise(early);
	if (named->is_detached) {
		dup2(log_pipe[1], STDOUT_FILENO);
		dup2(log_pipe[1], STDERR_FILENO);
	}
	named->ready = ready_pipe[1];
	exit(run(options, named));
}

/* Waits for the supervisor's word; shows what the run said so far. */
static int wait_until_up(const struct place *place, pid_t supervisor, int told)
{
	int status = 0;
	char byte;
	bool is_up = read(told, &byte, 1) == 1;

	if (!is_up)
		waitpid(supervisor, &status, 0);
	log_copy(place, STDERR_FILENO);
	if (is_up)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int detach(struct options *options, struct named_run *named,
	int (*run)(struct options *options, const struct named_run *named))
{
	int told[2];
	pid_t supervisor;

	if (pipe2(log_pipe, O_CLOEXEC) != 0 || pipe2(told, O_CLOEXEC) != 0 ||
		(supervisor = fork()) < 0)
		return report_error(
			EXIT_HOST_LACKS, NULL, "no process for the run: %s", strerror(errno));
	if (supervisor > 0) {
		close(told[1]);
		close(log_pipe[1]);
		return wait_until_up(&named->place, supervisor, told[0]);
	}
	leave_terminal();
	signal(SIGPIPE, SIG_IGN); /* who waits for the word may be gone */
	if (start_run(options, named, run) != 0)
		_exit(EXIT_HOST_LACKS);
	close(named->data);
	supervise(&named->place, told[1]);
}

int named_start(
	struct options *options, int (*run)(struct options *options, const struct named_run *named))
{
	static struct named_run named;
	int code = place_claim(&named.place, options->name);

	if (code != 0)
		return code;
	named.is_detached = options->is_detached;
	named.data = openat(named.place.folder, "data",
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (named.data < 0 || pipe2(ready_pipe, O_CLOEXEC) != 0)
		return report_error(EXIT_HOST_LACKS, NULL, "the state of run \"%s\": %s",
			options->name, strerror(errno));
	if (named.is_detached)
		return detach(options, &named, run);
	code = start_run(options, &named, run);
	if (code != 0)
		return code;
	return note_end(&named.place);
}
