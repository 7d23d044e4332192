/*
 * Ways out: the next hop of an address, and how large a packet the path to it takes.
 */
#include "diatom/counter.h"
#include "net/ipv6.h"

#define KEPT (10 * SECONDS(60)) /* RFC 8201 5.3 */

COUNTER(path_learned, "ipv6.path_mtu_learned", "path MTUs lowered by ICMP, for datagrams");

bool ipv6_next_hop(struct net_stack *stack, const struct address *to, struct address *next_hop)
{
	const struct ipv6_host *host = stack->ipv6;

	*next_hop = *to;
	if (ipv6_is_link_local(to))
		return true;
	for (unsigned i = 0; i < host->prefix_count; i++)
		if (prefix_contains(&host->prefixes[i].prefix, to))
			return true;
	if (!ipv6_is_unspecified(&host->gateway)) {
		*next_hop = host->gateway;
		return true;
	}
	/* RFC 4943: without a router, what isn't known to be on link is nowhere. */
	if (host->router_count == 0)
		return false;
	*next_hop = host->routers[0].address;
	return true;
}

static struct ipv6_path *find(const struct net_stack *stack, const struct address *to)
{
	for (unsigned i = 0; i < stack->ipv6->path_count; i++)
		if (address_equal(&stack->ipv6->paths[i].to, to))
			return &stack->ipv6->paths[i];
	return NULL;
}

uint16_t ipv6_path_mtu(const struct net_stack *stack, const struct address *to)
{
	const struct ipv6_path *path = find(stack, to);
	uint16_t link = stack->ipv6->mtu;

	if (path == NULL || stack->now - path->learned > KEPT || path->mtu > link)
		return link;
	return path->mtu;
}

/* A free place, or that of the path which was learned first. */
static struct ipv6_path *place_for(struct ipv6_host *host)
{
	struct ipv6_path *oldest = host->paths;

	if (host->path_count < IPV6_PATHS)
		return &host->paths[host->path_count++];
	for (unsigned i = 1; i < IPV6_PATHS; i++)
		if (host->paths[i].learned < oldest->learned)
			oldest = &host->paths[i];
	return oldest;
}

void ipv6_path_learn(struct net_stack *stack, const struct address *to, uint32_t mtu)
{
	struct ipv6_path *path = find(stack, to);

	if (mtu < IPV6_MTU_MIN || mtu >= ipv6_path_mtu(stack, to)) /* RFC 8201 4 */
		return;
	count(&path_learned);
	if (path == NULL)
		path = place_for(stack->ipv6);
	*path = (struct ipv6_path){ *to, stack->now, (uint16_t)mtu };
}
