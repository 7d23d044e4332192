/*
 * Everything that the parent waits for is a signal (a child's end is SIGCHLD), all are blocked, and one
 * sigtimedwait a period takes them.
 */
#include "host/observe/session.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/report.h"
#include "host/run.h"

#define BILLION	 INT64_C(1000000000)
#define GRACE_NS (2 * BILLION)

static sigset_t watched_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	return set;
}

static int check(const struct options *options)
{
	const char *given = options->is_detached       ? "--detach"
			    : options->name[0] != '\0' ? "--name"
			    : options->gdb != NULL     ? "--gdb"
						       : NULL;

	return given == NULL ? 0
			     : report_error(EXIT_USAGE, "leave it out, or use  diatom run",
				       "%s does not go with being watched", given);
}

int session_words(struct options *options, struct word *words, unsigned count, const char *command,
	const char *help, int argc, char **argv, bool *is_done)
{
	int code = words_take(words, count, command, &argc, argv);

	if (code == 0)
		code = options_parse(options, argc, argv);
	if (code == 0 && options->wants_help) {
		report_write(STDOUT_FILENO, help, strlen(help));
		*is_done = true;
		return 0;
	}
	return code == 0 ? check(options) : code;
}

const char *session_name(const struct options *options)
{
	const char *slash = strrchr(options->image, '/');

	return slash != NULL ? slash + 1 : options->image;
}

int session_begin(struct session *session)
{
	void *shared = mmap(NULL, sizeof(*session->observer.told), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory to share with the image");
	session->observer.told = shared;
	return 0;
}

static _Noreturn void run_child(
	const struct session *session, pid_t parent, const sigset_t *mask, int64_t started_ns)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_INTERNAL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	_exit(run_observed(session->options, &session->observer, started_ns));
}

static int exit_code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What is to happen to a body that runs longer than its limit. */
struct limit {
	int64_t ask_at, end_at; /* INT64_MAX: never */
};

static void enforce(struct limit *limit, pid_t child)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now >= limit->end_at) {
		limit->end_at = INT64_MAX;
		kill(child, SIGTERM); /* a second one ends it */
	}
	if (now >= limit->ask_at) {
		limit->ask_at = INT64_MAX;
		limit->end_at = now + GRACE_NS;
		kill(child, SIGTERM);
	}
}

/* One period, or until something happens. */
static void wait_for_signal(const sigset_t *set, int64_t period_ns, pid_t child)
{
	struct timespec timeout = { period_ns / BILLION, period_ns % BILLION };
	int number = sigtimedwait(set, NULL, &timeout);

	if (number == SIGINT || number == SIGTERM)
		kill(child, number);
	else if (number == SIGHUP || number == SIGQUIT)
		kill(child, SIGTERM);
}

static int watch(const struct session *session, pid_t child, const sigset_t *set, int64_t start)
{
	struct limit limit = { INT64_MAX, INT64_MAX };
	int status = 0;

	if (session->limit_ns != 0)
		limit.ask_at = start + session->limit_ns;
	while (waitpid(child, &status, WNOHANG) == 0) {
		wait_for_signal(set, session->period_ns, child);
		session->drain(session->self);
		enforce(&limit, child);
	}
	session->drain(session->self);
	return exit_code_of(status);
}

int session_run(struct session *session)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	sigset_t set = watched_signals(), before;
	pid_t parent = getpid(), child;
	int code;

	sigprocmask(SIG_BLOCK, &set, &before);
	child = fork();
	if (child < 0)
		return report_error(
			EXIT_HOST_LACKS, NULL, "no process for the image: %s", strerror(errno));
	if (child == 0)
		run_child(session, parent, &before, start);
	code = watch(session, child, &set, start);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
