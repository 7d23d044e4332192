/*
 * The way to gdb: one listening socket on this machine only, one connection, and the server behind it.
 *
 *     gdb_link_listen   before anything is started: a port in use is an error at once
 *     gdb_link_accept   waits for the one gdb; nobody else can connect afterwards
 *     gdb_link_serve    moves bytes between gdb and the server, without blocking on input
 *
 * After gdb_link_accept only read, write, ppoll and close of `fd` are used, so it works in a jail.
 */
#ifndef DIATOM_GDB_LINK_H
#define DIATOM_GDB_LINK_H

#include "host/gdb/server.h"
#include "host/run.h"

struct gdb_link {
	int listener;
	int ready;	 /* a pipe: written to when gdb may come; 0: nobody asks */
	int fd;		 /* gdb's, non-blocking; -1: not connected, or gone */
	char path[108];	 /* of a Unix socket, removed once gdb is there; empty: TCP */
	char where[128]; /* for people: "127.0.0.1:1234" */
	unsigned port;
	int64_t waited_ns; /* for gdb to come */
	struct gdb_server server;
};

/* `where`: a port number (0: any) or unix:PATH. 0, or the exit code after having said why. */
int gdb_link_listen(struct gdb_link *link, const char *where);

/* Says that it waits, and waits until gdb connects. 0, or the exit code: the run's time is up, or INT or
 * TERM came. */
int gdb_link_accept(struct gdb_link *link, const struct run_config *config);

/*
 * Gives the server what gdb sent and gdb what the server says. A gdb that is gone, or that takes
 * nothing for seconds, makes the server DETACHED. Returns when there is no more input, and when the
 * state is no longer STOPPED.
 */
void gdb_link_serve(struct gdb_link *link);

/* Sends what the server has to say. */
void gdb_link_flush(struct gdb_link *link);

/* Hangs up. */
void gdb_link_close(struct gdb_link *link);

#endif
