/*
 * The start of IPv6 on an interface, from what is configured; and its ticks.
 */
#include "net/ipv6.h"
#include "net/ndp.h"

void ipv6_tick(struct net_stack *stack)
{
	ipv6_address_tick(stack);
	ndp_router_tick(stack);
	mld_tick(stack);
}

/* A key for identifiers that stay the same from start to start, though nothing is stored: of the link
 * address and the interface's name. Whoever knows both can compute them. */
static void make_secret(struct ipv6_host *host, const struct netdev *device)
{
	uint8_t bytes[16] = { 0 };

	memcpy(bytes, device->mac, MAC_BYTES);
	for (size_t i = 0; device->name[i] != '\0'; i++)
		bytes[6 + i % 10] = (uint8_t)(bytes[6 + i % 10] * 31 + device->name[i]);
	memcpy(host->secret, bytes, sizeof(bytes));
}

static bool is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

static enum status configure(struct net_stack *stack, const char *ip, const char *gateway)
{
	struct ipv6_host *host = stack->ipv6;
	struct ipv6_address own = { .origin = IPV6_FROM_CONFIGURATION,
		.preferred_until = FOREVER,
		.valid_until = FOREVER };
	struct ipv6_prefix link = { .until = FOREVER };

	if (!is_empty(gateway) &&
		(address_parse(&host->gateway, gateway) != OK || !ipv6_is_unicast(&host->gateway)))
		return INVALID_VALUE;
	host->is_automatic = is_empty(ip) || strcmp(ip, "auto") == 0;
	if (host->is_automatic)
		return OK;
	if (prefix_parse(&own.prefix, ip) != OK || !ipv6_is_unicast(&own.prefix.address))
		return INVALID_VALUE;
	link.prefix = own.prefix;
	host->prefixes[host->prefix_count++] = link;
	return ipv6_address_add(stack, &own);
}

static enum status add_link_local(struct net_stack *stack)
{
	struct address prefix = { { 0xfe, 0x80 } };
	struct ipv6_address own = {
		.origin = IPV6_FROM_LINK, .preferred_until = FOREVER, .valid_until = FOREVER
	};

	own.prefix.address = ipv6_address_make(stack, &prefix, 0);
	own.prefix.bits = 64;
	return ipv6_address_add(stack, &own);
}

enum status ipv6_start(
	struct ipv6_host *host, struct net_stack *stack, const char *ip, const char *gateway)
{
	enum status status;

	if (stack->device->mtu < IPV6_MTU_MIN)
		return UNSUPPORTED;
	memset(host, 0, sizeof(*host));
	host->hop_limit = IPV6_HOP_LIMIT;
	host->mtu = stack->device->mtu;
	host->reachable_time = SECONDS(30); /* RFC 4861 10 */
	host->retransmit_time = SECONDS(1);
	host->solicit_at = host->report_at = FOREVER;
	make_secret(host, stack->device);
	stack->ipv6 = host;
	status = add_link_local(stack);
	if (status == OK)
		status = configure(stack, ip, gateway);
	if (status != OK) {
		stack->ipv6 = NULL;
		return status;
	}
	if (ipv6_is_unspecified(&host->gateway))
		ndp_router_start(stack);
	return OK;
}
