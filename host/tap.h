/*
 * Taps: a network interface of the host whose other end is a file descriptor.
 */
#ifndef DIATOM_HOST_TAP_H
#define DIATOM_HOST_TAP_H

#include "host/run.h"

/*
 * Opens the existing interface net->tap: fills in fd, flags and mtu, and mac from the tap's own if
 * it is zeros. Non-blocking, closed on exec, with an offload header. 0, or the exit code after
 * having said what is wrong.
 */
int tap_open(struct run_net *net);

#endif
