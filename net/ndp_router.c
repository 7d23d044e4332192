/*
 * Routers: asked for, heard, believed within bounds (RFC 4861 6.3, RFC 4862 5.5).
 */
#include "diatom/counter.h"
#include "diatom/log.h"
#include "net/icmpv6.h"
#include "net/ipv6.h"
#include "net/ndp.h"
#include "net/resolve.h"
#include "wire/ipv4.h"

#define SOLICIT_FIRST  SECONDS(4) /* RFC 7559 2: IRT, and MRT */
#define SOLICIT_MOST   SECONDS(3600)
#define TWO_HOURS_S    7200
#define REACHABLE_MOST 3600000 /* ms; RFC 4861 6.2.1 */

COUNTER(rx_malformed, "ndp.rx_bad_router",
	"router advertisements dropped: not a router's, or wrong");
COUNTER(rx_advertisements, "ndp.rx_router", "router advertisements heard");
COUNTER(rx_refused, "ndp.rx_router_refused", "routers and prefixes not taken: there are enough");
COUNTER(tx_solicitations, "ndp.tx_router_solicitations", "router solicitations sent");

/* --- asking --- */

void ndp_router_start(struct net_stack *stack)
{
	stack->ipv6->solicit_every = SOLICIT_FIRST;
	stack->ipv6->solicit_at = stack->now;
	net_stack_wake_at(stack, stack->now);
}

static void solicit(struct net_stack *stack)
{
	struct address source = ipv6_link_local(stack), routers = ipv6_link_group(2);
	struct packet *packet = packet_alloc();

	if (packet == NULL)
		return;
	/* RFC 4861 4.1: without an address, without a link address. */
	packet->length = packet->total_length = (uint32_t)ndp_emit_router_solicitation(
		packet->data, ipv6_is_unspecified(&source) ? NULL : stack->device->mac);
	icmpv6_store_checksum(packet, &source, &routers);
	count(&tx_solicitations);
	ipv6_output_link(stack, packet, &source, &routers, IP_ICMPV6, 255, NULL);
}

/* --- who they are --- */

static struct ipv6_router *find(const struct net_stack *stack, const struct address *a)
{
	struct ipv6_host *host = stack->ipv6;

	for (unsigned i = 0; i < host->router_count; i++)
		if (address_equal(&host->routers[i].address, a))
			return &host->routers[i];
	return NULL;
}

static void remove_router(struct net_stack *stack, struct ipv6_router *router)
{
	struct ipv6_host *host = stack->ipv6;

	*router = host->routers[--host->router_count];
	net_stack_forget_destination(stack);
	if (host->router_count == 0)
		ndp_router_start(stack);
}

void ndp_router_forget(struct net_stack *stack, const struct address *address)
{
	struct ipv6_router *router = find(stack, address);

	if (router != NULL)
		remove_router(stack, router);
}

void ndp_router_demote(struct net_stack *stack, const struct address *address)
{
	struct ipv6_host *host = stack->ipv6;
	struct ipv6_router *router = find(stack, address), *last, kept;

	if (router == NULL)
		return;
	last = &host->routers[host->router_count - 1];
	kept = *router;
	memmove(router, router + 1, (size_t)(last - router) * sizeof(*router));
	*last = kept;
	net_stack_forget_destination(stack);
}

static void take_router(struct net_stack *stack, const struct address *address, uint16_t lifetime_s)
{
	struct ipv6_host *host = stack->ipv6;
	struct ipv6_router *router = find(stack, address);

	if (lifetime_s == 0) {
		ndp_router_forget(stack, address);
		return;
	}
	if (router == NULL) {
		if (host->router_count == IPV6_ROUTERS) {
			count(&rx_refused);
			return;
		}
		router = &host->routers[host->router_count++];
		router->address = *address;
		net_stack_forget_destination(stack);
	}
	router->until = instant_after(stack->now, SECONDS(lifetime_s));
	net_stack_wake_at(stack, router->until);
}

/* --- prefixes --- */

static instant end_of(const struct net_stack *stack, uint32_t seconds)
{
	return seconds == NDP_FOREVER ? FOREVER : instant_after(stack->now, SECONDS(seconds));
}

static void take_on_link(struct net_stack *stack, const struct ndp_prefix *told)
{
	struct ipv6_host *host = stack->ipv6;
	struct ipv6_prefix *link = host->prefixes, *end = link + host->prefix_count;

	while (link < end && (link->prefix.bits != told->prefix.bits ||
				     !prefix_contains(&link->prefix, &told->prefix.address)))
		link++;
	if (link == end) {
		if (told->valid_s == 0)
			return;
		if (host->prefix_count == IPV6_PREFIXES) {
			count(&rx_refused);
			return;
		}
		link->prefix = told->prefix;
		host->prefix_count++;
	} else if (link->until == FOREVER && !host->is_automatic) {
		return; /* configured */
	}
	link->until = end_of(stack, told->valid_s);
	net_stack_forget_destination(stack);
	net_stack_wake_at(stack, link->until);
}

static struct ipv6_address *address_of(const struct net_stack *stack, const struct prefix *prefix)
{
	for (unsigned i = 0; i < stack->ipv6->address_count; i++) {
		struct ipv6_address *own = &stack->ipv6->addresses[i];

		if (own->origin == IPV6_FROM_ROUTER &&
			prefix_contains(prefix, &own->prefix.address))
			return own;
	}
	return NULL;
}

