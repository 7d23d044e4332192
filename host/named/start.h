/*
 * `diatom run --name NAME [--detach]`: the run gets a supervisor, a process that keeps the run's
 * folder, its log and its exit code.
 *
 *     in the foreground   shell --- supervisor --- run               same terminal, same signals
 *     detached            shell --- diatom, until it is up           its exit code says whether it is
 *                                     \--- supervisor --- run        a session of their own
 */
#ifndef DIATOM_HOST_NAMED_START_H
#define DIATOM_HOST_NAMED_START_H

#include "host/named/place.h"
#include "host/options.h"

/* What a run knows of its name. */
struct named_run {
	struct place place;
	int ready; /* written to when the body is about to run; kept open in the jail, as place.lock is */
	int data; /* to be mapped over the image's data (image_share) */
	bool is_detached;
};

/*
 * Runs `run(options, named)` under a supervisor, in a process of its own; its result is that process's
 * exit code. Returns the exit code of the calling process: the run's, or when it is detached 0 once it
 * is up.
 */
int named_start(struct options *options,
	int (*run)(struct options *options, const struct named_run *named));

#endif
