/*
 * Ports of the host that are to lead to the body.
 */
#ifndef DIATOM_HOST_NET_PORT_H
#define DIATOM_HOST_NET_PORT_H

#include "host/options.h"

/*
 * Can this port be had, by the protocols that it is wanted for? Tries for a moment, since the helpers
 * of a run that just ended may still hold it. 0, or the exit code after having said what is wrong.
 */
int port_check(const struct options_forward *forward);

#endif
