/*
 * A network interface that the program declares:
 *
 *     DIATOM_NET(eth0, .ip = "192.0.2.53/24", .ip6 = "2001:db8::53/64");
 *
 * Its addresses come from the command line (--net eth0=tap:tap0,ip=...,ip6=...), else from here. Without
 * .ip6 it has a link-local IPv6 address, and others as routers advertise prefixes (RFC 4862); .ip6 =
 * "off" turns IPv6 off, DIATOM_NET_V4 leaves its code out of the image. The stack behind the interface
 * starts with its first use, by udp_open and its kin or net_up.
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
	enum status (*start_ipv6)(struct net *net); /* net_start_ipv6; NULL: IPv6 isn't linked */
	struct net_stack *stack;		    /* NULL until the first use */
};

#define DIATOM_NET(symbol, ...)                                                                    \
	MANIFEST_NOTE(symbol, MANIFEST_NET, struct manifest_net, .name = #symbol, ##__VA_ARGS__);  \
	struct net symbol = { .manifest = &symbol##_note.desc, .start_ipv6 = net_start_ipv6 }

/* An interface for IPv4 alone. */
#define DIATOM_NET_V4(symbol, ...)                                                                 \
	MANIFEST_NOTE(symbol, MANIFEST_NET, struct manifest_net, .name = #symbol, .ip6 = "off",    \
		##__VA_ARGS__);                                                                    \
	struct net symbol = { .manifest = &symbol##_note.desc }

/* IPv6 of an interface: called by net_up; naming it links it. */
enum status net_start_ipv6(struct net *net);

/*
 * Starts the stack if it is not running: OK; NOT_FOUND, the host gave no such device;
 * DEVICE_FAILED; INVALID_VALUE, an address that can't be read. Logged in each case. Does not block.
 */
enum status net_up(struct net *net);

#endif