/* RFC 4862 5.5.3 (e): who isn't authenticated may not take an address away at once. */
static void renew(struct net_stack *stack, struct ipv6_address *own, const struct ndp_prefix *told)
{
	duration left = own->valid_until - stack->now, two_hours = SECONDS(TWO_HOURS_S);
	instant told_end = end_of(stack, told->valid_s);

	own->preferred_until = end_of(stack, told->preferred_s);
	if (told->valid_s > TWO_HOURS_S || told_end > own->valid_until)
		own->valid_until = told_end;
	else if (own->valid_until == FOREVER || left > two_hours)
		own->valid_until = instant_after(stack->now, two_hours);
	net_stack_wake_at(stack, own->valid_until);
}

static void take_autonomous(struct net_stack *stack, const struct ndp_prefix *told)
{
	struct ipv6_address *own = address_of(stack, &told->prefix), made = { 0 };

	if (told->preferred_s > told->valid_s)
		return;
	if (own != NULL) {
		renew(stack, own, told);
		return;
	}
	if (told->valid_s == 0 ||
		told->prefix.bits != 64) /* RFC 2464 4: identifiers have 64 bits */
		return;
	made.prefix.address = ipv6_address_make(stack, &told->prefix.address, 0);
	made.prefix.bits = 64;
	made.origin = IPV6_FROM_ROUTER;
	made.preferred_until = end_of(stack, told->preferred_s);
	made.valid_until = end_of(stack, told->valid_s);
	net_stack_wake_at(stack, made.valid_until);
	if (ipv6_address_add(stack, &made) == FULL)
		count(&rx_refused);
}

static void take_prefix(struct net_stack *stack, const struct ndp_prefix *told)
{
	const struct address *a = &told->prefix.address;

	/* (b): link-local is no business of routers; nor is what no host can have. */
	if (ipv6_is_link_local(a) || !ipv6_is_unicast(a))
		return;
	if (told->flags & NDP_ON_LINK)
		take_on_link(stack, told);
	if (told->flags & NDP_AUTONOMOUS && stack->ipv6->is_automatic)
		take_autonomous(stack, told);
}

/* --- an advertisement --- */

static void take_numbers(
	struct net_stack *stack, const struct ndp_router *told, const struct ndp_options *options)
{
	struct ipv6_host *host = stack->ipv6;

	if (told->hop_limit != 0)
		host->hop_limit = told->hop_limit;
	if (told->reachable_ms != 0 && told->reachable_ms <= REACHABLE_MOST)
		host->reachable_time = MILLISECONDS(told->reachable_ms);
	/* Below a tenth of a second somebody wants us to flood the link. */
	if (told->retransmit_ms >= 100 && told->retransmit_ms <= REACHABLE_MOST)
		host->retransmit_time = MILLISECONDS(told->retransmit_ms);
	if (options->mtu >= IPV6_MTU_MIN && options->mtu <= stack->device->mtu)
		host->mtu = (uint16_t)options->mtu;
	host->is_managed = told->flags & NDP_MANAGED;
	host->is_other = told->flags & NDP_OTHER;
}

void ndp_router_input(
	struct net_stack *stack, struct view message, const struct ip_arrival *arrival)
{
	struct ndp_options options;
	struct ndp_router told;
	struct neighbour *n;

	if (!ipv6_is_link_local(&arrival->source) || !ndp_parse_router(&told, &options, message) ||
		(options.source_mac != NULL &&
			(mac_is_group(options.source_mac) || mac_is_zero(options.source_mac)))) {
		count(&rx_malformed);
		return;
	}
	if (!ipv6_is_unspecified(&stack->ipv6->gateway))
		return; /* what is configured, stands */
	count(&rx_advertisements);
	if (told.lifetime_s != 0 || stack->ipv6->router_count > 0)
		stack->ipv6->solicit_at = FOREVER;
	take_numbers(stack, &told, &options);
	take_router(stack, &arrival->source, told.lifetime_s);
	for (unsigned i = 0; i < options.prefix_count; i++)
		take_prefix(stack, &options.prefixes[i]);
	if (options.source_mac == NULL)
		return;
	n = resolve_enter(stack, &arrival->source);
	if (!neighbour_is_usable(n) || !mac_equal(n->header, options.source_mac))
		resolve_confirm(stack, n, options.source_mac, NEIGHBOUR_STALE);
}

void ndp_router_tick(struct net_stack *stack)
{
	struct ipv6_host *host = stack->ipv6;

	if (host->solicit_at <= stack->now) {
		solicit(stack);
		host->solicit_at = instant_after(stack->now, host->solicit_every);
		host->solicit_every *= 2;
		if (host->solicit_every > SOLICIT_MOST)
			host->solicit_every = SOLICIT_MOST;
	}
	for (unsigned i = host->router_count; i-- > 0;)
		if (host->routers[i].until <= stack->now)
			remove_router(stack, &host->routers[i]);
		else
			net_stack_wake_at(stack, host->routers[i].until);
	for (unsigned i = host->prefix_count; i-- > 0;)
		if (host->prefixes[i].until <= stack->now) {
			host->prefixes[i] = host->prefixes[--host->prefix_count];
			net_stack_forget_destination(stack);
		} else {
			net_stack_wake_at(stack, host->prefixes[i].until);
		}
	net_stack_wake_at(stack, host->solicit_at);
}
