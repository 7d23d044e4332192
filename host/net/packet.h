/*
 * Packet sockets: frames of an existing interface of the host, shared with the host's own stack. The
 * body is one more station there, with an Ethernet address of its own. As with macvlan, the host
 * itself can't talk to it: what the host sends leaves by the wire.
 */
#ifndef DIATOM_HOST_NET_PACKET_H
#define DIATOM_HOST_NET_PACKET_H

#include "host/run.h"

/*
 * Opens a packet socket on the existing interface `name`: fills in fd, flags, mtu, way, and mac if it
 * is zeros. Non-blocking, closed on exec; only frames for that mac and for groups come in. 0, or the
 * exit code after having said what is wrong.
 */
int packet_open(struct run_net *net, const char *name);

/* The flags of an open packet socket (enum boot_net_flags), asked from the kernel. */
uint32_t packet_flags(int fd);

#endif
