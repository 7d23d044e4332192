/* Commands: see command.h. */
#include "host/build/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/report.h"

volatile sig_atomic_t command_is_interrupted;

void command_add(struct command *command, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	if (command->count < COMMAND_WORDS_MAX)
		length = vasprintf(&command->words[command->count++], format, arguments);
	else
		length = -1;
	va_end(arguments);
	if (length < 0)
		exit(report_error(EXIT_INTERNAL, NULL, "a command of the build is too long"));
}

static void show(const struct command *command)
{
	char line[8192];
	size_t length = 0;

	for (int i = 0; i < command->count && length < sizeof(line) - 1; i++)
		length += (size_t)snprintf(
			line + length, sizeof(line) - length, "%s ", command->words[i]);
	report_line("%s", line);
}

static _Noreturn void become(const struct command *command, int output)
{
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	if (command->directory && chdir(command->directory) != 0)
		_exit(report_error(1, NULL, "%s: %m", command->directory));
	execvp(command->words[0], command->words);
	_exit(report_error(1,
		errno == ENOENT ? "install the tools:  apt-get install clang-19 lld-19 gcc" : NULL,
		"can't run %s: %m", command->words[0]));
}

static bool start(struct command *command, int output, pid_t *child)
{
	if (command_is_interrupted)
		return false;
	command->words[command->count] = NULL;
	if (command->is_shown)
		show(command);
	*child = fork();
	if (*child < 0)
		report_error(1, NULL, "can't start %s: %m", command->words[0]);
	if (*child == 0)
		become(command, output);
	return *child > 0;
}

static bool finish(const struct command *command, pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		report_error(1, NULL, "%s died of signal %d", command->words[0], WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool command_run(struct command *command)
{
	pid_t child;

	return start(command, -1, &child) && finish(command, child);
}

bool command_read(struct command *command, char *output, size_t room)
{
	size_t length = 0;
	ssize_t got = 1;
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0 || !start(command, ends[1], &child))
		return false;
	close(ends[1]);
	while (length < room - 1 && got > 0) {
		got = read(ends[0], output + length, room - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	output[length] = '\0';
	close(ends[0]);
	return finish(command, child);
}
