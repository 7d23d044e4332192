/*
 * TCP's segment path with state: the input is a script of segments, calls and pauses for one host with a
 * listener on port 7 and connections of its own, whose numbers the script may aim at.
 *
 *     +---------+---------------------------------------------------------------------
 *     | command | arguments, by command
 *     +---------+---------------------------------------------------------------------
 *       bits 0-2: 0-3 a segment: flags 1, sequence offset 2, ack offset 2, window 2, text 1,
 *                     options' length 1 and bytes; to the connection chosen by bits 4-5
 *                 4   a pause: 1 byte, its square times 1 ms
 *                 5   write: 1 byte times 64
 *                 6   read all, shut, abort, release or open, by 1 byte
 *                 7   a raw IP payload: length 1 and bytes
 *       bit 3: the segment comes in two buffers;  bit 7: segments' numbers are raw, not offsets
 *
 * After each segment the books of every connection balance; after each run nothing is left.
 */
#include "core/netdev.h"
#include "diatom/assert.h"
#include "net/ipv4.h"
#include "net/linear.h"
#include "net/tcp_inner.h"
#include "wire/arp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { US = 0x0a000002, THEM = 0x0a000001, KEPT = 4 };

static struct net_stack stack;
static struct tcp_host host;
static struct tcp_port port;
static struct tcp_connection *kept[KEPT];
static struct pool pool = POOL("fuzz connections", sizeof(struct tcp_connection), 16);
static instant now;

static void check_frame(struct netdev *device, struct packet *frame)
{
	uint32_t total = 0;

	for (struct packet *part = frame; part != NULL; part = part->fragment)
		total += part->length;
	ASSERT(total == frame->total_length && total >= 14);
	ASSERT(frame->segmentation != SEGMENT_NONE || total <= device->mtu + 14u);
	packet_free(frame);
}

static const struct netdev_ops device_ops = { .transmit = check_frame };
static struct netdev device = {
	.ops = &device_ops, .name = "fuzz", .mac = { 2, 0, 0, 0, 0, 2 }, .mtu = 1500
};

static uint32_t count_up(void)
{
	static uint32_t value;

	return value += 0x9e3779b1;
}

static void keep(struct tcp_connection *c)
{
	for (unsigned i = 0; i < KEPT; i++)
		if (kept[i] == NULL) {
			kept[i] = c;
			return;
		}
	tcp_connection_release(c);
}

static void accept_all(struct tcp_port *ready)
{
	struct tcp_connection *c;

	while ((c = tcp_port_accept(ready)) != NULL)
		keep(c);
}

static void no_news(struct tcp_connection *c)
{
}

static void check_books(void)
{
	for (unsigned i = 0; i < KEPT; i++) {
		const struct tcp_connection *c = kept[i];
		uint32_t sacked = 0, lost = 0, at;

		if (c == NULL || !c->flow.ends.is_listed)
			continue;
		ASSERT(!sequence_after(c->rcv_nxt, c->rcv_edge));
		ASSERT(!sequence_after(c->snd_una, c->snd_nxt));
		at = c->snd_una;
		for (struct tcp_sent *s = c->flight ? c->flight->first : NULL; s; s = s->next) {
			ASSERT(s->start == at && sequence_after(s->end, s->start));
			sacked += s->is_sacked ? s->end - s->start : 0;
			lost += s->is_lost ? s->end - s->start : 0;
			at = s->end;
		}
		if (c->flight != NULL)
			ASSERT(sacked == c->flight->sacked_bytes && lost == c->flight->lost_bytes);
		if (c->snd_una != c->snd_nxt)
			ASSERT(c->alarm_at != FOREVER || c->is_pacing);
	}
}

static void hand_in(struct view payload, bool is_split)
{
	uint8_t bytes[34 + 400];
	struct packet_queue frames = { 0 };
	struct packet *packet;
	size_t first;
	struct ipv4_header ip = {
		.source = THEM, .destination = US, .protocol = IP_TCP, .ttl = 64
	};

	payload = view_part(payload, 0, 400);
	ip.total_length = (uint16_t)(20 + payload.length);
	ethernet_emit(bytes, device.mac, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, ETHERNET_IPV4);
	ipv4_emit(bytes + 14, &ip);
	if (payload.length > 0)
		memcpy(bytes + 34, payload.data, payload.length);
	first = is_split && payload.length > 70 ? 34 + 65 : 34 + payload.length;
	packet = linear_alloc(first);
	memcpy(packet->data, bytes, first);
	if (first < 34 + payload.length) {
		struct packet *tail = linear_alloc(34 + payload.length - first);

		memcpy(tail->data, bytes + first, tail->length);
		packet_append(packet, tail);
	}
	packet->flags = PACKET_CHECKSUM_VALID;
	packet_queue_put(&frames, packet);
	net_stack_input(&stack, &frames, now);
}

