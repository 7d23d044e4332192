/*
 * Going on: what gdb says of how, and the server's state from then on. There is one CPU: it steps if
 * the running thread is to step, else it continues. A fiber that does not run can't step.
 */
#ifndef DIATOM_GDB_RESUME_H
#define DIATOM_GDB_RESUME_H

#include "host/gdb/server.h"

/* c, s: [address]; C, S: signal[;address]. False: the arguments are wrong. */
bool resume_plainly(struct gdb_server *server, struct gdb_words *words, char letter);

/* vCont's actions: ;action[:thread] ... False: they are wrong. */
bool resume_by_actions(struct gdb_server *server, struct gdb_words *words);

#endif
