/*
 * This process becomes gdb; the image is started by a child of it, in the background of the terminal,
 * and gdb comes to it by a Unix socket that only this user may open.
 *
 *     diatom gdb --fork--> diatom run, listens, gets ready to run --"ready"--+
 *         |                                                                  |
 *         +--- waits for "ready" <-------------------------------------------+
 *         +--- becomes gdb, which connects
 */
#include "host/gdb/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/debug/debug_file.h"
#include "host/gdb/link.h"
#include "host/image/image.h"
#include "host/options.h"
#include "host/report.h"
#include "host/run.h"

#define PATH_BYTES 4096

static const char help[] =
	"diatom gdb [RUN OPTION ...] IMAGE [ARGUMENT ...]    starts it, and gdb connected to it\n"
	"diatom gdb --port PORT IMAGE                        gdb for a diatom run --gdb PORT\n"
	"\n"
	"The image stands before its first instruction; say for instance\n"
	"  break main, continue, next, step, print x, backtrace, watch x, info threads, detach\n"
	"IMAGE.debug, which diatom build puts beside the image, has the symbols. Options of the image are\n"
	"those of diatom run; its standard input is empty.\n";

/* Takes "--port N" out of the words before the image. 0, or the exit code. */
static int take_port(int *argc, char **argv, const char **port)
{
	for (int i = 0; i < *argc && argv[i][0] == '-'; i++) {
		int words = strcmp(argv[i], "--port") == 0 ? 2 : 1;

		if (words == 1 && strncmp(argv[i], "--port=", 7) != 0)
			continue;
		if (i + words > *argc)
			return report_error(EXIT_USAGE, NULL, "--port needs a value");
		*port = words == 2 ? argv[i + 1] : argv[i] + 7;
		for (int j = i; j + words <= *argc; j++)
			argv[j] = argv[j + words];
		*argc -= words;
		break;
	}
	if (*port != NULL &&
		((*port)[0] == '\0' || (*port)[strspn(*port, "0123456789")] != '\0' ||
			strlen(*port) > 5 || atoi(*port) > UINT16_MAX || atoi(*port) == 0))
		return report_error(EXIT_USAGE, "say the port of diatom run --gdb PORT",
			"--port: \"%s\" won't do", *port);
	return 0;
}

static bool is_gdb_installed(void)
{
	const char *path = getenv("PATH");
	char file[PATH_BYTES];

	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/gdb", (int)length, path);
		if (access(file, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* Is there a gdb, and a file of symbols that belongs to the image? 0 or the exit code. */
static int check_tools(const char *path, const char *symbols)
{
	static struct image image;
	static struct debug_file file;
	struct image_error error;
	int code = 0;

	if (!is_gdb_installed())
		return report_error(
			EXIT_HOST_LACKS, "install it:  apt-get install gdb", "there is no gdb");
	if (!image_open(&image, path, &error))
		return report_error(error.code, error.remedy, "%s: %s", path, error.what);
	if (access(symbols, R_OK) != 0)
		code = report_error(EXIT_REFUSED,
			"diatom build puts it beside the image: keep the two together, or build again",
			"%s, which has the symbols, can't be read: %s", symbols, strerror(errno));
	else if (!debug_file_load(&file, &image, path))
		code = report_error(EXIT_REFUSED,
			"build the image again: both files are made together", "%s: %s", symbols,
			file.why);
	if (code == 0)
		debug_file_close(&file);
	image_close(&image);
	return code;
}

static int become_gdb(const char *symbols, const char *where)
{
	char connect[PATH_BYTES + 32];
	char *const words[] = { "gdb", "-q", "-iex", "set auto-solib-add off", "-iex",
		"set sysroot /nonexistent", "-ex", "set print pretty on", "-ex", connect,
		(char *)symbols, NULL };

	snprintf(connect, sizeof(connect), "target remote %s", where);
	execvp("gdb", words);
	return report_error(EXIT_HOST_LACKS, NULL, "gdb can't be started: %s", strerror(errno));
}

/* The child: the image in the background of the terminal. */
static _Noreturn void run_image(struct gdb_link *link, int argc, char **argv)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0); /* gdb's interrupts are not its own */
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	exit(run_with_gdb(link, argc, argv));
}

/* The image did not get ready, and said why. */
static int give_up(struct gdb_link *link, pid_t child)
{
	int status = 0;

	unlink(link->path);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERNAL;
}

static int start_both(const char *symbols, int argc, char **argv)
{
	static struct gdb_link link;
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char where[sizeof(link.path)];
	uint64_t random = 0;
	int ready[2], code;
	pid_t child;
	char byte;

	(void)!getrandom(&random, sizeof(random), 0);
	snprintf(where, sizeof(where), "unix:%.60s/diatom-gdb-%016llx",
		directory != NULL && directory[0] == '/' ? directory : "/tmp",
		(unsigned long long)random);
	code = gdb_link_listen(&link, where);
	if (code != 0)
		return code;
	if (pipe(ready) != 0 || (child = fork()) < 0) {
		unlink(link.path);
		return report_error(EXIT_HOST_LACKS, NULL, "making a process: %s", strerror(errno));
	}
	if (child == 0) {
		close(ready[0]);
		link.ready = ready[1];
		run_image(&link, argc, argv);
	}
	close(ready[1]);
	close(link.listener);
	if (read(ready[0], &byte, 1) != 1)
		return give_up(&link, child);
	close(ready[0]);
	return become_gdb(symbols, link.path);
}

int gdb_command(int argc, char **argv)
{
	static struct options options;
	char symbols[PATH_BYTES], where[32];
	const char *port = NULL;
	int code = take_port(&argc, argv, &port);

	if (code == 0)
		code = options_parse(&options, argc, argv);
	if (code != 0)
		return code;
	if (options.wants_help) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (options.is_detached)
		return report_error(EXIT_USAGE, "leave --detach out",
			"diatom gdb and --detach don't go together");
	snprintf(symbols, sizeof(symbols), "%s.debug", options.image);
	code = check_tools(options.image, symbols);
	if (code != 0)
		return code;
	if (port == NULL)
		return start_both(symbols, argc, argv);
	snprintf(where, sizeof(where), "127.0.0.1:%s", port);
	return become_gdb(symbols, where);
}