static void segment(uint8_t command, struct cursor *script)
{
	uint8_t bytes[20 + 40 + 255] = { 0 }, flags = cursor_u8(script);
	uint16_t sequence = cursor_be16(script), ack = cursor_be16(script);
	uint16_t window = cursor_be16(script);
	uint8_t text = cursor_u8(script), options = cursor_u8(script) % 41 & ~3;
	struct view given = cursor_view(script, options);
	const struct tcp_connection *c = kept[command >> 4 & 3];
	struct tcp_header header = { .source_port = 5000,
		.destination_port = 7,
		.sequence = sequence,
		.acknowledgment = ack,
		.flags = flags,
		.window = window,
		.header_length = (uint8_t)(20 + options) };

	if (c != NULL && !(command & 128)) {
		header.source_port = c->flow.ends.remote_port;
		header.destination_port = c->flow.ends.local_port;
		header.sequence = c->rcv_nxt + (uint32_t)(int16_t)sequence;
		header.acknowledgment = c->snd_una + (uint32_t)(int16_t)ack;
	}
	tcp_emit_header(bytes, &header);
	if (given.length > 0)
		memcpy(bytes + 20, given.data, given.length);
	hand_in(view_of(bytes, 20u + options + text), command & 8);
}

static void call(struct tcp_connection **slot, uint8_t what)
{
	struct endpoint to = { address_v4(THEM), 99 };
	struct tcp_connection *c = *slot;
	struct packet *packet;

	switch (what % 6) {
	case 0:
		while (c != NULL && (packet = tcp_connection_take(c)) != NULL)
			packet_free(packet);
		break;
	case 1:
		if (c != NULL)
			tcp_connection_consume(c, what);
		break;
	case 2:
		if (c != NULL && c->error == OK)
			tcp_connection_shut(c);
		break;
	case 3:
		if (c != NULL)
			tcp_connection_abort(c);
		break;
	case 4:
		*slot = NULL;
		if (c != NULL)
			tcp_connection_release(c);
		break;
	case 5:
		if (c == NULL && tcp_connection_open(&host, &to, &c) == OK)
			*slot = c;
		break;
	}
}

static void write(struct tcp_connection *c, size_t length)
{
	static const uint8_t bytes[255 * 64];
	size_t room = c != NULL ? tcp_connection_room(c) : 0;

	if (room == 0 || c->error != OK)
		return;
	tcp_connection_copy(c, view_of(bytes, length < room ? length : room));
	tcp_output(c);
}

static void pass(uint8_t root)
{
	instant end = now + MILLISECONDS((int64_t)root * root);

	while (stack.deadline <= end) {
		now = stack.deadline > now ? stack.deadline : now;
		net_stack_tick(&stack, now);
	}
	now = end;
	net_stack_set_time(&stack, now);
}

static void act(uint8_t command, struct cursor *script)
{
	struct tcp_connection **slot = &kept[command >> 4 & 3];
	uint8_t length;

	switch (command & 7) {
	case 4:
		pass(cursor_u8(script));
		break;
	case 5:
		write(*slot, cursor_u8(script) * 64u);
		break;
	case 6:
		call(slot, cursor_u8(script));
		break;
	case 7:
		length = cursor_u8(script);
		hand_in(cursor_view(script, length), command & 8);
		break;
	default:
		segment(command, script);
	}
}

/* The peer's link address, so that what is sent leaves. */
static void tell_address(void)
{
	struct arp arp = { .operation = ARP_REPLY,
		.sender_mac = { 2, 0, 0, 0, 0, 1 },
		.sender_ip = THEM,
		.target_ip = US };
	struct packet_queue frames = { 0 };
	struct packet *packet = linear_alloc(14 + ARP_BYTES);

	ethernet_emit(packet->data, device.mac, arp.sender_mac, ETHERNET_ARP);
	arp_emit(packet->data + 14, &arp);
	packet_queue_put(&frames, packet);
	net_stack_input(&stack, &frames, now);
}

static size_t packets_in_use(void)
{
	size_t used = 0;

	for (const struct pool *p = pool_first(); p != NULL; p = p->next_pool)
		used += strstr(p->name, "packet") || strstr(p->name, "tcp") ? p->used : 0;
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix prefix = { address_v4(US), 24 };
	struct cursor script = cursor_on(view_of(data, size));
	size_t before = packets_in_use();

	now = SECONDS(1);
	device.features = size & 1 ? NETDEV_CHECKSUM | NETDEV_SEGMENT_TCP : 0;
	net_stack_init(&stack, &device, count_up, now);
	ASSERT(net_stack_add_address(&stack, &prefix) == OK);
	memset(&host, 0, sizeof(host));
	memset(&port, 0, sizeof(port));
	host.pool = &pool;
	host.notify = no_news;
	host.limits.half_open = 4;
	host.limits.waiting = 3;
	ASSERT(tcp_host_start(&host, &stack) == OK);
	port.ready = accept_all;
	ASSERT(tcp_port_listen(&host, &port, 7) == OK);
	tell_address();
	while (cursor_left(&script) > 0) {
		act(cursor_u8(&script), &script);
		check_books();
	}
	for (unsigned i = 0; i < KEPT; i++) {
		if (kept[i] != NULL)
			tcp_connection_release(kept[i]);
		kept[i] = NULL;
	}
	tcp_port_close(&port);
	tcp_host_end(&host);
	pass(255);
	ASSERT(packets_in_use() == before && pool.used == 0);
	return 0;
}
