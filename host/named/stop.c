/*
 * `diatom stop`: TERM, patience, KILL. The process is taken by a descriptor (pidfd) and its start time
 * compared before anything is sent, so that no other can be hit that has its id by now.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/commands.h"
#include "host/named/state.h"
#include "host/options.h"
#include "host/report.h"

#define TIME_S	   10
#define TIME_S_MAX 1000000
#define LOOK_NS	   5000000

static const char help[] =
	"diatom stop [--time SECONDS] NAME\n"
	"\n"
	"  --time SECONDS   how long it may take to finish (10) before it is ended by force\n"
	"\n"
	"Asks a run to finish (TERM), waits until it has, and says with which exit code.\n";

/* A descriptor for the run's process; -1: it is gone, or was never written down. */
static int open_process(const struct state *state)
{
	int64_t pid = state_number(state, "pid"), start = state_number(state, "pid_start");
	int fd;

	if (pid <= 1 || start < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0 || state_process_start((int)pid) == start)
		return fd;
	close(fd);
	return -1;
}

/* Waits for the run's and its supervisor's end. False when time is up. */
static bool wait_for_end(const struct place *place, int process, uint32_t seconds)
{
	struct pollfd polled = { .fd = process, .events = POLLIN };
	struct timespec pause = { 0, LOOK_NS };

	if (poll(&polled, 1, (int)seconds * 1000) == 0)
		return false;
	/* The supervisor writes down the exit code. */
	for (int i = 0; i < 1000 && place_is_alive(place); i++)
		nanosleep(&pause, NULL);
	return true;
}

static int stop(const struct place *place, uint32_t seconds)
{
	static struct state state;
	int process;
	bool is_forced = false;

	state_read(place, &state);
	process = state.is_alive ? open_process(&state) : -1;
	if (process < 0)
		return report_error(EXIT_REFUSED, "those that run:  diatom ps",
			"\"%s\" does not run", place->name);
	if (syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0) != 0 && errno != ESRCH) {
		close(process);
		return report_error(EXIT_HOST_LACKS, NULL, "\"%s\" can't be asked to finish: %s",
			place->name, strerror(errno));
	}
	if (!wait_for_end(place, process, seconds)) {
		is_forced = true;
		syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
		wait_for_end(place, process, TIME_S);
	}
	close(process);
	state_read(place, &state);
	if (state.has_exit)
		report_line("%s: exit %d%s", place->name, state.exit_code,
			is_forced ? ", ended by force: it did not finish in time" : "");
	else
		report_line("%s: ended", place->name);
	return 0;
}

int stop_command(int argc, char **argv)
{
	const char *name = NULL;
	uint32_t seconds = TIME_S;
	struct place place;
	int code;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--time") == 0 && i + 1 < argc &&
			options_parse_number(argv[i + 1], TIME_S_MAX, &seconds)) {
			i++;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			report_write(STDOUT_FILENO, help, sizeof(help) - 1);
			return 0;
		} else if (argv[i][0] == '-' || name != NULL) {
			return report_error(EXIT_USAGE, "all options:  diatom stop --help",
				"stop does not take \"%s\"", argv[i]);
		} else {
			name = argv[i];
		}
	}
	if (name == NULL)
		return report_error(EXIT_USAGE, "those that run:  diatom ps",
			"which one? say:  diatom stop NAME");
	code = place_find(&place, name);
	if (code != 0)
		return code;
	code = stop(&place, seconds);
	place_close(&place);
	return code;
}
