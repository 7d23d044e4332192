/*
 * Forwarding: RFC 1812 5.2 as far as simulations need it.
 */
#include "test/sim/sim_router.h"

#include "diatom/assert.h"
#include "net/linear.h"
#include "test/sim/sim_frame.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

#define QUOTED_TEXT 8 /* of a datagram, behind its header: RFC 792 */

static void send_frame(
	struct sim_port *port, const uint8_t *to, uint16_t type, struct packet *frame)
{
	ethernet_emit(frame->data, to, port->end.device.mac, type);
	port->end.device.ops->transmit(&port->end.device, frame);
}

/* --- ARP --- */

static void answer_arp(struct sim_port *port, struct view bytes)
{
	struct arp arp, answer = { .operation = ARP_REPLY, .sender_ip = port->v4 };
	struct packet *frame;

	if (!arp_parse(&arp, bytes) || arp.operation != ARP_REQUEST || arp.target_ip != port->v4)
		return;
	memcpy(answer.sender_mac, port->end.device.mac, MAC_BYTES);
	memcpy(answer.target_mac, arp.sender_mac, MAC_BYTES);
	answer.target_ip = arp.sender_ip;
	frame = linear_alloc(ETHERNET_HEADER_BYTES + ARP_BYTES);
	ASSERT(frame != NULL);
	arp_emit(frame->data + ETHERNET_HEADER_BYTES, &answer);
	send_frame(port, arp.sender_mac, ETHERNET_ARP, frame);
}

/* The station of the port's link with that address, or NULL. */
static const struct sim_host *station(const struct sim_port *port, uint32_t v4)
{
	for (unsigned i = 0; i < port->end.link->host_count; i++) {
		const struct sim_host *host = port->end.link->hosts[i];
		bool is_it = host->arrive == NULL
				     ? net_stack_owns_v4(&host->stack, v4)
				     : CONTAINER_OF(host, struct sim_port, end)->v4 == v4;

		if (is_it)
			return host;
	}
	return NULL;
}

/* --- IPv4 --- */

/* RFC 1191 4: the next hop's MTU stands in the low half of what RFC 792 left unused. */
static void refuse_length(struct sim_port *port, const uint8_t *to, struct view datagram,
	const struct ipv4_header *header, uint16_t mtu)
{
	size_t quoted = header->header_length + QUOTED_TEXT, length = ICMP_HEADER_BYTES + quoted;
	struct icmp_header error = { ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu };
	struct ipv4_header answer = { .source = port->v4,
		.destination = header->source,
		.protocol = IP_ICMP,
		.ttl = IPV4_TTL,
		.total_length = (uint16_t)(IPV4_HEADER_BYTES + length) };
	struct packet *frame = linear_alloc(ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + length);
	uint8_t *ip, *icmp;

	ASSERT(frame != NULL);
	ip = frame->data + ETHERNET_HEADER_BYTES;
	icmp = ip + IPV4_HEADER_BYTES;
	ipv4_emit(ip, &answer);
	icmp_emit(icmp, &error);
	memcpy(icmp + ICMP_HEADER_BYTES, datagram.data, quoted);
	checksum_store(icmp + 2, checksum_add(0, icmp, length));
	send_frame(port, to, ETHERNET_IPV4, frame);
}

/* By which port, and to which address there; NULL: no route. */
static struct sim_port *route(struct sim_router *router, uint32_t to, uint32_t *next_hop)
{
	struct address address = address_v4(to);

	*next_hop = to;
	for (unsigned i = 0; i < router->port_count; i++)
		if (prefix_contains(&router->ports[i].prefix, &address))
			return &router->ports[i];
	*next_hop = router->gateway;
	return router->gateway != 0 ? &router->ports[router->gateway_port] : NULL;
}

static void age(uint8_t *ip, const struct ipv4_header *header)
{
	ip[8]--;
	be16_to(ip + 10, 0);
	checksum_store(ip + 10, checksum_add(0, ip, header->header_length));
}

static void forward(struct sim_port *in, const uint8_t *from, struct view datagram)
{
	struct sim_router *router = in->router;
	struct ipv4_header header;
	const struct sim_host *next;
	struct sim_port *out;
	struct packet *frame;
	uint32_t next_hop;

	if (ipv4_parse(&header, datagram, datagram.length) != IPV4_OK) {
		router->damaged++;
		return;
	}
	if (header.ttl <= 1) {
		router->expired++;
		return;
	}
	out = route(router, header.destination, &next_hop);
	next = out != NULL && out != in ? station(out, next_hop) : NULL;
	if (next == NULL) {
		router->unroutable++;
		return;
	}
	if (header.total_length > out->end.link->mtu) {
		router->too_long++;
		if (!router->is_silent && header.dont_fragment &&
			header.total_length >= header.header_length + QUOTED_TEXT)
			refuse_length(in, from, datagram, &header, out->end.link->mtu);
		return;
	}
	frame = linear_alloc(ETHERNET_HEADER_BYTES + header.total_length);
	ASSERT(frame != NULL);
	memcpy(frame->data + ETHERNET_HEADER_BYTES, datagram.data, header.total_length);
	age(frame->data + ETHERNET_HEADER_BYTES, &header);
	router->forwarded++;
	send_frame(out, next->device.mac, ETHERNET_IPV4, frame);
}

static void arrive(struct sim_host *end, struct packet *packet)
{
	struct sim_port *port = CONTAINER_OF(end, struct sim_port, end);
	struct packet *whole = sim_frame_copy(packet);
	struct ethernet_header ethernet;
	struct view frame = packet_view(whole), rest;

	packet_free(packet);
	rest = view_part(frame, ETHERNET_HEADER_BYTES, frame.length);
	if (!ethernet_parse(&ethernet, frame))
		port->router->damaged++;
	else if (ethernet.type == ETHERNET_ARP)
		answer_arp(port, rest);
	else if (ethernet.type == ETHERNET_IPV4 &&
		 memcmp(ethernet.destination, end->device.mac, MAC_BYTES) == 0)
		forward(port, ethernet.source, rest);
	packet_free(whole);
}

/* --- putting one together --- */

void sim_router_start(struct sim_router *router)
{
	memset(router, 0, sizeof(*router));
}

void sim_router_join(
	struct sim_router *router, struct sim_link *link, uint8_t number, const char *prefix)
{
	struct sim_port *port;

	ASSERT(router->port_count < SIM_PORTS_MAX);
	port = &router->ports[router->port_count++];
	port->router = router;
	ASSERT(prefix_parse(&port->prefix, prefix) == OK);
	port->v4 = address_to_v4(&port->prefix.address);
	sim_station_start(&port->end, link, number, prefix);
	port->end.arrive = arrive;
}

void sim_router_default(struct sim_router *router, uint32_t gateway)
{
	struct address address = address_v4(gateway);

	router->gateway = gateway;
	for (unsigned i = 0; i < router->port_count; i++)
		if (prefix_contains(&router->ports[i].prefix, &address))
			router->gateway_port = i;
}
