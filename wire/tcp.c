/*
 * TCP header and options, both ways.
 */
#include "wire/tcp.h"

enum option_kind {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMP = 8,
};

enum { MSS_BYTES = 4, SCALE_BYTES = 3, SACK_PERMITTED_BYTES = 2, TIMESTAMP_BYTES = 10 };

/* no-operation, no-operation, timestamp, 10: how nearly all segments of today begin. */
#define USUAL_START 0x0101080au

bool tcp_parse(struct tcp_header *out, struct view bytes)
{
	const uint8_t *at = bytes.data;

	if (bytes.length < TCP_HEADER_BYTES)
		return false;
	out->header_length = (uint8_t)((at[12] >> 4) * 4);
	if (out->header_length < TCP_HEADER_BYTES || out->header_length > bytes.length)
		return false;
	out->source_port = be16_at(at);
	out->destination_port = be16_at(at + 2);
	out->sequence = be32_at(at + 4);
	out->acknowledgment = be32_at(at + 8);
	out->flags = at[13];
	out->window = be16_at(at + 14);
	out->urgent = be16_at(at + 18);
	return true;
}

static void read_timestamp(struct tcp_options *out, const uint8_t *data)
{
	out->has_timestamp = true;
	out->timestamp = be32_at(data);
	out->timestamp_echo = be32_at(data + 4);
}

static void read_blocks(struct tcp_options *out, const uint8_t *data, size_t length)
{
	for (; length >= 8 && out->block_count < TCP_SACK_BLOCKS_MAX; data += 8, length -= 8)
		out->blocks[out->block_count++] =
			(struct tcp_block){ be32_at(data), be32_at(data + 4) };
}

/* One option whose bytes are all there; a known kind with another length is ignored. */
static void read_option(struct tcp_options *out, uint8_t kind, uint8_t length, const uint8_t *data)
{
	switch (kind) {
	case OPTION_MSS:
		if (length == MSS_BYTES)
			out->mss = be16_at(data);
		break;
	case OPTION_SCALE:
		if (length == SCALE_BYTES) {
			out->has_scale = true;
			out->scale = data[0] < TCP_SCALE_MAX ? data[0] : TCP_SCALE_MAX;
		}
		break;
	case OPTION_SACK_PERMITTED:
		out->has_sack_permitted |= length == SACK_PERMITTED_BYTES;
		break;
	case OPTION_SACK:
		if (length % 8 == 2)
			read_blocks(out, data, length - 2u);
		break;
	case OPTION_TIMESTAMP:
		if (length == TIMESTAMP_BYTES)
			read_timestamp(out, data);
		break;
	}
}

bool tcp_options_parse(struct tcp_options *out, struct view options)
{
	struct cursor c = cursor_on(options);

	memset(out, 0, sizeof(*out));
	if (options.length == TCP_TIMESTAMP_BYTES && be32_at(options.data) == USUAL_START) {
		read_timestamp(out, options.data + 4);
		return true;
	}
	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c), length;
		const uint8_t *data;

		if (kind == OPTION_END)
			return true;
		if (kind == OPTION_NOP)
			continue;
		length = cursor_u8(&c); /* 0 when short */
		data = length >= 2 ? cursor_take(&c, length - 2u) : NULL;
		if (data == NULL)
			return false;
		read_option(out, kind, length, data);
	}
	return true;
}

void tcp_emit_header(uint8_t out[TCP_HEADER_BYTES], const struct tcp_header *header)
{
	be16_to(out, header->source_port);
	be16_to(out + 2, header->destination_port);
	be32_to(out + 4, header->sequence);
	be32_to(out + 8, header->acknowledgment);
	out[12] = (uint8_t)(header->header_length / 4 << 4);
	out[13] = header->flags;
	be16_to(out + 14, header->window);
	be16_to(out + 16, 0);
	be16_to(out + 18, header->urgent);
}

/* Two no-operations before, and as many blocks as there is room for. */
static void emit_blocks(struct emitter *e, const struct tcp_options *options)
{
	size_t room = (size_t)(e->end - e->next), count = options->block_count;

	if (room < 12 || count == 0)
		return;
	if (count > (room - 4) / 8)
		count = (room - 4) / 8;
	emit_be16(e, 0x0101);
	emit_u8(e, OPTION_SACK);
	emit_u8(e, (uint8_t)(2 + 8 * count));
	for (size_t i = 0; i < count; i++) {
		emit_be32(e, options->blocks[i].start);
		emit_be32(e, options->blocks[i].end);
	}
}

size_t tcp_options_emit(uint8_t out[TCP_OPTION_BYTES_MAX], const struct tcp_options *options)
{
	struct emitter e = emitter_on(out, TCP_OPTION_BYTES_MAX);

	if (options->mss != 0) {
		emit_be16(&e, OPTION_MSS << 8 | MSS_BYTES);
		emit_be16(&e, options->mss);
	}
	if (options->has_timestamp) {
		emit_be32(&e, USUAL_START);
		emit_be32(&e, options->timestamp);
		emit_be32(&e, options->timestamp_echo);
	}
	if (options->has_scale)
		emit_be32(&e, (uint32_t)OPTION_NOP << 24 | OPTION_SCALE << 16 | SCALE_BYTES << 8 |
				      options->scale);
	if (options->has_sack_permitted)
		emit_be32(&e, 0x01010000 | OPTION_SACK_PERMITTED << 8 | SACK_PERMITTED_BYTES);
	emit_blocks(&e, options);
	return emitter_length(&e);
}
