/*
 * Routes: where a packet goes first. A short table, longest prefix first, of either family.
 */
#ifndef DIATOM_NET_ROUTE_H
#define DIATOM_NET_ROUTE_H

#include "diatom/address.h"

#define ROUTES_MAX 16

struct route {
	struct prefix to;
	struct address gateway; /* when not on link */
	struct address source;	/* the interface's address for packets that have none yet */
	bool is_on_link;
};

struct route_table {
	struct route routes[ROUTES_MAX];
	unsigned count;
};

/* FULL beyond ROUTES_MAX. A route to a prefix that is there already replaces it. */
enum status route_add(struct route_table *table, const struct route *route);

/* The most specific route to the address, or NULL. */
const struct route *route_find(const struct route_table *table, const struct address *to);

/* The on-link address that a packet to `to` is handed to. */
static inline const struct address *route_next_hop(
	const struct route *route, const struct address *to)
{
	return route->is_on_link ? to : &route->gateway;
}

#endif
