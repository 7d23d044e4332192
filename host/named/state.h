/*
 * What is known of a run, as its folder's state.json has it: a JSON object, one member a line, written
 * by the run itself before its first instruction. Read back by lines, so that no JSON parser is
 * needed: what does not look like ours reads as nothing.
 */
#ifndef DIATOM_HOST_NAMED_STATE_H
#define DIATOM_HOST_NAMED_STATE_H

#include <stdint.h>

#include "host/named/place.h"
#include "host/run.h"

struct image;

#define STATE_BYTES	 16384
#define STATE_TEXT_BYTES 1024

struct state {
	char text[STATE_BYTES]; /* the file */
	bool is_alive;
	bool has_exit;
	int exit_code;
};

/* Writes it for the calling process. `target` is "VM" or "process". False with errno. */
bool state_write(const struct place *place, const struct run_config *config,
	const struct image *image, const char *path, const char *target, bool is_detached);

/* Reads it, with what else the folder tells: how it ended, whether it lives. */
void state_read(const struct place *place, struct state *state);

/* A member's text, unescaped, cut to fit; empty if there is none. Control characters become '?'. */
void state_text(const struct state *state, const char *key, char *out, size_t room);

/* A member's number; -1 if there is none. */
int64_t state_number(const struct state *state, const char *key);

/* When a process was started, in the kernel's ticks since boot: with its id it names one process, ever.
 * -1: there is none. */
int64_t state_process_start(int pid);

/* Writes the state as a JSON object to standard output, indented by a tab. */
void state_print_json(const struct place *place, const struct state *state);

#endif
