/*
 * The whole receive path with its state: the input is a script of frames and pauses for one host with
 * a socket that echoes.
 *
 *     +---------+-----------+---------------+-----------------------------------------------
 *     | command | length    | length bytes  | next ...
 *     +---------+-----------+---------------+-----------------------------------------------
 *       bits 0-1: 0 raw frame, 1 IP payload with a right header and checksum put before it,
 *                 2 ARP packet with a right frame header, 3 a pause of `length` times 1 s
 *       bit 2: the frame comes in two buffers;  bits 3-4: flags of the offload header
 *       bit 6: of 1: IPv6, and an ICMP checksum that is right
 *
 * After each run everything is closed and time runs out: no packet may be left.
 */
#include "core/netdev.h"
#include "diatom/assert.h"
#include "net/arp.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/linear.h"
#include "wire/arp.h"
#include "wire/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct net_stack stack;
static struct ipv6_host ipv6;
static struct udp_port port;
static size_t outstanding_frames;

static void check_frame(struct netdev *device, struct packet *frame)
{
	uint32_t total = 0;

	for (struct packet *part = frame; part != NULL; part = part->fragment)
		total += part->length;
	ASSERT(total == frame->total_length && total >= 14 && total <= device->mtu + 14u);
	outstanding_frames++;
	packet_free(frame);
}

static const struct netdev_ops device_ops = { .transmit = check_frame };
static struct netdev device = {
	.ops = &device_ops,
	.name = "fuzz",
	.mac = { 2, 0, 0, 0, 0, 2 },
	.mtu = 1500,
};

static uint32_t count_up(void)
{
	static uint32_t value;

	return value += 0x9e3779b1;
}

static void echo(struct udp_port *ready)
{
	struct endpoint source, local;
	struct packet *packet;

	while (udp_port_take_error(ready, &source))
		;
	while ((packet = udp_port_take(ready, &source, &local)) != NULL) {
		udp_port_note_peer(ready, &source);
		udp_output(&stack, packet, &local, &source);
	}
}

static struct packet *packet_of(struct view bytes, bool is_split)
{
	size_t first = is_split && bytes.length > 60 ? 60 : bytes.length;
	struct packet *packet = linear_alloc(first);

	ASSERT(packet != NULL);
	if (first > 0)
		memcpy(packet->data, bytes.data, first);
	if (first < bytes.length)
		packet_append(packet, packet_of(view_part(bytes, first, bytes.length), false));
	return packet;
}

/* The payload after an Ethernet and an IP header whose source the first byte chooses. */
static struct packet *ip_packet(struct view payload, bool is_split)
{
	uint8_t bytes[34 + 255];
	uint8_t choice = payload.length > 0 ? payload.data[0] : 0;
	struct ipv4_header header = {
		.source = 0x0a000001 + (choice & 3),
		.destination = choice & 4 ? 0x0a0000ff : 0x0a000002,
		.protocol = choice & 8 ? IP_ICMP : IP_UDP,
		.more_fragments = choice & 16,
		.fragment_offset = payload.length > 1 ? (uint16_t)(payload.data[1] * 8) : 0,
		.id = choice >> 6,
		.ttl = 64,
	};

	payload = view_part(payload, 2, 255);
	header.total_length = (uint16_t)(20 + payload.length);
	ethernet_emit(bytes, device.mac, mac_broadcast, ETHERNET_IPV4);
	bytes[6] = 2;
	ipv4_emit(bytes + 14, &header);
	if (payload.length > 0)
		memcpy(bytes + 34, payload.data, payload.length);
	return packet_of(view_of(bytes, 34 + payload.length), is_split);
}

/* The same for IPv6; the first byte chooses source, destination and what follows, the second the hop
 * limit: 255, 1 or 64. */
static struct packet *ip6_packet(struct view payload, bool is_split)
{
	static const uint8_t next[4] = { IP_ICMPV6, IP_UDP, IPV6_FRAGMENT, IPV6_OPTIONS };
	uint8_t bytes[54 + 255];
	uint8_t choice = payload.length > 0 ? payload.data[0] : 0;
	uint8_t limit = payload.length > 1 ? payload.data[1] : 0;
	struct ipv6_header header = { .next_header = next[choice >> 6] };

