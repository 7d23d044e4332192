/*
 * One loop around ppoll. Signals are blocked and read from a descriptor, so that they are events like
 * the others; QEMU gets a session of its own, so that a terminal's ^C reaches us alone.
 */
#define _GNU_SOURCE /* ppoll, execvpe */
#include "host/qemu/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/shim.h"
#include "host/clock.h"
#include "host/qemu/bridge.h"
#include "host/qemu/crash.h"
#include "host/qemu/files.h"
#include "host/qemu/leash.h"
#include "host/qemu/mirror.h"
#include "host/qemu/pump.h"
#include "host/report.h"

#define SECOND	    INT64_C(1000000000)
#define KEPT_BYTES  8192
#define EXIT_KILLED (128 + SIGKILL)

enum { AT_SIGNALS, AT_REPORT, AT_CONSOLE, AT_INPUT, AT_GDB, AT_MACHINE, PLACES };

struct guest_watch {
	const struct guest *guest;
	const struct run_config *config;
	pid_t child;
	int signals;
	int report; /* -1: closed */
	struct pump console, input;
	struct mirror mirror;
	struct bridge *bridge; /* NULL: there is no gdb */
	unsigned requests;     /* INT and TERM that came */
	bool is_started;       /* the mark came */
	bool has_crashed;      /* likewise */
	bool has_code, wants_code;
	bool has_ended; /* QEMU */
	int code;	/* by the mark, a second signal, or the time limit */
	int status;	/* of wait */
	size_t kept;	/* of texts after a crash; more than fits is lost */
	char texts[KEPT_BYTES];
};

static bool make_pair(int *ours, int *theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	*ours = ends[0];
	*theirs = ends[1];
	return true;
}

int guest_open(struct guest *guest, const struct run_config *config, const struct image *image)
{
	int code;

	guest->input = guest->ends.input = -1;
	guest->gdb = guest->ends.gdb = -1;
	if (!make_pair(&guest->console, &guest->ends.console) ||
		!make_pair(&guest->report, &guest->ends.report) ||
		(image->console.name[0] != '\0' && !make_pair(&guest->input, &guest->ends.input)) ||
		(config->gdb != NULL && !make_pair(&guest->gdb, &guest->ends.gdb)))
		return report_error(
			EXIT_HOST_LACKS, NULL, "can't talk to QEMU: %s", strerror(errno));
	guest->image = image;
	if (!memory_make(&guest->memory, config->memory_bytes))
		return report_error(EXIT_OUT_OF_MEMORY, "give it less:  --mem MIB",
			"no memory for a machine of %llu MiB: %s",
			(unsigned long long)(config->memory_bytes >> 20), strerror(errno));
	guest->ends.memory = guest->memory.fd;
	guest->ends.files = files_ramdisk(config, &code);
	return code;
}

/* What the child does: never returns. The environment may hold secrets, and QEMU needs nothing of it. */
static _Noreturn void become_qemu(
	const struct guest *guest, const struct run_config *config, struct command *command)
{
	const int kept[] = { guest->ends.console, guest->ends.report, guest->ends.input,
		guest->ends.files, guest->ends.memory, guest->ends.gdb };
	char *no_environment[] = { NULL };
	sigset_t none;
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		fcntl(kept[i], F_SETFD, 0);
	for (unsigned i = 0; i < config->net_count; i++)
		if (config->nets[i].fd >= 0)
			fcntl(config->nets[i].fd, F_SETFD, 0);
	command->words[command->count] = NULL;
	execvpe(command->words[0], command->words, no_environment);
	_exit(report_error(EXIT_HOST_LACKS,
		errno == ENOENT ? "install it:  apt-get install qemu-system-x86" : NULL,
		"can't run %s: %s", command->words[0], strerror(errno)));
}

static void close_theirs(const struct guest *guest, const struct run_config *config)
{
	close(guest->ends.console);
	close(guest->ends.report);
	close(guest->ends.input);
	close(guest->ends.files);
	close(guest->ends.gdb);
	for (unsigned i = 0; i < config->net_count; i++)
		if (config->nets[i].fd >= 0)
			close(config->nets[i].fd);
}

