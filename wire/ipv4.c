/*
 * IPv4 header: length checked once, then plain loads.
 */
#include "wire/ipv4.h"

#include "wire/checksum.h"

enum {
	FLAG_DONT_FRAGMENT = 0x4000,
	FLAG_MORE_FRAGMENTS = 0x2000,
	OFFSET_MASK = 0x1fff,
};

/* Option types: copied flag, class and number (RFC 791 3.1). */
enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_LOOSE_SOURCE_ROUTE = 131,
	OPTION_STRICT_SOURCE_ROUTE = 137,
};

enum ipv4_fault ipv4_parse_quoted(struct ipv4_header *out, struct view bytes)
{
	const uint8_t *p = bytes.data;
	uint16_t fragment;

	if (bytes.length < IPV4_HEADER_BYTES)
		return IPV4_SHORT;
	if (p[0] >> 4 != 4)
		return IPV4_BAD_VERSION;
	out->header_length = (uint8_t)((p[0] & 15) * 4);
	out->type_of_service = p[1];
	out->total_length = be16_at(p + 2);
	out->id = be16_at(p + 4);
	fragment = be16_at(p + 6);
	out->fragment_offset = (uint16_t)((fragment & OFFSET_MASK) * 8);
	out->dont_fragment = fragment & FLAG_DONT_FRAGMENT;
	out->more_fragments = fragment & FLAG_MORE_FRAGMENTS;
	out->ttl = p[8];
	out->protocol = p[9];
	out->source = be32_at(p + 12);
	out->destination = be32_at(p + 16);
	if (out->header_length < IPV4_HEADER_BYTES || out->header_length > bytes.length ||
		out->header_length > out->total_length)
		return IPV4_BAD_LENGTH;
	return IPV4_OK;
}

enum ipv4_fault ipv4_parse(struct ipv4_header *out, struct view bytes, size_t available)
{
	enum ipv4_fault fault = ipv4_parse_quoted(out, bytes);

	if (fault != IPV4_OK)
		return fault;
	if (out->total_length > available)
		return IPV4_BAD_LENGTH;
	if (!checksum_is_good(checksum_add(0, bytes.data, out->header_length)))
		return IPV4_BAD_CHECKSUM;
	return IPV4_OK;
}

void ipv4_emit(uint8_t out[IPV4_HEADER_BYTES], const struct ipv4_header *header)
{
	uint16_t fragment = header->fragment_offset / 8;

	if (header->dont_fragment)
		fragment |= FLAG_DONT_FRAGMENT;
	if (header->more_fragments)
		fragment |= FLAG_MORE_FRAGMENTS;
	out[0] = 0x45;
	out[1] = header->type_of_service;
	be16_to(out + 2, header->total_length);
	be16_to(out + 4, header->id);
	be16_to(out + 6, fragment);
	out[8] = header->ttl;
	out[9] = header->protocol;
	be16_to(out + 10, 0);
	be32_to(out + 12, header->source);
	be32_to(out + 16, header->destination);
	checksum_store(out + 10, checksum_add(0, out, IPV4_HEADER_BYTES));
}

enum ipv4_options ipv4_options_check(struct view options)
{
	struct cursor c = cursor_on(options);
	bool is_routed = false;

	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), length;

		if (type == OPTION_END)
			break;
		if (type == OPTION_NOP)
			continue;
		length = cursor_u8(&c); /* type and length octets included; 0 when short */
		if (length < 2 || cursor_take(&c, length - 2u) == NULL)
			return IPV4_OPTIONS_MALFORMED;
		is_routed |=
			type == OPTION_LOOSE_SOURCE_ROUTE || type == OPTION_STRICT_SOURCE_ROUTE;
	}
	return is_routed ? IPV4_OPTIONS_SOURCE_ROUTE : IPV4_OPTIONS_FINE;
}
