/*
 * passt as a child of the relay: started, asked whether it is there, and heard out when it is not.
 */
#ifndef DIATOM_HOST_NET_PASST_H
#define DIATOM_HOST_NET_PASST_H

#include <sys/types.h>

#include "host/net/relay.h"

/* Starts it, announces the body to it and waits for its answer. 0, its stream and process id; or the
 * exit code after having said what is wrong, in passt's words if it had some. */
int passt_start(
	const struct run_net *net, const struct relay_passt *passt, int *stream, pid_t *child);

#endif
