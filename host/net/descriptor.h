/*
 * A network that somebody hands over as an open descriptor: --net fd:N. What it is shows by itself:
 *
 *     tap                               as with --net tap
 *     packet socket                     as it was set up
 *     AF_UNIX, datagram or seqpacket    a frame a message
 *     AF_UNIX or TCP, stream            each frame led by its length, 4 bytes, big-endian (as QEMU's
 *                                       and passt's sockets have it); a helper process takes it apart
 */
#ifndef DIATOM_HOST_NET_DESCRIPTOR_H
#define DIATOM_HOST_NET_DESCRIPTOR_H

#include "host/run.h"

/*
 * Takes over the inherited descriptor `fd`, which becomes non-blocking: fills in fd, flags, mtu, way,
 * and mac if it is zeros. `*has_helper` is set if a process was started. 0, or the exit code after
 * having said what is wrong.
 */
int descriptor_open(struct run_net *net, int fd, bool *has_helper);

#endif
