/*
 *     Ethernet   0 destination  6 source  12 type
 *     IPv4      14 version, header length  20 flags, fragment  23 protocol  26 source  30 destination
 *     then      +0 source port  +2 destination port
 */
#include "host/net/gate.h"

#include <string.h>

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define ICMP	       1
#define TCP	       6
#define UDP	       17

struct flow {
	uint8_t protocol;
	const uint8_t *source, *destination;
	bool has_ports; /* false: cut short, a fragment, or a protocol without */
	uint16_t source_port, destination_port;
};

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* False: no IPv4. */
static bool decode(struct flow *flow, const uint8_t *frame, size_t length)
{
	const uint8_t *ip = frame + ETHERNET_BYTES;
	size_t header;

	if (length < ETHERNET_BYTES + IPV4_BYTES || load16(frame + 12) != 0x0800)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
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

void gate_note(struct gate *gate, const uint8_t *frame, size_t length)
{
	struct flow flow;

	if (decode(&flow, frame, length) && flow.has_ports &&
		memcmp(flow.source, gate->gateway, 4) == 0)
		ports_of(gate, &flow)[flow.source_port / 8] |= (uint8_t)(1 << flow.source_port % 8);
}

static bool is_allowed(struct gate *gate, const struct flow *flow)
{
	if (flow->destination[0] == 0 || flow->destination[0] == 127)
		return false;
	if (memcmp(flow->destination, gate->gateway, 4) != 0 || flow->protocol == ICMP)
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
