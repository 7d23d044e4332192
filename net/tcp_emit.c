/*
 * Segments out: a buffer for the headers, and references to the bytes of the send queue.
 *
 *     | headroom | TCP header, options | text, if short |   --> part of a chunk --> part of a chunk
 *
 * Where the device segments, a frame holds up to 64 KiB of text; it repeats the header for each segment
 * and completes the checksums (RFC 9293 has no word for that: the wire sees ordinary segments).
 */
#include "diatom/counter.h"
#include "net/packet_sum.h"
#include "net/tcp_inner.h"

#define COPY_MOST   256 /* shorter text is cheaper to copy than to refer to */
#define PIECES_MOST 40	/* the drivers take 64 */

COUNTER(tx_segments, "tcp.tx_segments",
	"segments handed to IP; one that the device cuts counts once");
COUNTER(tx_retransmitted, "tcp.tx_retransmitted", "segments among them that were sent before");
COUNTER(tx_resets, "tcp.tx_resets", "resets sent");
COUNTER(tx_challenges, "tcp.tx_challenges", "ACKs sent for segments that can't be right");
COUNTER(tx_challenges_limited, "tcp.tx_challenges_limited", "such ACKs not sent: too many");
COUNTER(tx_resets_limited, "tcp.tx_resets_limited", "resets not sent: too many");
COUNTER(tx_no_buffer, "tcp.tx_no_buffer", "segments not sent: no buffer");

#define A_SECOND	   1000 /* challenges, and resets */
#define CHALLENGE_EVERY_MS 500	/* for one connection */

/* --- what stands in the header --- */

static uint16_t window_field(struct tcp_connection *c, bool is_syn)
{
	uint32_t window = tcp_receive_window(c), most = 65535u << (is_syn ? 0 : c->receive_scale);

	if (window > most)
		window = most;
	if (!is_syn)
		window = window >> c->receive_scale << c->receive_scale;
	if (sequence_after(c->rcv_nxt + window, c->rcv_edge))
		c->rcv_edge = c->rcv_nxt + window;
	window = c->rcv_edge - c->rcv_nxt;
	if (is_syn)
		return (uint16_t)(window < 65535 ? window : 65535);
	/* RFC 7323 2.3: the field may understate a window that is no multiple, never overstate it. */
	return (uint16_t)(window >> c->receive_scale);
}

static void fill_options(struct tcp_connection *c, struct tcp_options *options, bool is_syn)
{
	memset(options, 0, sizeof(*options));
	options->has_timestamp = c->has_stamps;
	options->timestamp = tcp_now_ms(c->host) + c->stamp_offset;
	options->timestamp_echo = c->stamp_recent;
	if (is_syn) {
		options->mss =
			(uint16_t)(tcp_path_mtu(c->host, &c->flow.ends.remote) -
				   tcp_ip_header_bytes(&c->flow.ends.remote) - TCP_HEADER_BYTES);
		options->has_scale = c->receive_scale != 0;
		options->scale = c->receive_scale;
		options->has_sack_permitted = c->has_sack;
		return;
	}
	if (!c->has_sack)
		return;
	if (c->duplicate.start != c->duplicate.end) {
		options->blocks[options->block_count++] = c->duplicate;
		c->duplicate.end = c->duplicate.start;
	}
	if (c->reorder != NULL)
		options->block_count +=
			(uint8_t)tcp_reorder_blocks(c, options->blocks + options->block_count,
				TCP_SACK_BLOCKS_MAX - options->block_count);
}

uint32_t tcp_text_most(const struct tcp_connection *c)
{
	return c->mss - (c->has_stamps ? TCP_TIMESTAMP_BYTES : 0u);
}

