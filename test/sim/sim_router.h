/*
 * A router: a node that forwards IPv4 between links.
 *
 *     hosts --- link A --- [port 0 | router | port 1] --- link B --- hosts, or another router
 *
 * Each port sends at its link's rate, from a queue of its own (struct sim_link's bytes_a_second, queue_bytes), so a
 * narrow link behind a wide one is a bottleneck. A packet longer than the next link's MTU that may not be
 * fragmented is answered by ICMP (RFC 1191 4), unless the router is silent; one that may be is dropped, too: our
 * stack never sends such. It knows its neighbours' addresses without asking, and answers their ARP.
 */
#ifndef DIATOM_TEST_SIM_ROUTER_H
#define DIATOM_TEST_SIM_ROUTER_H

#include "test/sim/sim_world.h"

#define SIM_PORTS_MAX 4

struct sim_router {
	struct sim_port {
		struct sim_host end; /* a station without a stack */
		struct sim_router *router;
		struct prefix prefix; /* its address, in its link's network */
		uint32_t v4;
	} ports[SIM_PORTS_MAX];
	unsigned port_count;
	uint32_t gateway; /* where the rest goes, by which port; 0: nowhere */
	unsigned gateway_port;
	bool is_silent; /* a black hole for long packets */
	uint64_t forwarded, too_long, expired, unroutable, damaged;
};

/* Zeroes it. */
void sim_router_start(struct sim_router *router);
/* Joins a link with MAC 02:00:00:00:00:`number` and an address ("10.0.1.254/24"). */
void sim_router_join(
	struct sim_router *router, struct sim_link *link, uint8_t number, const char *prefix);
/* What is for none of its networks goes to that address, in one of them. */
void sim_router_default(struct sim_router *router, uint32_t gateway);

#endif
