/*
 * The retransmission timeout (RFC 6298), from samples of the round-trip time.
 */
#include "net/tcp_inner.h"

#define RTT_MOST_US 60000000

void tcp_rto_sample(struct tcp_connection *c, duration rtt)
{
	int64_t us = rtt / 1000, rto;

	if (us < 1)
		us = 1;
	if (us > RTT_MOST_US)
		us = RTT_MOST_US;
	if (c->rtt_us == 0) { /* 2.2 */
		c->rtt_us = (uint32_t)us;
		c->rtt_variation_us = (uint32_t)us / 2;
		c->rtt_least_us = (uint32_t)us;
	} else { /* 2.3: alpha 1/8, beta 1/4 */
		int64_t difference = (int64_t)c->rtt_us - us;

		if (difference < 0)
			difference = -difference;
		c->rtt_variation_us =
			(uint32_t)((3 * (int64_t)c->rtt_variation_us + difference) / 4);
		c->rtt_us = (uint32_t)((7 * (int64_t)c->rtt_us + us) / 8);
		if (c->rtt_us == 0)
			c->rtt_us = 1;
		if ((uint32_t)us < c->rtt_least_us)
			c->rtt_least_us = (uint32_t)us;
	}
	c->congestion.rtt_us = c->rtt_us;
	c->congestion.rtt_last_us = (uint32_t)us;
	rto = 4 * (int64_t)c->rtt_variation_us;
	/* The variation's floor is what the peer may delay an ACK, as in other stacks. */
	if (rto < TCP_RTO_LEAST / 1000)
		rto = TCP_RTO_LEAST / 1000;
	rto += c->rtt_us;
	if (rto > TCP_RTO_MOST / 1000)
		rto = TCP_RTO_MOST / 1000;
	c->rto_us = (uint32_t)rto;
}

duration tcp_rto(const struct tcp_connection *c)
{
	unsigned shift = c->backoff < 8 ? c->backoff : 8;
	duration rto = (duration)c->rto_us * 1000 << shift;

	return rto < TCP_RTO_MOST ? rto : TCP_RTO_MOST;
}