uint32_t tcp_text_now(const struct tcp_connection *c)
{
	struct tcp_block blocks[TCP_SACK_BLOCKS_MAX];
	unsigned told = c->has_sack && c->duplicate.start != c->duplicate.end;
	uint32_t room = TCP_OPTION_BYTES_MAX - (c->has_stamps ? TCP_TIMESTAMP_BYTES : 0u);

	if (c->has_sack && c->reorder != NULL)
		told += tcp_reorder_blocks(c, blocks, TCP_SACK_BLOCKS_MAX - told);
	if (told > (room - 4) / 8)
		told = (room - 4) / 8;
	return tcp_text_most(c) - (told > 0 ? 4 + 8 * told : 0);
}

/* What ECN adds (RFC 3168 6.1): a SYN asks or grants, a segment echoes a mark or tells of the cut. */
static uint8_t ecn_flags(struct tcp_connection *c, uint8_t flags, bool is_new_text)
{
	if (flags & TCP_SYN) {
		if (!c->has_ecn)
			return 0;
		return flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR;
	}
	if (!c->has_ecn)
		return 0;
	if (is_new_text && c->is_reduced) {
		c->is_reduced = false;
		return (uint8_t)(TCP_CWR | (c->is_echoing_mark ? TCP_ECE : 0));
	}
	return c->is_echoing_mark ? TCP_ECE : 0;
}

/* --- text --- */

static void release_packet(void *owner)
{
	packet_free(owner);
}

/* Hangs [from, from + length) of the queue on the packet; false without memory. */
static bool attach(struct tcp_connection *c, struct packet *packet, uint32_t from, uint32_t length)
{
	struct packet **end = &packet->fragment, *chunk;
	uint32_t offset;

	packet->total_length += length;
	for (chunk = tcp_chunks_find(c, from, &offset); length > 0; chunk = chunk->next) {
		struct view part = view_part(packet_view(chunk), offset, length);
		struct packet *piece = packet_refer(part, release_packet, packet_ref(chunk));

		if (piece == NULL) {
			packet_free(chunk);
			return false;
		}
		piece->is_constant = chunk->is_constant;
		*end = piece;
		end = &piece->fragment;
		length -= (uint32_t)part.length;
		offset = 0;
	}
	return true;
}

/* How much of [from, from + length) lies in as many chunks as a frame may refer to. */
static uint32_t span(struct tcp_connection *c, uint32_t from, uint32_t length)
{
	uint32_t offset, there = 0;
	struct packet *chunk = tcp_chunks_find(c, from, &offset);

	for (unsigned i = 0; i < PIECES_MOST && chunk != NULL && there < length; i++) {
		there += chunk->length - offset;
		offset = 0;
		chunk = chunk->next;
	}
	return there < length ? there : length;
}

/* The same, copied behind the header. */
static void copy(struct tcp_connection *c, struct packet *packet, uint32_t from, uint32_t length)
{
	uint32_t offset;
	struct packet *chunk = tcp_chunks_find(c, from, &offset);

	while (length > 0 && chunk != NULL) {
		struct view part = view_part(packet_view(chunk), offset, length);

		memcpy(packet->data + packet->length, part.data, part.length);
		packet->length += (uint32_t)part.length;
		packet->total_length += (uint32_t)part.length;
		length -= (uint32_t)part.length;
		offset = 0;
		chunk = chunk->next;
	}
}

/* Does the text of one segment lie in so many chunks that copying is better? */
static bool is_scattered(struct tcp_connection *c, uint32_t from, uint32_t length)
{
	uint32_t offset;
	struct packet *chunk = tcp_chunks_find(c, from, &offset);
	uint32_t there = chunk != NULL ? chunk->length - offset : 0;

	for (unsigned i = 1; i < 8 && chunk != NULL && there < length; i++) {
		chunk = chunk->next;
		there += chunk != NULL ? chunk->length : 0;
	}
	return there < length;
}

/* Is each byte read for the checksum anyway? Of constant data the sum is known. */
static bool is_to_sum(struct tcp_connection *c, uint32_t from)
{
	uint32_t offset;
	struct packet *chunk = tcp_chunks_find(c, from, &offset);

	return !(c->host->stack->device->features & NETDEV_CHECKSUM) &&
	       !(chunk != NULL && chunk->is_constant);
}

