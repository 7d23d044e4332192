/*
 * Multicast listener discovery, version 2 (RFC 3810), as far as a host needs it that listens to groups
 * of neighbour discovery only: switches that watch reports let those through.
 *
 *     | IPv6, hop limit 1 | hop-by-hop: router alert | report: one record a solicited-node group |
 */
#include "diatom/counter.h"
#include "net/icmpv6.h"
#include "net/ipv6.h"
#include "wire/ipv4.h"
#include "wire/ndp.h"

#define REPORTS	     2		/* RFC 3810 9.1: robustness */
#define REPORT_EVERY SECONDS(1) /* 9.11 */
#define WAIT_MOST_MS 60000	/* of what a querier may let us wait */

COUNTER(rx_queries, "mld.rx_queries", "queries for our groups answered");
COUNTER(rx_malformed, "mld.rx_malformed", "queries dropped: not a router's, or malformed");
COUNTER(tx_reports, "mld.tx_reports", "reports of our groups sent");

static const uint8_t router_alert[8] = { IP_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };

/* Our groups, each once; how many. */
static unsigned gather(const struct net_stack *stack, struct address groups[IPV6_ADDRESSES])
{
	unsigned count = 0, seen;

	for (unsigned i = 0; i < stack->ipv6->address_count; i++) {
		groups[count] = ipv6_solicited_node(&stack->ipv6->addresses[i].prefix.address);
		for (seen = 0; !address_equal(&groups[seen], &groups[count]); seen++)
			;
		count += seen == count;
	}
	return count;
}

static void report(struct net_stack *stack, enum mld_record record)
{
	struct address groups[IPV6_ADDRESSES], source = ipv6_link_local(stack);
	struct address routers = ipv6_link_group(0x16);
	unsigned group_count = gather(stack, groups);
	struct packet *packet = group_count > 0 ? packet_alloc() : NULL;

	if (packet == NULL)
		return;
	packet->length = packet->total_length =
		(uint32_t)mld_emit_report(packet->data, record, groups, group_count);
	icmpv6_store_checksum(packet, &source, &routers);
	memcpy(packet_push(packet, sizeof(router_alert)), router_alert, sizeof(router_alert));
	count(&tx_reports);
	ipv6_output_link(stack, packet, &source, &routers, IPV6_HOP_BY_HOP, 1, NULL);
}

static void wait_until(struct net_stack *stack, instant when)
{
	stack->ipv6->report_at = when;
	net_stack_wake_at(stack, when);
}

void mld_changed(struct net_stack *stack)
{
	report(stack, MLD_TO_EXCLUDE);
	stack->ipv6->reports_left = REPORTS - 1;
	wait_until(stack, instant_after(stack->now, REPORT_EVERY));
}

void mld_input(struct net_stack *stack, struct view message, const struct ip_arrival *arrival)
{
	uint32_t wait_ms;
	instant when;

	/* RFC 3810 6.2 */
	if (!ipv6_is_link_local(&arrival->source) || arrival->hop_limit != 1 ||
		!mld_parse_query(&wait_ms, message)) {
		count(&rx_malformed);
		return;
	}
	count(&rx_queries);
	if (wait_ms > WAIT_MOST_MS)
		wait_ms = WAIT_MOST_MS;
	when = instant_after(stack->now, MILLISECONDS(stack->random() % (wait_ms + 1)));
	if (when < stack->ipv6->report_at)
		wait_until(stack, when);
}

void mld_tick(struct net_stack *stack)
{
	struct ipv6_host *host = stack->ipv6;

	if (host->report_at <= stack->now) {
		host->report_at = FOREVER;
		report(stack, host->reports_left > 0 ? MLD_TO_EXCLUDE : MLD_IS_EXCLUDE);
		if (host->reports_left > 0 && --host->reports_left > 0)
			host->report_at = instant_after(stack->now, REPORT_EVERY);
	}
	net_stack_wake_at(stack, host->report_at);
}
