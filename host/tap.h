/*
 * Taps: a network interface of the host whose other end is a file descriptor.
 */
#ifndef DIATOM_HOST_TAP_H
#define DIATOM_HOST_TAP_H

#include "host/run.h"

/*
 * Opens the existing interface net->tap: fills in fd, flags and mtu, and mac from the tap's own if
 * it is zeros. Non-blocking, closed on exec, with an offload header unless it is to be plain. 0, or the
 * exit code after having said what is wrong.
 */
int tap_open(struct run_net *net, bool is_plain);

/* Fills in mac and mtu as tap_open would, and opens nothing. An interface that doesn't exist, because
 * it is another machine's, counts as one without an address. */
void tap_look(struct run_net *net);

#endif
