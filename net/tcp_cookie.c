/*
 * SYN cookies: a handshake that costs the server nothing until it is complete. What must be known then is
 * packed into the initial sequence number and, for the options, into the low bits of the time stamp.
 *
 *     sequence number  | time: 6 bits, 64 s each | MSS: 3 bits | 23 bits of a keyed hash of both ends, |
 *                      |                         |             | the peer's number, time and MSS       |
 *
 *     time stamp       | clock, its low 6 bits replaced by:  scale: 4 bits (15: none) | SACK | ECN |
 *
 * They are sent only when the half-open flows' limit is reached, and believed only for two minutes after
 * one was sent: at other times nobody can guess his way in. No budget bounds them: among SYNs alike a good one
 * is withheld as often as a bad one, and its client waits a second before it asks again.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

#define PERIOD	    SECONDS(64)
#define PERIODS	    64
#define HASH_BITS   23
#define HASH_MASK   ((1u << HASH_BITS) - 1)
#define BELIEVED    SECONDS(128)
#define OPTION_MASK 63u
#define NO_SCALE    15u

COUNTER(cookies_sent, "tcp.cookies_sent", "SYNs answered with a cookie");
COUNTER(cookies_good, "tcp.cookies_good", "connections made from a cookie");
COUNTER(cookies_bad, "tcp.cookies_bad", "ACKs whose cookie is not ours, or too old");

static const uint16_t sizes[8] = { 536, 1024, 1220, 1300, 1380, 1440, 1460, 8960 };

static uint32_t size_index(uint16_t mss)
{
	uint32_t index = 0;

	while (index < 7 && sizes[index + 1] <= mss)
		index++;
	return index;
}

static uint32_t period_now(const struct tcp_host *host)
{
	return (uint32_t)(tcp_now(host) / PERIOD);
}

static uint32_t cookie_of(const struct tcp_host *host, const struct tcp_ends *ends, uint32_t irs,
	uint32_t period, uint32_t index)
{
	uint64_t hash = tcp_cookie_hash(host, ends, irs, period << 3 | index);

	return period % PERIODS << 26 | index << HASH_BITS | ((uint32_t)hash & HASH_MASK);
}

/* The clock with the options in its low bits, and not in the future. */
static uint32_t stamp_of(uint32_t clock, const struct tcp_segment *s)
{
	bool has_ecn = (s->header.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
	uint32_t packed = (s->options.has_scale ? s->options.scale : NO_SCALE) |
			  (uint32_t)s->options.has_sack_permitted << 4 | (uint32_t)has_ecn << 5;
	uint32_t stamp = (clock & ~OPTION_MASK) | packed;

	return sequence_after(stamp, clock) ? stamp - (OPTION_MASK + 1) : stamp;
}

void tcp_cookie_send(struct tcp_host *host, const struct tcp_segment *s)
{
	const struct address *to = &s->ends.remote;
	uint32_t index = size_index(s->options.mss != 0 ? s->options.mss : TCP_MSS_DEFAULT);
	struct tcp_header header = {
		.sequence = cookie_of(host, &s->ends, s->header.sequence, period_now(host), index),
		.acknowledgment = s->header.sequence + 1,
		.flags = TCP_SYN | TCP_ACK,
		.window = 65535,
	};
	struct tcp_options options = {
		.mss = (uint16_t)(tcp_path_mtu(host, to) - tcp_ip_header_bytes(to) -
				  TCP_HEADER_BYTES),
	};

	/* Without a time stamp the options have no place to be kept. */
	if (s->options.has_timestamp) {
		options.has_timestamp = true;
		options.timestamp =
			stamp_of(tcp_now_ms(host), s) + tcp_stamp_offset(host, &s->ends);
		options.timestamp_echo = s->options.timestamp;
		options.has_scale = s->options.has_scale;
		options.scale = tcp_scale_of(TCP_BUFFER_BYTES);
		options.has_sack_permitted = s->options.has_sack_permitted;
		if ((s->header.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR))
			header.flags |= TCP_ECE;
	}
	host->cookies_until = tcp_now(host) + BELIEVED;
	count(&cookies_sent);
	tcp_emit_bare(host, &s->ends, &header, &options);
}

/* The size that a right cookie names; 0: it is none of ours. */
static uint16_t judge(const struct tcp_host *host, const struct tcp_segment *s)
{
	uint32_t cookie = s->header.acknowledgment - 1, irs = s->header.sequence - 1;
	uint32_t index = cookie >> HASH_BITS & 7, now = period_now(host);

	for (uint32_t age = 0; age < 2; age++)
		if (cookie_of(host, &s->ends, irs, now - age, index) == cookie)
			return sizes[index];
	return 0;
}

static void restore_options(struct tcp_connection *c, const struct tcp_segment *s, uint16_t mss)
{
	uint32_t stamp = s->options.timestamp_echo - c->stamp_offset;
	uint32_t scale = stamp & NO_SCALE;

	c->has_stamps = s->options.has_timestamp;
	if (!c->has_stamps) {
		tcp_connection_agree(c, mss, false, 0);
		return;
	}
	c->stamp_recent = s->options.timestamp;
	c->stamp_recent_ms = tcp_now_ms(c->host);
	c->has_sack = stamp >> 4 & 1;
	c->has_ecn = stamp >> 5 & 1;
	tcp_connection_agree(c, mss, scale != NO_SCALE, (uint8_t)scale);
}

struct tcp_connection *tcp_cookie_accept(
	struct tcp_host *host, struct tcp_port *port, const struct tcp_segment *s)
{
	struct tcp_connection *c;
	uint16_t mss;

	if (tcp_now(host) >= host->cookies_until)
		return NULL;
	mss = judge(host, s);
	if (mss == 0) {
		count(&cookies_bad);
		return NULL;
	}
	c = tcp_port_has_room(port) ? tcp_connection_new(host, &s->ends) : NULL;
	if (c == NULL)
		return NULL;
	count(&cookies_good);
	c->irs = s->header.sequence - 1;
	c->rcv_nxt = c->acked_at = c->irs + 1;
	c->rcv_edge = c->rcv_nxt + 65535;
	c->iss = c->snd_una = s->header.acknowledgment - 1;
	c->snd_nxt = c->snd_end = c->iss + 1;
	c->flow.ends.state = TCP_SYN_RECEIVED;
	restore_options(c, s, mss);
	tcp_port_queue(port, c);
	return c;
}
