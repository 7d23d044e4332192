/*
 * A network interface that the program declares: DIATOM_NET(eth0, .ip = "192.0.2.53/24").
 *
 * Its addresses come from the command line (--net eth0=tap:tap0,ip=...), else from here. The stack
 * behind it starts with its first use, by udp_open and its kin or net_up.
 */
#ifndef DIATOM_NET_H
#define DIATOM_NET_H

#include "abi/manifest.h"
#include "diatom/address.h"
#include "diatom/status.h"
#include "diatom/time.h"

struct net_stack;

struct net {
	const struct manifest_net *manifest;
	struct net_stack *stack; /* NULL until the first use */
};

#define DIATOM_NET(symbol, ...)                                                                    \
	MANIFEST_NOTE(symbol, MANIFEST_NET, struct manifest_net, .name = #symbol, ##__VA_ARGS__);  \
	struct net symbol = { .manifest = &symbol##_note.desc }

/*
 * Starts the stack if it is not running: OK; NOT_FOUND, the host gave no such device;
 * DEVICE_FAILED; INVALID_VALUE, an address that can't be read. Logged in each case. Does not block.
 */
enum status net_up(struct net *net);

#endif
