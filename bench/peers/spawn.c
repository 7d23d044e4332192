/*
 * Times a command, many times over: vfork + exec until it ends, or until it first prints a text.
 *
 *     spawn COUNT [--until TEXT] [--status N] [--within SECONDS] COMMAND [ARGUMENT ...]
 *
 * Prints one line a run: microseconds, and the CPU time that the command and its children took. The
 * command's output goes to /dev/null; with --until it is read through a pipe, and the command is
 * killed once the text came. A command that ends otherwise than with N (0) ends the measurement. One
 * that takes longer than --within is killed and started again, four times at most; each is told on
 * standard error. TERM and INT end the command, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define HANGS_MOST 4

static volatile sig_atomic_t command_pid, has_hung;

static void on_signal(int number)
{
	if (command_pid > 0)
		kill(command_pid, SIGKILL);
	if (number != SIGALRM)
		_exit(128 + number);
	has_hung = 1;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double cpu_us(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 + usage->ru_utime.tv_usec +
	       usage->ru_stime.tv_usec;
}

/* Reads until the text came; false at the end of the output. */
static int wait_for_text(int from, const char *text)
{
	static char seen[1 << 20];
	size_t length = 0;
	ssize_t n;

	while (length < sizeof(seen) - 1 &&
		(n = read(from, seen + length, sizeof(seen) - 1 - length)) > 0) {
		length += n;
		seen[length] = '\0';
		if (strstr(seen, text) != NULL)
			return 1;
	}
	return 0;
}

/* 0; HUNG: it took longer than `within` seconds (0: it may); else an exit code. */
#define HUNG (-1)

static int time_once(char **command, const char *until, int good, unsigned within)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int ends[2] = { -1, -1 }, status, came = 1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (until != NULL) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return 1;
		posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	} else {
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	}

	double start = now_us();

	if (posix_spawnp(&pid, command[0], &actions, NULL, command, environ) != 0) {
		perror(command[0]);
		return 127;
	}
	command_pid = pid;
	has_hung = 0;
	alarm(within);
	if (until != NULL) {
		close(ends[1]);
		came = wait_for_text(ends[0], until);
	}

	double end = now_us();

	if (until != NULL) {
		close(ends[0]);
		kill(pid, SIGKILL);
	}
	wait4(pid, &status, 0, &usage);
	if (until == NULL)
		end = now_us();
	alarm(0);
	command_pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	if (has_hung)
		return HUNG;
	if (!came) {
		fprintf(stderr, "spawn: %s never printed \"%s\"\n", command[0], until);
		return 1;
	}
	if (until == NULL && (!WIFEXITED(status) || WEXITSTATUS(status) != good)) {
		fprintf(stderr, "spawn: %s: exit %d\n", command[0], WEXITSTATUS(status));
		return 1;
	}
	printf("%.1f %.1f\n", end - start, cpu_us(&usage));
	return 0;
}

int main(int argc, char **argv)
{
	const char *until = NULL;
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int count, first = 2, good = 0, status = 0, hangs = 0;
	unsigned within = 0;

	if (argc > first + 2 && strcmp(argv[first], "--until") == 0) {
		until = argv[first + 1];
		first += 2;
	}
	if (argc > first + 2 && strcmp(argv[first], "--status") == 0) {
		good = atoi(argv[first + 1]);
		first += 2;
	}
	if (argc > first + 2 && strcmp(argv[first], "--within") == 0) {
		within = (unsigned)atoi(argv[first + 1]);
		first += 2;
	}
	if (argc <= first || (count = atoi(argv[1])) <= 0) {
		fprintf(stderr,
			"spawn COUNT [--until TEXT] [--status N] [--within SECONDS] COMMAND ...\n");
		return 2;
	}
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	for (int i = 0; i < count && status == 0; i++) {
		status = time_once(argv + first, until, good, within);
		if (status != HUNG)
			continue;
		fprintf(stderr, "spawn: %s hung for %u s\n", argv[first], within);
		status = ++hangs > HANGS_MOST;
		i--;
	}
	return status;
}
