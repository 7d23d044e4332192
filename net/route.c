/*
 * Routes: kept sorted by prefix length, so the first that contains an address is the best.
 */
#include "net/route.h"

static bool prefix_is_same(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && prefix_contains(a, &b->address);
}

enum status route_add(struct route_table *table, const struct route *route)
{
	unsigned at = 0;

	for (unsigned i = 0; i < table->count; i++) {
		if (prefix_is_same(&table->routes[i].to, &route->to)) {
			table->routes[i] = *route;
			return OK;
		}
	}
	if (table->count == ROUTES_MAX)
		return FULL;
	while (at < table->count && table->routes[at].to.bits >= route->to.bits)
		at++;
	memmove(&table->routes[at + 1], &table->routes[at],
		(table->count - at) * sizeof(table->routes[0]));
	table->routes[at] = *route;
	table->count++;
	return OK;
}

const struct route *route_find(const struct route_table *table, const struct address *to)
{
	for (unsigned i = 0; i < table->count; i++)
		if (prefix_contains(&table->routes[i].to, to))
			return &table->routes[i];
	return NULL;
}
