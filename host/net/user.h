/*
 * User networking: the body reaches the world, and chosen ports of the host reach the body, through
 * passt, without root and without an interface of the host's. The kernel's sockets do the work:
 *
 *     host's port --- socket --- passt --- relay --- body 10.0.2.15, gateway 10.0.2.2
 *
 * With IPv6, too, where an interface of the host has a link-local address: passt takes that for its own.
 * The body's own addresses, if its manifest or the command line has some, are kept.
 */
#ifndef DIATOM_HOST_NET_USER_H
#define DIATOM_HOST_NET_USER_H

#include "host/options.h"
#include "host/run.h"

/* Is passt installed? */
bool user_is_there(void);

/*
 * Checks the ports, starts passt and the relay: fills in all of `net` but its name; ip, gateway and
 * mac only if they are empty. 0, or the exit code after having said what is wrong.
 */
int user_open(struct run_net *net, const struct options_forward *forwards, unsigned count);

/*
 * The same addresses for a user network that QEMU has inside itself: no passt, nothing is started, `fd`
 * is -1. The codes of user_open.
 */
int user_look(struct run_net *net, const struct options_forward *forwards, unsigned count);

#endif
