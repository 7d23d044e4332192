/*
 * A tracer's state, shared by tracer.c (the loop) and tracer_start.c (how it begins).
 */
#ifndef DIATOM_HOST_TRACER_INNER_H
#define DIATOM_HOST_TRACER_INNER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/gdb/link.h"
#include "host/process/tracee.h"
#include "host/run.h"

struct tracer {
	struct tracee tracee; /* first: it is gdb's target */
	const struct run_config *config;
	struct gdb_link *link;
	uint64_t stub_return;
	bool is_running;
	bool is_asked;	 /* it was made to stop for gdb, which was not heard yet */
	bool was_told;	 /* gdb knows of the stop and said how to go on */
	bool must_crash; /* the stop was one that the body can't go on after */
	int signal;	 /* to be delivered when it goes on; 0: none */
	int held;	 /* a request to finish that came while gdb stepped */
	bool is_ended;
	int code;
};

/* Handles CHLD, INT and TERM, which stay blocked but for ppoll with the mask `during_poll`. */
void tracer_handle_signals(sigset_t *during_poll);

/* Serves gdb and the child, which stands, until the child has ended; returns the exit code. */
int tracer_run(struct tracer *tracer, const sigset_t *during_poll);

/* The child ended by itself, with what waitpid said: tells gdb. */
void tracer_take_end(struct tracer *tracer, int status);

/* Ends the child, and the run with `code`. */
void tracer_kill(struct tracer *tracer, int code);

#endif