/*
 * Is text that fits behind the header better copied there? So it is where it is short; where it lies in
 * many pieces; and where its bytes are read anyway: one piece costs the host less.
 */
static bool is_to_copy(struct tcp_connection *c, uint32_t from, uint32_t length)
{
	return length <= COPY_MOST || is_to_sum(c, from) || is_scattered(c, from, length);
}

/* A packet with `header_bytes` undefined bytes, then the text; NULL without memory. */
static struct packet *build(
	struct tcp_connection *c, uint32_t from, uint32_t length, uint32_t header_bytes)
{
	struct packet *packet = packet_alloc();

	if (packet == NULL)
		return NULL;
	packet->length = packet->total_length = header_bytes;
	if (length <= packet_tailroom(packet) && is_to_copy(c, from, length)) {
		copy(c, packet, from, length);
	} else if (!attach(c, packet, from, length)) {
		packet_free(packet);
		return NULL;
	}
	return packet;
}

/* --- the checksum, and off --- */

static void finish_checksum(
	struct net_stack *stack, struct packet *packet, const struct tcp_ends *ends)
{
	uint64_t sum = tcp_ip_pseudo_sum(ends, packet->total_length);
	uint8_t *field = packet->data + TCP_CHECKSUM_OFFSET;

	if (stack->device->features & NETDEV_CHECKSUM) {
		packet->flags = PACKET_CHECKSUM_PARTIAL;
		packet->checksum_start = 0;
		packet->checksum_offset = TCP_CHECKSUM_OFFSET;
		checksum_store_partial(field, sum);
	} else {
		checksum_store(field, packet_sum_constant(sum, packet));
	}
}

/* The device is to cut it into segments of that much text. */
static void ask_for_segmentation(const struct tcp_connection *c, struct packet *packet,
	uint32_t header_bytes, uint32_t segment)
{
	packet->segmentation = tcp_ip_segmentation(&c->flow.ends.remote);
	packet->segment_bytes = (uint16_t)segment;
	packet->header_length =
		(uint16_t)(ETHERNET_HEADER_BYTES + tcp_ip_header_bytes(&c->flow.ends.remote) +
			   header_bytes);
}

/* An ACK left: what was owed is paid. */
static void acknowledged(struct tcp_connection *c)
{
	c->is_ack_now = false;
	c->ack_at = FOREVER;
	c->acked_at = c->rcv_nxt;
	tcp_reorder_told(c);
	if (c->quick_acks > 0)
		c->quick_acks--;
}

/* What of the text leaves in this frame: whole segments if it can't be all. */
static uint32_t fit(struct tcp_connection *c, uint32_t from, uint32_t length, uint32_t segment)
{
	uint32_t fits;

	if (length > segment && !(c->host->stack->device->features & NETDEV_SEGMENT_TCP))
		length = segment;
	if (length <= segment &&
		length <= PACKET_BUFFER_BYTES - PACKET_HEADROOM - TCP_HEADER_BYTES_MAX)
		return length;
	fits = span(c, from, length);
	return fits < length && fits > segment ? fits - fits % segment : fits;
}

enum status tcp_emit(struct tcp_connection *c, uint32_t from, uint32_t *text, uint8_t flags)
{
	struct tcp_header header = {
		.source_port = c->flow.ends.local_port,
		.destination_port = c->flow.ends.remote_port,
		.sequence = from,
		.acknowledgment = flags & TCP_ACK ? c->rcv_nxt : 0,
	};
	bool is_new = *text > 0 && !sequence_before(from, c->snd_nxt);
	struct tcp_options options;
	uint8_t bytes[TCP_OPTION_BYTES_MAX];
	uint32_t header_bytes, segment, length;
	struct packet *packet;