static void ask_to_finish(struct guest_watch *watch)
{
	const char request = SHIM_FINISH;

	send(watch->guest->console, &request, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void take_start(struct guest_watch *watch)
{
	if (watch->is_started)
		return;
	watch->is_started = true;
	run_announce(watch->config, watch->guest->target);
	if (watch->requests > 0)
		ask_to_finish(watch);
}

static void take_text(struct guest_watch *watch, const char *text, size_t length)
{
	size_t room = sizeof(watch->texts) - watch->kept;

	if (!watch->has_crashed) {
		report_write(STDERR_FILENO, text, length);
		return;
	}
	length = length < room ? length : room;
	memcpy(watch->texts + watch->kept, text, length);
	watch->kept += length;
}

static void take_mark(struct guest_watch *watch, char mark)
{
	if (mark == SHIM_ENDS)
		watch->wants_code = true;
	else if (mark == SHIM_STARTS)
		take_start(watch);
	else
		watch->has_crashed = true;
}

/* Texts go to standard error, marks are acted on. True if something came. */
static bool take_report(struct guest_watch *watch)
{
	char bytes[2048];
	ssize_t n = recv(watch->report, bytes, sizeof(bytes), MSG_DONTWAIT);
	ssize_t from = 0;

	for (ssize_t i = 0; i < n; i++) {
		bool is_mark = watch->wants_code || (bytes[i] >= 0 && bytes[i] <= SHIM_MARK_LAST);

		if (!is_mark)
			continue;
		take_text(watch, bytes + from, (size_t)(i - from));
		from = i + 1;
		if (watch->wants_code) {
			watch->code = (uint8_t)bytes[i];
			watch->has_code = true;
			watch->wants_code = false;
		} else {
			take_mark(watch, bytes[i]);
		}
	}
	if (n > from)
		take_text(watch, bytes + from, (size_t)(n - from));
	if (n == 0)
		watch->report = -1;
	return n > 0;
}

static void end(struct guest_watch *watch, int code)
{
	watch->code = code;
	watch->has_code = true;
	kill(watch->child, SIGKILL);
}

static void take_signal(struct guest_watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		watch->has_ended = waitpid(watch->child, &watch->status, WNOHANG) == watch->child;
		return;
	}
	watch->requests++;
	if (watch->requests > 1 || (watch->bridge != NULL && bridge_stands(watch->bridge)))
		end(watch, 128 + (int)info.ssi_signo);
	else if (watch->is_started)
		ask_to_finish(watch);
}

/* Of the run's time; INT64_MAX: it has no limit. */
static int64_t left_ns(const struct run_config *config, int64_t now)
{
	if (config->timeout_ns == 0)
		return INT64_MAX;
	return config->started_ns + config->timeout_ns - now;
}

static void turn_bridge(struct guest_watch *watch, bool is_from_gdb)
{
	struct bridge *bridge = watch->bridge;

	bridge_turn(bridge, is_from_gdb);
	if (bridge->stub.is_wrong)
		end(watch, bridge_complain(watch->config));
	else if (bridge->link->server.state == GDB_KILLED)
		end(watch, EXIT_KILLED);
}

static void take_news(struct guest_watch *watch, const struct pollfd *places)
{
	if (places[AT_CONSOLE].revents != 0)
		pump_move(&watch->console);
	if (places[AT_INPUT].revents != 0)
		pump_move(&watch->input);
	if (places[AT_REPORT].revents != 0)
		take_report(watch);
	if (watch->bridge != NULL &&
		(places[AT_GDB].revents != 0 || places[AT_MACHINE].revents != 0))
		turn_bridge(watch, places[AT_GDB].revents != 0);
	if (places[AT_SIGNALS].revents != 0)
		take_signal(watch);
}

/* Waits for news and takes it. False: the time limit passed. */
static bool turn(struct guest_watch *watch)
{
	bool has_bridge = watch->bridge != NULL && !watch->has_code;
	struct pollfd places[PLACES] = {
		[AT_SIGNALS] = { .fd = watch->signals, .events = POLLIN },
		[AT_REPORT] = { .fd = watch->report, .events = POLLIN },
		[AT_CONSOLE] = pump_wish(&watch->console),
		[AT_INPUT] = pump_wish(&watch->input),
		[AT_GDB] = { has_bridge ? bridge_gdb(watch->bridge) : -1, POLLIN, 0 },
		[AT_MACHINE] = { has_bridge ? bridge_machine(watch->bridge) : -1, POLLIN, 0 },
	};
	int64_t now = clock_ns(CLOCK_MONOTONIC), left = left_ns(watch->config, now);
	int64_t copy = mirror_left_ns(&watch->mirror, now);
	struct timespec wait;

	if (left <= 0)
		return false;
	if (copy == 0) {
		mirror_copy(&watch->mirror, now);
		copy = mirror_left_ns(&watch->mirror, now);
	}
	left = left < copy ? left : copy;
	wait = (struct timespec){ left / SECOND, left % SECOND };
	if (ppoll(places, PLACES, left == INT64_MAX ? NULL : &wait, NULL) > 0)
		take_news(watch, places);
	return true;
}

/* What an end without a code of the image's means. */
static int judge(const struct guest_watch *watch)
{
	int status = watch->status;

	if (WIFSIGNALED(status))
		return report_error(
			EXIT_INTERNAL, NULL, "QEMU died of signal %d", WTERMSIG(status));
	if (!watch->is_started && WEXITSTATUS(status) == EXIT_HOST_LACKS)
		return EXIT_HOST_LACKS; /* it was not found, and that is said */
	if (!watch->is_started && WEXITSTATUS(status) == 1)
		return report_error(EXIT_HOST_LACKS, "see its words above",
			"%s: QEMU did not start it", watch->config->name);
	if (WEXITSTATUS(status) == 0)
		return report_error(EXIT_CRASHED, "try another --cpu or --machine",
			"%s: the machine reset itself %s", watch->config->name,
			watch->is_started ? "while the image ran" : "before the image ran");
	return report_error(EXIT_INTERNAL, NULL, "%s: QEMU ended with status %d",
		watch->config->name, WEXITSTATUS(status));
}

static int open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Brings the machine to its first instruction, and gdb to it. */
static void start_bridge(struct guest_watch *watch, struct guest *guest)
{
	static struct bridge bridge;
	int code = bridge_start(
		&bridge, watch->config, guest->image, &guest->memory, guest->gdb, guest->console);

	if (code == 0) {
		watch->bridge = &bridge;
		return;
	}
	end(watch, code);
	waitpid(watch->child, &watch->status, 0);
	watch->has_ended = true;
}

static void tell_crash(struct guest_watch *watch, struct guest *guest)
{
	if (!crash_tell(&guest->memory, watch->config, guest->image))
		report_write(STDERR_FILENO, watch->texts, watch->kept);
}

int guest_run(struct guest *guest, const struct run_config *config, struct command *command)
{
	struct guest_watch watch = {
		.guest = guest, .config = config, .report = guest->report, .signals = open_signals()
	};
	struct leash leash;

	watch.child = fork();
	if (watch.child < 0)
		return report_error(EXIT_HOST_LACKS, NULL, "can't start %s: %s", command->words[0],
			strerror(errno));
	if (watch.child == 0)
		become_qemu(guest, config, command);
	close_theirs(guest, config);
	if (!leash_start(&leash, watch.child) && !config->is_quiet)
		report_line("QEMU goes on if diatom is killed: %s", strerror(errno));
	pump_start(&watch.console, guest->console, STDOUT_FILENO);
	pump_start(&watch.input, guest->input >= 0 ? STDIN_FILENO : -1, guest->input);
	mirror_init(&watch.mirror, &guest->memory, config, guest->image);
	if (config->gdb != NULL)
		start_bridge(&watch, guest);
	while (!watch.has_ended) {
		if (turn(&watch))
			continue;
		run_announce_timeout(config);
		end(&watch, EXIT_TIMED_OUT);
		waitpid(watch.child, &watch.status, 0);
		break;
	}
	leash_drop(&leash);
	while (watch.report >= 0 && take_report(&watch))
		;
	pump_drain(&watch.console, watch.requests > 1 || watch.code == EXIT_TIMED_OUT);
	mirror_copy(&watch.mirror, clock_ns(CLOCK_MONOTONIC));
	if (watch.has_crashed)
		tell_crash(&watch, guest);
	if (!watch.has_code)
		watch.code = judge(&watch);
	if (watch.bridge != NULL)
		bridge_end(watch.bridge, watch.code);
	return watch.code;
}
