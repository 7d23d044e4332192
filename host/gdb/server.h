/*
 * A gdb server: gdb's remote serial protocol (gdb's manual, appendix E) over a target that somebody
 * else runs. It does no I/O and never blocks.
 *
 *     bytes from gdb ----> gdb_server_take ----> output ----> whoever owns the socket
 *     target stopped ----> gdb_server_stopped --^
 *
 *     STOPPED  --c, vCont;c-->  RUNNING    let it run until it stops by itself or is_interrupted
 *              --s, vCont;s-->  STEPPING   let it run one instruction
 *              --D, no gdb -->  DETACHED   let it run; nothing more comes from here
 *              --k, vKill  -->  KILLED     end it
 *
 * The driver looks at `state` after each call and does what it says. It calls gdb_server_stopped when
 * the target stands still again; the state may be STEPPING still (watchpoints and ranges are kept by
 * steps that gdb does not hear of).
 */
#ifndef DIATOM_GDB_SERVER_H
#define DIATOM_GDB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "host/body/body.h"
#include "host/gdb/packet.h"
#include "host/gdb/points.h"
#include "host/gdb/target.h"

enum gdb_state { GDB_STOPPED, GDB_RUNNING, GDB_STEPPING, GDB_DETACHED, GDB_KILLED };

enum gdb_stop_kind {
	GDB_STOP_SIGNAL,     /* a fault, a signal, an interrupt by gdb, the start */
	GDB_STOP_STEP,	     /* one instruction was executed */
	GDB_STOP_BREAKPOINT, /* int3 was executed: rip is behind it */
	GDB_STOP_WATCH,	     /* debug registers matched, `dr6` says which */
};

struct gdb_stop {
	enum gdb_stop_kind kind;
	enum gdb_signal signal; /* SIGTRAP, unless kind is GDB_STOP_SIGNAL */
	uint64_t dr6;
};

struct gdb_server {
	struct gdb_target *target;
	struct body body; /* read through the target */
	enum gdb_state state;
	bool is_continuing;	/* gdb said continue, though the state may be STEPPING */
	bool is_interrupted;	/* gdb wants a running target to stop */
	unsigned resume_signal; /* that the target is to go on with; 0: none */
	uint64_t bad_packets;

	/* To be sent: from `output` on. The driver sets output_length to 0 once it has them. */
	const char *output;
	size_t output_length;

	/* The rest is the server's own. */
	bool acks;			 /* until QStartNoAckMode */
	bool has_swbreak;		 /* gdb leaves the program counter of a breakpoint to us */
	uint64_t range_start, range_end; /* it steps until rip is outside */
	uint64_t thread;		 /* whose registers gdb asks for */
	struct gdb_stop stop;		 /* the last one */
	struct points points;
	struct gdb_decoder decoder;
	struct gdb_reply reply;
	size_t frame_length; /* of the last packet sent, for when it is to be sent again */
	char frame[1 + GDB_FRAME_MAX]; /* an acknowledgement before it */
};

/* A server for a target that stands still before its first instruction. All arguments must stay. */
void gdb_server_init(struct gdb_server *server, struct gdb_target *target,
	const struct image *image, const struct boot_info *boot);

/* Takes bytes from gdb, up to the first that makes output: returns how many. Call it again with the
 * rest when the output is sent. */
size_t gdb_server_take(struct gdb_server *server, const char *bytes, size_t length);

/* The target stopped. Tells gdb, unless it is to go on at once: see the state. */
void gdb_server_stopped(struct gdb_server *server, const struct gdb_stop *stop);

/* The target ended, with an exit code or (`is_signal`) by a signal. Tells gdb. */
void gdb_server_ended(struct gdb_server *server, unsigned code, bool is_signal);

/* gdb is gone: the state becomes DETACHED, with no breakpoint left. The target stands still. */
void gdb_server_detach(struct gdb_server *server);

#endif
