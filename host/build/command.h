/*
 * A command to run: an argument vector that grows, and its child process. Used once a build for each
 * tool, so nothing is ever freed.
 */
#ifndef DIATOM_HOST_BUILD_COMMAND_H
#define DIATOM_HOST_BUILD_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define COMMAND_WORDS_MAX 1024

struct command {
	char *words[COMMAND_WORDS_MAX + 1];
	int count;
	const char *directory; /* where it runs; NULL: here */
	bool is_shown;	       /* print it first */
};

/* Set by INT and TERM: no further command starts, so that the build ends and cleans up. */
extern volatile sig_atomic_t command_is_interrupted;

/* Adds one word. */
__attribute__((format(printf, 2, 3))) void command_add(
	struct command *command, const char *format, ...);

/* Runs it, output and errors passing through. True when it ended with 0; else the tool has said why,
 * or, if it could not be started, this function. */
bool command_run(struct command *command);

/* Runs it with its standard output in `output`, NUL-ended. False as command_run. */
bool command_read(struct command *command, char *output, size_t room);

#endif
