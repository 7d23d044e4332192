/*
 * Taps: a network interface of the host whose other end is a file descriptor.
 */
#ifndef DIATOM_HOST_NET_TAP_H
#define DIATOM_HOST_NET_TAP_H

#include "host/run.h"

/*
 * Opens the existing interface `name`: fills in fd, flags, mtu and way, and mac from the tap's own if
 * it is zeros. Non-blocking, closed on exec, with an offload header unless net->is_plain. 0, or the exit
 * code after having said what is wrong.
 */
int tap_open(struct run_net *net, const char *name);

/* Fills in the same but fd and flags, and opens nothing. An interface that doesn't exist, because it is
 * another machine's, counts as one without an address. */
void tap_look(struct run_net *net, const char *name);

/*
 * Agrees on header and offloads with an attached tap, the most that the kernel takes. Always to be
 * said: settings of an earlier user stick to a persistent tap. False with errno.
 */
bool tap_negotiate(int fd, uint32_t *flags);

#endif
