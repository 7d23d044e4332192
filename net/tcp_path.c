/*
 * Path MTU: from ICMP (RFC 1191), believed only about segments that are in flight (RFC 5927 7); and
 * without ICMP, when full segments vanish time and again (RFC 4821 7.7, RFC 2923 2.1). What was learned
 * is kept for ten minutes, then the link's MTU is tried again.
 */
#include "diatom/counter.h"
#include "net/icmp.h"
#include "net/tcp_inner.h"

#define KEPT	      (10 * SECONDS(60)) /* RFC 1191 6.3 */
#define MTU_LEAST     552		 /* below, somebody lies to make us waste bandwidth */
#define MTU_SUSPECTED 1024		 /* RFC 4821 7.7: BASE */

COUNTER(path_learned, "tcp.path_mtu_learned", "path MTUs lowered by ICMP");
COUNTER(path_suspected, "tcp.path_mtu_suspected", "path MTUs lowered because full segments vanish");
COUNTER(rx_bad_error, "tcp.rx_bad_error", "ICMP errors ignored: not about what is in flight");
COUNTER(rx_soft_error, "tcp.rx_soft_error", "ICMP errors about connections that live on");
COUNTER(rx_hard_error, "tcp.rx_hard_error", "connections not opened: ICMP said that they can't be");

static struct tcp_path *find(struct tcp_host *host, const struct address *to)
{
	for (unsigned i = 0; i < TCP_PATHS; i++)
		if (host->paths[i].mtu != 0 && address_equal(&host->paths[i].to, to))
			return &host->paths[i];
	return NULL;
}

uint16_t tcp_path_mtu(struct tcp_host *host, const struct address *to)
{
	uint16_t link = host->stack->device->mtu;
	struct tcp_path *path = find(host, to);

	if (path == NULL)
		return link;
	if (tcp_now(host) - path->learned > KEPT) {
		path->mtu = 0;
		return link;
	}
	return path->mtu < link ? path->mtu : link;
}

void tcp_path_learn(struct tcp_host *host, const struct address *to, uint16_t mtu)
{
	struct tcp_path *path = find(host, to);

	for (unsigned i = 0; i < TCP_PATHS && path == NULL; i++)
		if (host->paths[i].mtu == 0)
			path = &host->paths[i];
	if (path == NULL) { /* the one learned first makes room */
		path = &host->paths[0];
		for (unsigned i = 1; i < TCP_PATHS; i++)
			if (host->paths[i].learned < path->learned)
				path = &host->paths[i];
	}
	path->to = *to;
	path->learned = tcp_now(host);
	path->mtu = mtu;
}

void tcp_path_suspect(struct tcp_connection *c)
{
	const struct address *to = &c->flow.ends.remote;
	size_t headers = tcp_ip_header_bytes(to) + TCP_HEADER_BYTES;
	uint16_t mtu = tcp_path_mtu(c->host, to), before = c->mss, suspected = MTU_SUSPECTED;
	uint32_t out = c->snd_nxt - c->snd_una;

	tcp_mss_update(c); /* another connection may have learned it meanwhile */
	if (c->mss < before)
		return;
	/* What is out must become shorter by it, or it is no use. */
	if (mtu <= MTU_SUSPECTED || out <= MTU_SUSPECTED - headers)
		suspected = MTU_LEAST;
	if (mtu <= suspected || out <= suspected - headers)
		return;
	count(&path_suspected);
	tcp_path_learn(c->host, to, suspected);
	tcp_mss_update(c);
	c->is_size_proven = false;
}

/* RFC 1191 5: routers of old say nothing; the plateaus below what was sent. */
static uint16_t plateau_below(uint16_t length)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

	for (unsigned i = 0; i < ARRAY_LEN(plateaus); i++)
		if (plateaus[i] < length)
			return plateaus[i];
	return MTU_LEAST;
}

static void too_long(struct tcp_connection *c, const struct icmp_header *error, uint16_t length)
{
	uint16_t mtu = (uint16_t)error->rest, now = tcp_path_mtu(c->host, &c->flow.ends.remote);

	if (mtu == 0)
		mtu = plateau_below(length);
	if (mtu < MTU_LEAST)
		mtu = MTU_LEAST;
	if (mtu >= now)
		return;
	count(&path_learned);
	tcp_path_learn(c->host, &c->flow.ends.remote, mtu);
	tcp_mss_update(c);
	/* What was too long is lost, and it was not congestion. */
	if (c->flight != NULL && c->flight->first != NULL)
		tcp_flight_all_lost(c);
	tcp_connection_due(c);
}

/* RFC 9293 3.9.2.2 (MUST-56): hard errors are hard only while a connection is being opened. */
static void unreachable(struct tcp_connection *c, const struct icmp_header *error)
{
	bool is_hard =
		error->type == ICMP_UNREACHABLE &&
		(error->code == ICMP_PROTOCOL_UNREACHABLE || error->code == ICMP_PORT_UNREACHABLE);

	if (c->flow.ends.state != TCP_SYN_SENT) {
		count(&rx_soft_error);
		return;
	}
	if (is_hard || error->code == ICMP_HOST_UNREACHABLE ||
		error->code == ICMP_NET_UNREACHABLE) {
		count(&rx_hard_error);
		tcp_connection_die(c, is_hard ? REFUSED : UNREACHABLE);
	}
}

void tcp_report(struct net_stack *stack, const struct icmp_header *error,
	const struct ipv4_header *header, struct view quoted)
{
	struct tcp_host *host = stack->tcp;
	struct tcp_connection *c;
	struct tcp_ends ends = { .local = address_v4(header->source),
		.remote = address_v4(header->destination) };
	struct tcp_flow *flow;
	uint32_t sequence;

	if (host == NULL || quoted.length < 8)
		return;
	ends.local_port = be16_at(quoted.data);
	ends.remote_port = be16_at(quoted.data + 2);
	sequence = be32_at(quoted.data + 4);
	flow = tcp_flow_find(host, &ends);
	c = (struct tcp_connection *)flow;
	if (flow == NULL || flow->ends.kind != TCP_KIND_CONNECTION || c->snd_una == c->snd_nxt ||
		!sequence_is_within(sequence, c->snd_una, c->snd_nxt - 1)) {
		count(&rx_bad_error);
		return;
	}
	if (error->type == ICMP_UNREACHABLE && error->code == ICMP_FRAGMENTATION_NEEDED)
		too_long(c, error, header->total_length);
	else
		unreachable(c, error);
}
