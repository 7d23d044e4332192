/*
 * Numbers that only we can compute: initial sequence numbers (RFC 6528), offsets of time stamps (RFC
 * 7323 7.1), cookies. SipHash-2-4 with a key of the host's; its first words say what it is for.
 */
#include "net/tcp_inner.h"

enum purpose { FOR_SEQUENCE = 1, FOR_STAMP, FOR_COOKIE };

static uint64_t keyed(const struct tcp_host *host, const struct tcp_ends *ends, uint32_t purpose,
	uint32_t a, uint32_t b)
{
	struct {
		struct address local, remote;
		uint32_t ports, purpose, a, b;
	} input = { ends->local, ends->remote, (uint32_t)ends->local_port << 16 | ends->remote_port,
		purpose, a, b };

	return hash_sip(&host->secret, &input, sizeof(input), 2, 4);
}

/* RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M a 4 us clock. */
uint32_t tcp_sequence_first(const struct tcp_host *host, const struct tcp_ends *ends)
{
	return (uint32_t)((uint64_t)tcp_now(host) / 4000) +
	       (uint32_t)keyed(host, ends, FOR_SEQUENCE, 0, 0);
}

/* The same for all connections between two hosts, so that stamps only grow from one to the next and
 * TIME-WAIT can tell new from old (RFC 6191). */
uint32_t tcp_stamp_offset(const struct tcp_host *host, const struct tcp_ends *ends)
{
	struct tcp_ends hosts = { .local = ends->local, .remote = ends->remote };

	return (uint32_t)keyed(host, &hosts, FOR_STAMP, 0, 0);
}

uint64_t tcp_cookie_hash(
	const struct tcp_host *host, const struct tcp_ends *ends, uint32_t irs, uint32_t minute)
{
	return keyed(host, ends, FOR_COOKIE, irs, minute);
}
