/*
 * A host and what its peer says.
 */
#include "test/sim/sim_peer.h"

#include "diatom/assert.h"
#include "net/linear.h"
#include "wire/arp.h"

#define FRAME_MOST (14 + 65535)

struct sim_link peer_link;
struct sim_tcp host;
struct tcp_port port;
struct tcp_connection *c;
unsigned told;

struct tcp_header sent;
struct tcp_options sent_options;
struct ipv4_header sent_ip;
size_t sent_text;
unsigned sent_count, sent_pushes;
struct tcp_block sent_blocks[64];
unsigned sent_block_count;

static bool catch_frame(struct sim_link *from, const uint8_t *frame, size_t length)
{
	struct view bytes = view_of(frame + 14, length - 14), segment;

	if (be16_at(frame + 12) != ETHERNET_IPV4)
		return false;
	ASSERT(ipv4_parse(&sent_ip, bytes, bytes.length) == IPV4_OK);
	ASSERT(sent_ip.dont_fragment && sent_ip.source == US && sent_ip.protocol == IP_TCP);
	segment = view_part(bytes, 20, sent_ip.total_length - 20u);
	ASSERT(checksum_is_good(checksum_add(
		checksum_pseudo_v4(US, sent_ip.destination, IP_TCP, (uint16_t)segment.length),
		segment.data, segment.length)));
	ASSERT(tcp_parse(&sent, segment));
	ASSERT(tcp_options_parse(&sent_options,
		view_part(segment, TCP_HEADER_BYTES, sent.header_length - TCP_HEADER_BYTES)));
	sent_text = segment.length - sent.header_length;
	sent_count++;
	sent_pushes += !!(sent.flags & TCP_PSH);
	for (unsigned i = 0; i < sent_options.block_count && sent_block_count < 64; i++)
		sent_blocks[sent_block_count++] = sent_options.blocks[i];
	return false;
}

void caught_none(void)
{
	sent_count = sent_pushes = sent_block_count = 0;
	memset(&sent, 0, sizeof(sent));
}

static void take_new(struct tcp_port *ready)
{
	struct tcp_connection *new = tcp_port_accept(ready);

	if (new != NULL)
		c = new;
}

static void count_news(struct tcp_connection *ready)
{
	told++;
}

/* The peer tells its link address, which would be forgotten after a minute. */
static void tell_address(void)
{
	uint8_t frame[14 + ARP_BYTES];
	struct arp arp = { .operation = ARP_REPLY,
		.sender_mac = { 2, 0, 0, 0, 0, 1 },
		.sender_ip = THEM,
		.target_ip = US };

	ethernet_emit(frame, host.host.device.mac, arp.sender_mac, ETHERNET_ARP);
	arp_emit(frame + 14, &arp);
	sim_inject(&host.host, frame, sizeof(frame));
}

void start(void)
{
	sim_start(1);
	sim_link_perfect(&peer_link);
	peer_link.tap = catch_frame;
	sim_tcp_start(&host, &peer_link, 2, "10.0.0.2/24");
	host.tcp.notify = count_news;
	memset(&port, 0, sizeof(port));
	port.ready = take_new;
	ASSERT(tcp_port_listen(&host.tcp, &port, 7) == OK);
	tell_address();
	c = NULL;
	told = 0;
	caught_none();
}

void stop(void)
{
	sim_run(sim_now(), NULL, NULL);
	if (c != NULL && c->is_owned)
		tcp_connection_release(c);
	tcp_port_close(&port);
	sim_tcp_end(&host);
	sim_end();
}

void pass(duration time)
{
	instant end = sim_now() + time;

	while (sim_now() < end) {
		instant next = sim_now() + SECONDS(20);

		tell_address();
		sim_run(next < end ? next : end, NULL, NULL);
	}
	net_stack_set_time(&host.host.stack, sim_now());
}

/* --- segments in --- */

static size_t emit_options(uint8_t *bytes, const struct segment *s)
{
	if (s->raw_options.length == 0)
		return tcp_options_emit(bytes, &s->options);
	memcpy(bytes, s->raw_options.data, s->raw_options.length);
	return s->raw_options.length;
}

