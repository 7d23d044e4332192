/*
 * Where runs that have a name keep what others may ask of them: one folder a run, in
 *
 *     $DIATOM_STATE, else $XDG_RUNTIME_DIR/diatom, else (root only) /run/diatom
 *
 *     NAME/lock         locked (flock) as long as the run or its supervisor lives
 *     NAME/state.json   what it is (host/named/state.h); written by the run before it starts
 *     NAME/log, log.1   what it printed, if it is detached
 *     NAME/data         the body's data, shared while it runs
 *     NAME/counters     where in it which counter lies (host/named/counters.h)
 *     NAME/exit         its exit code, once it ended
 *
 * The lock alone says who lives: a process id may be another's by now, and files outlive a crash. All
 * of it is the user's own, readable by nobody else.
 */
#ifndef DIATOM_HOST_NAMED_PLACE_H
#define DIATOM_HOST_NAMED_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_NAME_BYTES 64

struct place {
	char name[PLACE_NAME_BYTES];
	int folder; /* open; both closed on exec */
	int lock;   /* read-only */
};

/* Letters, digits, '.', '_' and '-', not first a '.' or '-', at most 63. */
bool place_is_name(const char *name);

/* Makes the run's folder if it isn't there, takes its lock, and removes what an earlier run of that
 * name left. 0, or the exit code after having said what is wrong: another run has the name. */
int place_claim(struct place *place, const char *name);

/* Opens the folder of a run that is or was. 0, or the exit code after having said what is wrong. */
int place_find(struct place *place, const char *name);

void place_close(struct place *place);

/* Removes the folder of a run that ended, and all in it; place_close is still to be called. False with
 * errno: EWOULDBLOCK while the run lives. */
bool place_remove(struct place *place);

/* Does the run live? */
bool place_is_alive(const struct place *place);

/* Calls `visit` for each run's name, in the order of the alphabet, until it returns nonzero, which is
 * returned. No folder at all: none. */
int place_each(int (*visit)(const char *name, void *argument), void *argument);

/* Reads a file of the run as NUL-ended text, cut to fit. False if there is none. */
bool place_read(const struct place *place, const char *file, char *text, size_t room);

/* Writes a file of the run, all of it or nothing. False with errno. */
bool place_write(const struct place *place, const char *file, const char *text, size_t length);

#endif