	header.source = (struct address){ { 0xfe, 0x80, [15] = 1 + (choice & 1) } };
	if (choice & 2)
		header.source = (struct address){ { 0xfd, [15] = (uint8_t)(choice & 1) } };
	if ((choice & 3) == 3)
		header.source = (struct address){ 0 };
	header.destination = ipv6_link_group(1);
	if (choice & 4)
		header.destination = (struct address){ { 0xfd, [15] = 2 } };
	if ((choice & 12) == 12)
		header.destination = ipv6_solicited_node(&header.destination);
	header.hop_limit = limit & 1 ? 255 : limit & 2 ? 1 : 64;
	payload = view_part(payload, 2, 255);
	header.payload_length = (uint16_t)payload.length;
	ethernet_emit(bytes, device.mac, mac_broadcast, ETHERNET_IPV6);
	bytes[6] = 2;
	ipv6_emit(bytes + 14, &header);
	if (payload.length > 0)
		memcpy(bytes + 54, payload.data, payload.length);
	if (header.next_header == IP_ICMPV6 && payload.length >= 4) {
		bytes[56] = bytes[57] = 0;
		checksum_store(bytes + 56,
			checksum_add(checksum_pseudo_v6(&header.source, &header.destination,
					     IP_ICMPV6, header.payload_length),
				bytes + 54, payload.length));
	}
	return packet_of(view_of(bytes, 54 + payload.length), is_split);
}

static struct packet *arp_packet(struct view payload)
{
	uint8_t bytes[14 + 255];

	ethernet_emit(bytes, device.mac, mac_broadcast, ETHERNET_ARP);
	bytes[6] = 2;
	if (payload.length > 0)
		memcpy(bytes + 14, payload.data, payload.length);
	return packet_of(view_of(bytes, 14 + payload.length), false);
}

static void act(uint8_t command, struct view bytes, instant *now)
{
	struct packet_queue frames = { 0 };
	bool is_split = command & 4;
	struct packet *packet;

	switch (command & 3) {
	case 0:
		packet = packet_of(bytes, is_split);
		break;
	case 1:
		packet = command & 64 ? ip6_packet(bytes, is_split) : ip_packet(bytes, is_split);
		break;
	case 2:
		packet = arp_packet(bytes);
		break;
	default:
		*now += SECONDS(bytes.length);
		if (stack.deadline <= *now)
			net_stack_tick(&stack, *now);
		return;
	}
	packet->flags = command >> 3 & (PACKET_CHECKSUM_VALID | PACKET_CHECKSUM_PARTIAL);
	if (command & 32) {
		packet->segmentation = SEGMENT_UDP;
		packet->segment_bytes = 5;
	}
	packet_queue_put(&frames, packet);
	net_stack_input(&stack, &frames, *now);
}

static size_t packets_in_use(void)
{
	size_t used = 0;

	for (const struct pool *pool = pool_first(); pool != NULL; pool = pool->next_pool)
		used += strstr(pool->name, "packet") != NULL ? pool->used : 0;
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix prefix = { address_v4(0x0a000002), 24 };
	struct cursor c = cursor_on(view_of(data, size));
	instant now = SECONDS(1);
	size_t before = packets_in_use();

	device.features = size & 1 ? NETDEV_CHECKSUM : 0;
	net_stack_init(&stack, &device, count_up, now);
	ASSERT(net_stack_add_address(&stack, &prefix) == OK);
	ASSERT(ipv6_start(&ipv6, &stack, size & 2 ? "fd00::2/64" : "", "") == OK);
	memset(&port, 0, sizeof(port));
	port.ready = echo;
	ASSERT(udp_port_bind(&stack, &port, 7) == OK);
	while (cursor_left(&c) > 0) {
		uint8_t command = cursor_u8(&c), length = cursor_u8(&c);
		struct view rest = view_of(c.next, cursor_left(&c));

		act(command, view_part(rest, 0, length), &now);
		cursor_take(&c, length);
	}
	udp_port_unbind(&stack, &port);
	/* Routers are asked for without end; an hour is beyond all that waits. */
	for (now += SECONDS(3600); stack.deadline < now;)
		net_stack_tick(&stack, stack.deadline);
	ASSERT(packets_in_use() == before);
	return 0;
}
