/*
 * Path MTU: from ICMP (RFC 1191), believed only about segments that are in flight (RFC 5927 7); and
 * without ICMP, when full segments vanish time and again (RFC 4821 7.7, RFC 2923 2.1). After ten minutes
 * connections look whether the path has become larger (net/tcp_path_probe.c); what they don't renew is
 * forgotten after twenty.
 */
#include "diatom/counter.h"
#include "net/ip.h"
#include "net/tcp_inner.h"

#define KEPT	      (20 * SECONDS(60)) /* meanwhile net/tcp_path_probe.c tries larger ones */
#define MTU_SUSPECTED 1024		 /* RFC 4821 7.7: BASE */

COUNTER(path_learned, "tcp.path_mtu_learned", "path MTUs lowered by ICMP");
COUNTER(path_suspected, "tcp.path_mtu_suspected", "path MTUs lowered because full segments vanish");
COUNTER(rx_bad_error, "tcp.rx_bad_error", "ICMP errors ignored: not about what is in flight");
COUNTER(rx_soft_error, "tcp.rx_soft_error", "ICMP errors about connections that live on");
COUNTER(rx_hard_error, "tcp.rx_hard_error", "connections not opened: ICMP said that they can't be");

struct tcp_path *tcp_path_find(struct tcp_host *host, const struct address *to)
{
	for (unsigned i = 0; i < TCP_PATHS; i++)
		if (host->paths[i].mtu != 0 && address_equal(&host->paths[i].to, to))
			return &host->paths[i];
	return NULL;
}

uint16_t tcp_path_mtu(struct tcp_host *host, const struct address *to)
{
	uint16_t link = tcp_ip_link_mtu(host->stack, to);
	struct tcp_path *path = tcp_path_find(host, to);

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
	struct tcp_path *path = tcp_path_find(host, to);

	for (unsigned i = 0; i < TCP_PATHS && path == NULL; i++)
		if (host->paths[i].mtu == 0)
			path = &host->paths[i];
	if (path == NULL) { /* the one learned first makes room */
		path = &host->paths[0];
		for (unsigned i = 1; i < TCP_PATHS; i++)
			if (host->paths[i].learned < path->learned)
				path = &host->paths[i];
	}
	*path = (struct tcp_path){ .to = *to, .learned = tcp_now(host), .mtu = mtu };
}

void tcp_path_suspect(struct tcp_connection *c)
{
	const struct address *to = &c->flow.ends.remote;
	size_t headers = tcp_ip_header_bytes(to) + TCP_HEADER_BYTES;
	uint16_t mtu = tcp_path_mtu(c->host, to), before = c->mss, suspected = MTU_SUSPECTED;
	uint16_t least = tcp_ip_mtu_least(to);
	uint32_t out = c->snd_nxt - c->snd_una;

	tcp_mss_update(c); /* another connection may have learned it meanwhile */
	if (c->mss < before)
		return;
	/* What is out must become shorter by it, or it is no use. */
	if (mtu <= MTU_SUSPECTED || out <= MTU_SUSPECTED - headers || suspected < least)
		suspected = least;
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
	return 0;
}

static void too_long(struct tcp_connection *c, const struct ip_failure *failure)
{
	uint16_t mtu = failure->mtu, now = tcp_path_mtu(c->host, &c->flow.ends.remote);
	uint16_t least = tcp_ip_mtu_least(&c->flow.ends.remote);

	if (mtu == 0)
		mtu = plateau_below(failure->length);
	if (mtu < least)
		mtu = least;
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
static void unreachable(struct tcp_connection *c, const struct ip_failure *failure)
{
	if (c->flow.ends.state != TCP_SYN_SENT || failure->kind == IP_FAILED) {
		count(&rx_soft_error);
		return;
	}
	if (failure->kind == IP_REFUSED || failure->kind == IP_HOST_UNREACHABLE) {
		count(&rx_hard_error);
		tcp_connection_die(c, failure->kind == IP_REFUSED ? REFUSED : UNREACHABLE);
	}
}

void tcp_report(struct net_stack *stack, const struct ip_failure *failure, struct view quoted)
{
	struct tcp_host *host = stack->tcp;
	struct tcp_connection *c;
	struct tcp_ends ends = { .local = failure->source, .remote = failure->destination };
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
	if (failure->kind == IP_TOO_LONG)
		too_long(c, failure);
	else
		unreachable(c, failure);
}
