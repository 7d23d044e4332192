/*
 * A body under observation: it runs in a child, as `diatom run` would run it, and the parent reads what
 * it leaves in shared memory until it ends.
 *
 * The child has a session of its own, so that INT from a terminal comes to the parent alone; the parent
 * passes on INT, TERM, HUP and QUIT (as TERM), and after --seconds asks the body to finish, and ends it
 * when it has not done so two seconds later. A child dies with its parent.
 */
#ifndef DIATOM_HOST_OBSERVE_SESSION_H
#define DIATOM_HOST_OBSERVE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "host/observe/observer.h"
#include "host/observe/words.h"
#include "host/options.h"

struct session {
	struct options *options; /* of the run */
	struct observer observer;
	int64_t limit_ns;  /* --seconds; 0: none */
	int64_t period_ns; /* between two calls of drain */
	/* Empties the rings. */
	void (*drain)(void *self);
	void *self;
};

/*
 * The command line of `diatom COMMAND`: its own words, then those of the run, of which it refuses what
 * doesn't go with it: a run in the background, gdb. 0, or the exit code after having said why. *is_done:
 * --help was asked for and printed.
 */
int session_words(struct options *options, struct word *words, unsigned count, const char *command,
	const char *help, int argc, char **argv, bool *is_done);

/* The image's file name, after which files are named. */
const char *session_name(const struct options *options);

/* Makes session->observer.told: shared memory. 0, or the exit code after having said why. */
int session_begin(struct session *session);

/* Runs the body to its end, and drains a last time. Returns the run's exit code. */
int session_run(struct session *session);

#endif