	fill_options(c, &options, flags & TCP_SYN);
	header.header_length = (uint8_t)(TCP_HEADER_BYTES + tcp_options_emit(bytes, &options));
	header_bytes = header.header_length;
	segment = c->mss + TCP_HEADER_BYTES - header_bytes;
	length = *text > 0 ? fit(c, from, *text, segment) : 0;
	packet = build(c, from, length, header_bytes);
	if (length < *text)
		flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
	*text = length;
	if (packet == NULL) {
		count(&tx_no_buffer);
		return NO_MEMORY;
	}
	header.flags = flags | ecn_flags(c, flags, is_new);
	header.window = window_field(c, flags & TCP_SYN);
	tcp_emit_header(packet->data, &header);
	memcpy(packet->data + TCP_HEADER_BYTES, bytes, header_bytes - TCP_HEADER_BYTES);
	if (length > segment)
		ask_for_segmentation(c, packet, header_bytes, segment);
	finish_checksum(c->host->stack, packet, &c->flow.ends);
	count(&tx_segments);
	if (length > 0)
		c->answered_at = (uint32_t)c->bytes_received;
	if (length > 0 && !is_new)
		count(&tx_retransmitted);
	if (flags & TCP_ACK)
		acknowledged(c);
	/* What IP drops, for want of a neighbour or a buffer, is a loss like any other. */
	tcp_ip_output(
		c->host->stack, packet, &c->flow.ends, c->has_ecn && is_new && !(flags & TCP_SYN));
	return OK;
}

void tcp_emit_ack(struct tcp_connection *c)
{
	uint32_t none = 0;

	tcp_emit(c, c->snd_nxt, &none, TCP_ACK);
}

bool tcp_budget_take(struct tcp_host *host, struct tcp_budget *budget)
{
	if (tcp_now(host) - budget->since >= SECONDS(1)) {
		budget->since = tcp_now(host);
		/* Not a round number that somebody could count down (CVE-2016-5696). */
		budget->left = A_SECOND / 2 + host->stack->random() % A_SECOND;
	}
	if (budget->left == 0) {
		count(budget == &host->resets ? &tx_resets_limited : &tx_challenges_limited);
		return false;
	}
	budget->left--;
	return true;
}

void tcp_emit_challenge(struct tcp_connection *c)
{
	uint32_t now = tcp_now_ms(c->host);

	if (now - c->challenged_ms < CHALLENGE_EVERY_MS) {
		count(&tx_challenges_limited);
		return;
	}
	if (!tcp_budget_take(c->host, &c->host->challenges))
		return;
	c->challenged_ms = now;
	count(&tx_challenges);
	tcp_emit_ack(c);
}

void tcp_emit_bare(struct tcp_host *host, const struct tcp_ends *ends, struct tcp_header *header,
	const struct tcp_options *options)
{
	struct packet *packet = packet_alloc();
	size_t length;

	if (packet == NULL) {
		count(&tx_no_buffer);
		return;
	}
	length = TCP_HEADER_BYTES + tcp_options_emit(packet->data + TCP_HEADER_BYTES, options);
	packet->length = packet->total_length = (uint32_t)length;
	header->source_port = ends->local_port;
	header->destination_port = ends->remote_port;
	header->header_length = (uint8_t)length;
	tcp_emit_header(packet->data, header);
	finish_checksum(host->stack, packet, ends);
	count(&tx_segments);
	tcp_ip_output(host->stack, packet, ends, false);
}

void tcp_emit_reset(struct tcp_host *host, const struct tcp_segment *s)
{
	static const struct tcp_options none;
	struct tcp_header header = { .flags = TCP_RST };

	if (s->header.flags & TCP_RST || s->is_for_group || !tcp_budget_take(host, &host->resets))
		return;
	if (s->header.flags & TCP_ACK) {
		header.sequence = s->header.acknowledgment;
	} else {
		header.flags |= TCP_ACK;
		header.acknowledgment = tcp_segment_end(s);
	}
	count(&tx_resets);
	tcp_emit_bare(host, &s->ends, &header, &none);
}
