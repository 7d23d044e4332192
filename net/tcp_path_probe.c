/*
 * Path MTU upwards (RFC 4821 7, RFC 8899 5.3.3): ten minutes after a path's MTU was lowered, one segment that
 * is larger than it takes text to there. If it arrives, the path takes so much; if not, its text leaves again
 * in smaller ones, and that is no congestion. First the largest is tried, then half the rest, until little
 * is to be gained.
 *
 *     mtu               ceiling
 *      |- known to pass -|- too large; at first what link and peer allow, untried
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

#define RAISE_AFTER (10 * SECONDS(60)) /* RFC 1191 6.3, RFC 8899 5.1.1: PMTU_RAISE_TIMER */
#define PROBE_EVERY SECONDS(2)
#define GAIN_LEAST  32 /* bytes; a search that could gain less is over */

COUNTER(probes, "tcp.tx_path_probes", "segments sent to see if a path takes larger ones");
COUNTER(raised, "tcp.path_mtu_raised", "path MTUs raised: such a one arrived");

static uint32_t headers_of(const struct tcp_connection *c)
{
	return (uint32_t)tcp_ip_header_bytes(&c->flow.ends.remote) + TCP_HEADER_BYTES;
}

/* What the link and the peer take. */
static uint32_t largest(const struct tcp_connection *c)
{
	uint32_t link = tcp_ip_link_mtu(c->host->stack, &c->flow.ends.remote),
		 peer = c->mss_asked + headers_of(c);

	return link < peer ? link : peer;
}

/* The size to try; 0: the search is over. */
static uint32_t next_size(const struct tcp_path *path, uint32_t most)
{
	if (path->ceiling == 0 || path->ceiling > most)
		return most;
	return path->ceiling - path->mtu >= 2 * GAIN_LEAST ? (path->mtu + path->ceiling) / 2u : 0;
}

static bool is_calm(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;

	return c->backoff == 0 && c->has_sack &&
	       (f == NULL ||
		       (f->phase == TCP_PHASE_OPEN && f->lost_bytes == 0 && f->path_mtu == 0));
}

uint16_t tcp_path_probe_mss(struct tcp_connection *c, uint32_t text)
{
	struct tcp_path *path = tcp_path_find(c->host, &c->flow.ends.remote);
	uint32_t most = largest(c), size;

	if (c->mss + headers_of(c) >= most)
		return 0;
	if (path == NULL || path->mtu > c->mss + headers_of(c)) { /* others know better by now */
		tcp_mss_update(c);
		return 0;
	}
	if (!is_calm(c) || tcp_now(c->host) - path->learned < RAISE_AFTER ||
		tcp_now(c->host) - path->probed < PROBE_EVERY)
		return 0;
	size = next_size(path, most);
	if (size == 0) { /* until the next time */
		path->learned = tcp_now(c->host);
		path->ceiling = 0;
		return 0;
	}
	/* What follows it tells by SACK if it was lost. */
	return text >= size + 3u * c->mss ? (uint16_t)(size - headers_of(c)) : 0;
}

void tcp_path_probe_sent(struct tcp_connection *c, uint16_t mss, uint32_t start, uint32_t end)
{
	struct tcp_path *path = tcp_path_find(c->host, &c->flow.ends.remote);

	count(&probes);
	if (path != NULL)
		path->probed = tcp_now(c->host);
	c->flight->path_start = start;
	c->flight->path_end = end;
	c->flight->path_mtu = (uint16_t)(mss + headers_of(c));
}

void tcp_path_probe_acknowledged(struct tcp_connection *c, uint32_t ack)
{
	struct tcp_flight *f = c->flight;
	struct tcp_path *path;

	if (f == NULL || f->path_mtu == 0 || sequence_before(ack, f->path_end))
		return;
	path = tcp_path_find(c->host, &c->flow.ends.remote);
	if (path != NULL && path->mtu < f->path_mtu) {
		count(&raised);
		path->mtu = f->path_mtu;
		path->probed = 0; /* go on at once */
		tcp_mss_update(c);
		c->is_size_proven = true;
	}
	f->path_mtu = 0;
}

void tcp_path_probe_repeated(struct tcp_connection *c, uint32_t start, uint32_t end)
{
	struct tcp_flight *f = c->flight;
	struct tcp_path *path;

	if (f->path_mtu == 0 || !sequence_before(start, f->path_end) ||
		!sequence_after(end, f->path_start))
		return;
	path = tcp_path_find(c->host, &c->flow.ends.remote);
	if (path != NULL)
		path->ceiling = f->path_mtu;
	/* RFC 4821 7.6.2: nothing else is missing. */
	if (f->phase == TCP_PHASE_RECOVERY && f->lost_bytes <= f->path_end - f->path_start)
		tcp_recovery_forgive(c);
	f->path_mtu = 0;
}
