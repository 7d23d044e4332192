/*
 * IPv6 headers: each length checked once, then plain loads.
 */
#include "wire/ipv6.h"

#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* Options (RFC 8200 4.2): the two high bits say what to do with one that isn't known. */
enum {
	OPTION_PAD1 = 0,
	OPTION_PADN = 1,
	OPTION_ROUTER_ALERT = 5,
	OPTION_ACTION = 0xc0,
	ACTION_SKIP = 0x00,
	ACTION_DISCARD = 0x40,
	ACTION_TELL = 0x80,
	ACTION_TELL_NO_GROUP = 0xc0,
};

enum ipv6_fault ipv6_parse(struct ipv6_header *out, struct view bytes, size_t available)
{
	const uint8_t *p = bytes.data;

	if (bytes.length < IPV6_HEADER_BYTES)
		return IPV6_SHORT;
	if (p[0] >> 4 != 6)
		return IPV6_BAD_VERSION;
	out->traffic_class = (uint8_t)(p[0] << 4 | p[1] >> 4);
	out->flow_label = be32_at(p) & 0xfffff;
	out->payload_length = be16_at(p + 4);
	out->next_header = p[6];
	out->hop_limit = p[7];
	memcpy(out->source.bytes, p + 8, 16);
	memcpy(out->destination.bytes, p + 24, 16);
	if (out->payload_length > available - IPV6_HEADER_BYTES ||
		(out->payload_length == 0 && out->next_header == IPV6_HOP_BY_HOP))
		return IPV6_BAD_LENGTH;
	return IPV6_OK;
}

void ipv6_emit(uint8_t out[IPV6_HEADER_BYTES], const struct ipv6_header *header)
{
	be32_to(out, 6u << 28 | (uint32_t)header->traffic_class << 20 | header->flow_label);
	be16_to(out + 4, header->payload_length);
	out[6] = header->next_header;
	out[7] = header->hop_limit;
	memcpy(out + 8, header->source.bytes, 16);
	memcpy(out + 24, header->destination.bytes, 16);
}

void ipv6_fragment_emit(
	uint8_t out[IPV6_FRAGMENT_BYTES], uint8_t next_header, const struct ipv6_fragment *fragment)
{
	out[0] = next_header;
	out[1] = 0;
	be16_to(out + 2, (uint16_t)(fragment->offset | fragment->more));
	be32_to(out + 4, fragment->id);
}

static enum ipv6_step problem(struct ipv6_chain *chain, uint8_t code, uint32_t pointer)
{
	chain->code = code;
	chain->pointer = pointer;
	return IPV6_STEP_PROBLEM;
}

/* Options in a header of `length` bytes at the chain's offset. UPPER: nothing is against going on. */
static enum ipv6_step options_walk(struct ipv6_chain *chain, const uint8_t *header, uint32_t length)
{
	uint32_t at = 2;

	while (at < length) {
		uint8_t type = header[at];

		if (type == OPTION_PAD1) {
			at++;
			continue;
		}
		if (at + 2 > length || header[at + 1] > length - at - 2)
			return problem(chain, ICMPV6_BAD_FIELD, chain->offset + at);
		if (type != OPTION_PADN && type != OPTION_ROUTER_ALERT &&
			(type & OPTION_ACTION) != ACTION_SKIP) {
			if ((type & OPTION_ACTION) == ACTION_DISCARD)
				return IPV6_STEP_DISCARD;
			chain->is_for_groups = (type & OPTION_ACTION) == ACTION_TELL;
			return problem(chain, ICMPV6_UNKNOWN_OPTION, chain->offset + at);
		}
		at += 2u + header[at + 1];
	}
	return IPV6_STEP_UPPER;
}

static void advance(struct ipv6_chain *chain, uint8_t next_header, uint32_t length)
{
	chain->naming = chain->offset;
	chain->next_header = next_header;
	chain->offset += length;
	chain->is_first = false;
}

/* The fragment header at `p`. */
static void read_fragment(struct ipv6_chain *chain, const uint8_t *p)
{
	chain->fragment.offset = be16_at(p + 2) & 0xfff8;
	chain->fragment.more = p[3] & 1;
	chain->fragment.id = be32_at(p + 4);
	advance(chain, p[0], IPV6_FRAGMENT_BYTES);
}

