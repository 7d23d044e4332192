/*
 * The commands of gdb's protocol, by their first letter. Each reads its arguments from `words`, all of
 * which is gdb's and hostile, and writes its answer to server->reply: nothing at all says "not
 * supported". Used by server.c only.
 */
#ifndef DIATOM_GDB_COMMANDS_H
#define DIATOM_GDB_COMMANDS_H

#include "host/gdb/server.h"

/* "p1.2", "2", "-1" or "0": 0 for the last two. False: that is no thread's id. */
bool commands_read_thread(struct gdb_words *words, uint64_t *id);

/* Acts on a payload. True if there is an answer to send now; false when it comes with the stop. */
bool commands_act(struct gdb_server *server, struct gdb_words *words);

/* q and Q (queries.c). */
void queries_act(struct gdb_server *server, struct gdb_words *words);

/* The answer to '?', and what gdb is told at a stop. */
void commands_put_stop(struct gdb_server *server, const char *reason, uint64_t address);

static inline void reply_ok(struct gdb_server *server)
{
	gdb_reply_text(&server->reply, "OK");
}

/* Errors have a number that means nothing. */
static inline void reply_error(struct gdb_server *server)
{
	gdb_reply_text(&server->reply, "E01");
}

#endif
