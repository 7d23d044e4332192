/*
 *     Ethernet   0 destination  6 source  12 type
 *     IPv4      14 version, header length  20 flags, fragment  23 protocol  26 source  30 destination
 *     IPv6      14 version  20 next header  22 source  38 destination
 *     then      +0 source port  +2 destination port
 */
#include "host/net/gate.h"

#include <string.h>

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define ICMP	       1
#define ICMPV6	       58
#define TCP	       6
#define UDP	       17

struct flow {
	uint8_t protocol;
	bool is_v6;
	const uint8_t *source, *destination;
	bool has_ports; /* false: cut short, a fragment, or a protocol without */
	uint16_t source_port, destination_port;
};

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* What comes behind extension headers has no ports that we know: it is no answer to anybody. */
static bool decode_v6(struct flow *flow, const uint8_t *ip, size_t length)
{
	if (length < IPV6_BYTES)
		return false;
	flow->is_v6 = true;
	flow->protocol = ip[6];
	flow->source = ip + 8;
	flow->destination = ip + 24;
	flow->has_ports =
		(flow->protocol == TCP || flow->protocol == UDP) && length >= IPV6_BYTES + 4;
	if (flow->has_ports) {
		flow->source_port = load16(ip + IPV6_BYTES);
		flow->destination_port = load16(ip + IPV6_BYTES + 2);
	}
	return true;
}

/* False: no IP. */
static bool decode(struct flow *flow, const uint8_t *frame, size_t length)
{
	const uint8_t *ip = frame + ETHERNET_BYTES;
	size_t header;

	if (length >= ETHERNET_BYTES && load16(frame + 12) == 0x86dd)
		return decode_v6(flow, ip, length - ETHERNET_BYTES);
	if (length < ETHERNET_BYTES + IPV4_BYTES || load16(frame + 12) != 0x0800)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	flow->is_v6 = false;
	flow->protocol = ip[9];
	flow->source = ip + 12;
	flow->destination = ip + 16;
	flow->has_ports = (flow->protocol == TCP || flow->protocol == UDP) &&
			  header >= IPV4_BYTES && length >= ETHERNET_BYTES + header + 4 &&
			  (load16(ip + 6) & 0x3fff) == 0;
	if (flow->has_ports) {
		flow->source_port = load16(ip + header);
		flow->destination_port = load16(ip + header + 2);
	}
	return true;
}

static uint8_t *ports_of(struct gate *gate, const struct flow *flow)
{
	return flow->protocol == TCP ? gate->tcp : gate->udp;
}

static bool is_gateway(const struct gate *gate, const struct flow *flow, const uint8_t *address)
{
	return flow->is_v6 ? memcmp(address, gate->gateway6, 16) == 0
			   : memcmp(address, gate->gateway, 4) == 0;
}

/* Addresses that mean the host itself to its system calls, or its own links. */
static bool is_host_itself(const struct flow *flow)
{
	static const uint8_t zero[10];
	const uint8_t *to = flow->destination;

	if (!flow->is_v6)
		return to[0] == 0 || to[0] == 127;
	return (to[0] == 0xfe && (to[1] & 0xc0) == 0x80) ||
	       (memcmp(to, zero, sizeof(zero)) == 0 &&
		       ((to[10] == 0 && to[11] == 0) || (to[10] == 0xff && to[11] == 0xff)));
}

void gate_note(struct gate *gate, const uint8_t *frame, size_t length)
{
	struct flow flow;

	if (decode(&flow, frame, length) && flow.has_ports && is_gateway(gate, &flow, flow.source))
		ports_of(gate, &flow)[flow.source_port / 8] |= (uint8_t)(1 << flow.source_port % 8);
}

static bool is_allowed(struct gate *gate, const struct flow *flow)
{
	bool is_to_gateway = is_gateway(gate, flow, flow->destination);

	if (!is_to_gateway && is_host_itself(flow))
		return false;
	if (!is_to_gateway || flow->protocol == (flow->is_v6 ? ICMPV6 : ICMP))
		return true;
	return flow->has_ports &&
	       (ports_of(gate, flow)[flow->destination_port / 8] >> flow->destination_port % 8 &
		       1) != 0;
}

bool gate_lets(struct gate *gate, const uint8_t *frame, size_t length)
{
	struct flow flow;

	if (!decode(&flow, frame, length) || is_allowed(gate, &flow))
		return true;
	gate->refused++;
	return false;
}