/* Writes it; its length. */
static size_t frame_of(struct segment s, uint8_t frame[FRAME_MOST])
{
	uint8_t *tcp = frame + 34;
	size_t options = emit_options(tcp + 20, &s), length = 20 + options + s.text;
	uint32_t source = s.source ? s.source : THEM, to = s.destination ? s.destination : US;
	struct ipv4_header ip = { .source = source,
		.destination = to,
		.ttl = 64,
		.protocol = IP_TCP,
		.type_of_service = s.is_marked ? 3 : 0,
		.total_length = (uint16_t)(20 + length) };
	struct tcp_header header = { .source_port = s.from ? s.from : PEER,
		.destination_port = s.to ? s.to : 7,
		.sequence = s.sequence,
		.acknowledgment = s.acknowledgment,
		.flags = s.flags,
		.window = s.window || s.is_window_closed ? s.window : 65535,
		.header_length = (uint8_t)(20 + options) };

	ASSERT(20 + length <= 65535);
	ethernet_emit(
		frame, host.host.device.mac, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, ETHERNET_IPV4);
	ipv4_emit(frame + 14, &ip);
	tcp_emit_header(tcp, &header);
	for (size_t i = 0; i < s.text; i++)
		tcp[20 + options + i] = (uint8_t)(s.sequence + i);
	checksum_store(tcp + TCP_CHECKSUM_OFFSET,
		checksum_add(
			checksum_pseudo_v4(source, to, IP_TCP, (uint16_t)length), tcp, length));
	if (s.is_damaged)
		tcp[14] ^= 1;
	return 34 + length;
}

void inject(struct segment s)
{
	static uint8_t frame[FRAME_MOST];

	sim_inject(&host.host, frame, frame_of(s, frame));
}

static struct packet_queue batch;

void inject_later(struct segment s)
{
	static uint8_t frame[FRAME_MOST];
	size_t length = frame_of(s, frame);
	struct packet *packet = linear_alloc(length);

	ASSERT(packet != NULL);
	memcpy(packet->data, frame, length);
	packet_queue_put(&batch, packet);
}

void inject_batch(void)
{
	caught_none();
	net_stack_input(&host.host.stack, &batch, sim_now());
}

void establish_at(uint32_t irs, struct tcp_options options)
{
	struct tcp_options later = { .has_timestamp = options.has_timestamp,
		.timestamp = options.timestamp + 1 };

	inject((struct segment){ .sequence = irs, .flags = TCP_SYN, .options = options });
	ASSERT((sent.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK));
	ASSERT(sent.acknowledgment == irs + 1);
	later.timestamp_echo = sent_options.timestamp;
	inject((struct segment){ .sequence = irs + 1,
		.acknowledgment = sent.sequence + 1,
		.flags = TCP_ACK,
		.options = later });
	ASSERT(c != NULL && c->flow.ends.state == TCP_ESTABLISHED);
	c->quick_acks = 0;
	caught_none();
}

void establish_with(struct tcp_options options)
{
	establish_at(IRS, options);
}

void establish(void)
{
	establish_with((struct tcp_options){ .mss = 1460, .has_sack_permitted = true });
}

struct tcp_connection *establish_from(uint16_t from)
{
	struct tcp_connection *first = c, *made;

	c = NULL;
	inject((struct segment){
		.sequence = IRS, .flags = TCP_SYN, .from = from, .options = { .mss = 1460 } });
	inject((struct segment){ .sequence = IRS + 1,
		.acknowledgment = sent.sequence + 1,
		.flags = TCP_ACK,
		.from = from });
	made = c;
	c = first;
	return made;
}

void wrap_soon(uint32_t before)
{
	struct tcp_ends ends = { .local = address_v4(US),
		.remote = address_v4(THEM),
		.local_port = 7,
		.remote_port = PEER };

	sim_tcp_wrap_soon(&host, &ends, before);
}

struct segment from_peer(int32_t ahead, uint8_t flags, size_t text)
{
	return (struct segment){ .sequence = c->rcv_nxt + (uint32_t)ahead,
		.acknowledgment = c->snd_nxt,
		.flags = flags | TCP_ACK,
		.text = text };
}

void queue(size_t length)
{
	static const uint8_t bytes[20000] = { 'x' };

	ASSERT(tcp_connection_copy(c, view_of(bytes, length)) == length);
	tcp_output(c);
}

void open_to_peer(void)
{
	struct endpoint to = { address_v4(THEM), 99 };

	ASSERT(tcp_connection_open(&host.tcp, &to, &c) == OK);
	ASSERT(sent.flags == TCP_SYN);
}
