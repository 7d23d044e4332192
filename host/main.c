/*
 * diatom: the command line. Each command is a row; what it does is in its own file.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/build/build.h"
#include "host/gdb/command.h"
#include "host/inherited.h"
#include "host/inspect/inspect.h"
#include "host/named/commands.h"
#include "host/new/new.h"
#include "host/observe/profile.h"
#include "host/observe/trace.h"
#include "host/report.h"
#include "host/run.h"
#include "host/symbolize.h"

#define DIATOM_VERSION "0.1.0"

static const char help[] =
	"Diatom: one program with just the libraries that it calls, sealed, booted in a millisecond.\n"
	"\n"
	"  diatom new NAME                  a folder with a small program, its Makefile and test\n"
	"  diatom build main.c -o IMAGE     make an image of a C program\n"
	"  diatom run IMAGE [ARGUMENT ...]  start it: as a VM, or as a process where there is no KVM\n"
	"  diatom gdb IMAGE [ARGUMENT ...]  start it, and gdb connected to it\n"
	"  diatom inspect IMAGE             what it asks for, what is in it and why, what is weak\n"
	"  diatom symbolize IMAGE           name the places in a crash report\n"
	"  diatom ps | logs NAME | stop NAME | stats NAME | rm NAME    those started with --name\n"
	"  diatom profile IMAGE             run it, and draw where its time goes\n"
	"  diatom trace IMAGE               run it, and write a timeline of what it does\n"
	"  diatom version                   say which diatom this is\n"
	"\n"
	"  diatom build --help, diatom run --help, diatom gdb --help    all options\n"
	"  man diatom                                more\n";

static int help_command(int argc, char **argv)
{
	report_write(STDOUT_FILENO, help, sizeof(help) - 1);
	return 0;
}

static int version_command(int argc, char **argv)
{
	static const char text[] = "diatom " DIATOM_VERSION "\n";

	report_write(STDOUT_FILENO, text, sizeof(text) - 1);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* the words after the command's name */
} commands[] = {
	{ "run", run_command },
	{ "build", build_command },
	{ "gdb", gdb_command },
	{ "inspect", inspect_command },
	{ "new", new_command },
	{ "symbolize", symbolize_command },
	{ "ps", ps_command },
	{ "logs", logs_command },
	{ "stop", stop_command },
	{ "rm", rm_command },
	{ "stats", stats_command },
	{ "profile", profile_command },
	{ "trace", trace_command },
	{ "version", version_command },
	{ "--version", version_command },
	{ "help", help_command },
	{ "--help", help_command },
	{ "-h", help_command },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int unknown(const char *word)
{
	const char *names[COMMAND_COUNT + 1] = { 0 }, *near;
	char remedy[96];

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = report_nearest(word, names);
	/* An image in the command's place is the likeliest slip. */
	if (near == NULL && access(word, F_OK) == 0)
		snprintf(remedy, sizeof(remedy), "did you mean:  diatom run %.60s", word);
	else if (near != NULL)
		snprintf(remedy, sizeof(remedy), "did you mean \"%s\"?  all:  diatom --help", near);
	else
		snprintf(remedy, sizeof(remedy), "all commands:  diatom --help");
	return report_error(EXIT_USAGE, remedy, "there is no command \"%s\"", word);
}

int main(int argc, char **argv)
{
	inherited_mend();
	if (argc < 2) {
		report_write(STDERR_FILENO, help, sizeof(help) - 1);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 2, argv + 2);
	return unknown(argv[1]);
}
