/*
 * The relay: a process of ours between a stream of frames (passt's, or a descriptor that was handed
 * over) and the body, so that neither the monitor nor a body's driver knows of streams:
 *
 *     body === tap-like socket, a frame a message === relay === stream of frames === passt
 *
 * It is a child of the run, in a session of its own (an INT of the terminal is the body's to act on),
 * and jailed like the run itself. It ends when either side ends, and ends the other: passt, because
 * its stream closes and by KILL if that won't do; the run, because it gets CHLD (struct run_config,
 * has_helper). Why the stream ended is reported by the relay.
 */
#ifndef DIATOM_HOST_NET_RELAY_H
#define DIATOM_HOST_NET_RELAY_H

#include <stdint.h>

#include "host/run.h"

/* The descriptor under which passt finds its end of the stream: what its option -F must say. */
#define RELAY_PASST_FD 3

struct relay_passt {
	char *const *arguments; /* of passt, ended by NULL; the first is its path or name */
	uint8_t address[4], gateway[4];
	uint8_t gateway6[16]; /* all zero: passt is told of IPv4 only */
};

/*
 * Starts a relay. With `passt` it starts that, too, announces the body's address to it, and waits
 * until it answers; else it takes over the open `stream`. net->fd becomes the body's end. 0, or the
 * exit code after having said what is wrong.
 */
int relay_start(struct run_net *net, int stream, const struct relay_passt *passt);

/* Gives a socket pair the largest buffers that the kernel grants: as much as it wants for root, else
 * twice the usual. */
void relay_widen(const int ends[2]);

#endif