/* Of the extension header there; 0 if its start is cut off. */
static uint32_t header_length(struct view rest)
{
	return rest.data != NULL && rest.length >= 8 ? (rest.data[1] + 1u) * 8 : 0;
}

enum ipv6_step ipv6_chain_walk(struct ipv6_chain *chain, struct view packet)
{
	for (;;) {
		struct view rest = view_part(packet, chain->offset, packet.length);
		uint32_t length = header_length(rest);
		enum ipv6_step step = IPV6_STEP_UPPER;

		switch (chain->next_header) {
		case IPV6_NO_NEXT:
			return IPV6_STEP_NOTHING;
		case IPV6_HOP_BY_HOP:
			if (!chain->is_first)
				return problem(chain, ICMPV6_UNKNOWN_HEADER, chain->naming);
			break;
		case IPV6_FRAGMENT:
			if (length == 0)
				return IPV6_STEP_CUT;
			read_fragment(chain, rest.data);
			return IPV6_STEP_FRAGMENT;
		case IPV6_ROUTING:
		case IPV6_OPTIONS:
			break;
		default:
			return IPV6_STEP_UPPER;
		}
		if (length == 0 || length > rest.length)
			return IPV6_STEP_CUT;
		if (chain->next_header != IPV6_ROUTING)
			step = options_walk(chain, rest.data, length);
		else if (rest.data[3] != 0) /* segments left */
			return problem(chain, ICMPV6_BAD_FIELD, chain->offset + 2);
		if (step != IPV6_STEP_UPPER)
			return step;
		advance(chain, rest.data[0], length);
	}
}

bool ipv6_upper_is_whole(uint8_t protocol, size_t left)
{
	switch (protocol) {
	case IP_TCP:
		return left >= TCP_HEADER_BYTES;
	case IP_UDP:
	case IP_ICMPV6:
		return left >= UDP_HEADER_BYTES; /* ICMP's is as long */
	}
	return true;
}

bool ipv6_parse_quoted(
	struct ipv6_header *out, struct view bytes, uint8_t *protocol, struct view *upper)
{
	uint32_t at = IPV6_HEADER_BYTES, length;

	/* It may be cut: its length is not compared. */
	if (ipv6_parse(out, bytes, IPV6_HEADER_BYTES + IPV6_PAYLOAD_MAX) != IPV6_OK)
		return false;
	*protocol = out->next_header;
	for (;; at += length) {
		struct view rest = view_part(bytes, at, bytes.length);

		if (*protocol != IPV6_HOP_BY_HOP && *protocol != IPV6_ROUTING &&
			*protocol != IPV6_FRAGMENT && *protocol != IPV6_OPTIONS) {
			*upper = rest;
			return true;
		}
		length = header_length(rest);
		if (length == 0)
			return false;
		if (*protocol == IPV6_FRAGMENT) {
			if ((be16_at(rest.data + 2) & 0xfff8) != 0)
				return false;
			length = IPV6_FRAGMENT_BYTES;
		}
		*protocol = rest.data[0];
	}
}

bool ipv6_is_unspecified(const struct address *a)
{
	static const struct address none;

	return address_equal(a, &none);
}

bool ipv6_is_unicast(const struct address *a)
{
	static const struct address loopback = { { [15] = 1 } };

	return !ipv6_is_multicast(a) && !ipv6_is_unspecified(a) && !address_is_v4(a) &&
	       !address_equal(a, &loopback);
}

struct address ipv6_link_group(uint8_t last)
{
	return (struct address){ { 0xff, 2, [15] = last } };
}

struct address ipv6_solicited_node(const struct address *a)
{
	return (struct address){ { 0xff, 2, [11] = 1, 0xff, a->bytes[13], a->bytes[14],
		a->bytes[15] } };
}

void ipv6_group_mac(uint8_t mac[6], const struct address *group)
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group->bytes + 12, 4);
}

unsigned ipv6_common_bits(const struct address *a, const struct address *b)
{
	for (unsigned i = 0; i < 16; i++) {
		uint8_t differ = a->bytes[i] ^ b->bytes[i];

		if (differ != 0)
			return i * 8 + (unsigned)__builtin_clz(differ) - 24;
	}
	return 128;
}
