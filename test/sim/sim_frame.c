/*
 * What devices do to frames, written once more and independently of the stack: lengths, numbers and sums
 * of each segment are computed here from the RFCs, so the stack's own can be wrong.
 */
#include "test/sim/sim_frame.h"

#include "diatom/assert.h"
#include "net/linear.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

struct packet *sim_frame_copy(const struct packet *frame)
{
	struct packet *copy = linear_alloc(frame->total_length);
	uint8_t *out;
	uint32_t total = 0;

	ASSERT(copy != NULL);
	out = copy->data;
	for (const struct packet *part = frame; part != NULL; part = part->fragment) {
		total += part->length;
		ASSERT(total <= frame->total_length);
		memcpy(out, part->data, part->length);
		out += part->length;
	}
	ASSERT(total == frame->total_length);
	return copy;
}

struct packet *sim_frame_split(struct packet *frame)
{
	/* The first buffer always holds the headers, as a device's does. */
	uint32_t first = frame->length > 102 ? 100 + frame->data[frame->length / 2] % 2 : 0;
	struct packet *head, *tail;

	if (first == 0)
		return frame;
	if (frame->length > 400)
		first += frame->data[frame->length - 1];
	head = linear_alloc(first);
	tail = linear_alloc(frame->length - first);
	ASSERT(head != NULL && tail != NULL);
	memcpy(head->data, frame->data, first);
	memcpy(tail->data, frame->data + first, frame->length - first);
	packet_append(head, tail);
	packet_free(frame);
	return head;
}

void sim_frame_mark(struct packet *frame)
{
	uint8_t *ip = frame->data + ETHERNET_HEADER_BYTES;

	if (be16_at(frame->data + 12) == ETHERNET_IPV6 && (ip[1] & 0x30) != 0)
		ip[1] |= 0x30;
	if (be16_at(frame->data + 12) != ETHERNET_IPV4 || (ip[1] & 3) == 0)
		return;
	ip[1] |= 3;
	be16_to(ip + 10, 0);
	checksum_store(ip + 10, checksum_add(0, ip, (ip[0] & 15) * 4u));
}

static void complete_checksum(struct packet *wire, const struct packet *frame)
{
	uint8_t *start = wire->data + frame->checksum_start;

	ASSERT(frame->checksum_start + frame->checksum_offset + 2u <= wire->length);
	checksum_store(start + frame->checksum_offset,
		checksum_add(0, start, wire->length - frame->checksum_start));
}

/* The headers of the segment whose text begins at `offset` of the whole's. */
static void set_headers(
	uint8_t *ip, size_t ip_bytes, size_t tcp_bytes, size_t offset, size_t text, bool is_last)
{
	uint8_t *tcp = ip + ip_bytes;
	uint64_t sum;

	if (ip[0] >> 4 == 6) {
		sum = checksum_pseudo_v6(ip + 8, ip + 24, IP_TCP, (uint32_t)(tcp_bytes + text));
		be16_to(ip + 4, (uint16_t)(tcp_bytes + text));
	} else {
		sum = checksum_pseudo_v4(
			be32_at(ip + 12), be32_at(ip + 16), IP_TCP, (uint16_t)(tcp_bytes + text));
		be16_to(ip + 2, (uint16_t)(ip_bytes + tcp_bytes + text));
		be16_to(ip + 10, 0);
		checksum_store(ip + 10, checksum_add(0, ip, ip_bytes));
	}
	be32_to(tcp + 4, be32_at(tcp + 4) + (uint32_t)offset);
	if (!is_last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	be16_to(tcp + TCP_CHECKSUM_OFFSET, 0);
	checksum_store(tcp + TCP_CHECKSUM_OFFSET, checksum_add(sum, tcp, tcp_bytes + text));
}

static void cut(const struct packet *frame, void (*each)(struct packet *wire, void *argument),
	void *argument)
{
	struct packet *whole = sim_frame_copy(frame);
	uint8_t *ip = whole->data + ETHERNET_HEADER_BYTES;
	bool is_v6 = ip[0] >> 4 == 6;
	size_t ip_bytes = is_v6 ? 40 : (ip[0] & 15) * 4u;
	size_t tcp_bytes = (ip[ip_bytes + 12] >> 4) * 4u;
	size_t headers = ETHERNET_HEADER_BYTES + ip_bytes + tcp_bytes, at = headers;

	ASSERT(frame->header_length == headers && frame->segment_bytes > 0);
	ASSERT(frame->flags & PACKET_CHECKSUM_PARTIAL && whole->length > headers);
	ASSERT(frame->segmentation == (is_v6 ? SEGMENT_TCP6 : SEGMENT_TCP4));
	ASSERT((is_v6 ? be16_at(ip + 4) + 40u : be16_at(ip + 2)) ==
		whole->length - ETHERNET_HEADER_BYTES);
	while (at < whole->length) {
		size_t text = whole->length - at;
		struct packet *wire;

		if (text > frame->segment_bytes)
			text = frame->segment_bytes;
		wire = linear_alloc(headers + text);
		ASSERT(wire != NULL);
		memcpy(wire->data, whole->data, headers);
		memcpy(wire->data + headers, whole->data + at, text);
		set_headers(wire->data + ETHERNET_HEADER_BYTES, ip_bytes, tcp_bytes, at - headers,
			text, at + text == whole->length);
		each(wire, argument);
		packet_free(wire);
		at += text;
	}
	packet_free(whole);
}

void sim_frame_finish(const struct packet *frame, void (*each)(struct packet *wire, void *argument),
	void *argument)
{
	struct packet *wire;

	if (frame->segmentation != SEGMENT_NONE) {
		cut(frame, each, argument);
		return;
	}
	wire = sim_frame_copy(frame);
	if (frame->flags & PACKET_CHECKSUM_PARTIAL)
		complete_checksum(wire, frame);
	each(wire, argument);
	packet_free(wire);
}
