/*
 * Neighbour discovery and MLD: fixed parts by plain loads, options by a bounded walk.
 */
#include "wire/ndp.h"

#include "wire/icmpv6.h"

enum {
	OPTION_SOURCE_MAC = 1,
	OPTION_TARGET_MAC = 2,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
};

#define TARGET_BYTES   24
#define ROUTER_BYTES   16
#define PREFIX_BYTES   32
#define MLD_V1_BYTES   24
#define MLD_V2_BYTES   28
#define MLD_CODE_FLOAT 32768

static void take_prefix(struct ndp_options *options, const uint8_t *p)
{
	struct ndp_prefix *prefix = &options->prefixes[options->prefix_count];

	if (options->prefix_count == NDP_PREFIXES_MAX || p[2] > 128)
		return;
	prefix->prefix.bits = p[2];
	prefix->flags = p[3];
	prefix->valid_s = be32_at(p + 4);
	prefix->preferred_s = be32_at(p + 8);
	memcpy(prefix->prefix.address.bytes, p + 16, 16);
	options->prefix_count++;
}

/* RFC 4861 6.1, 7.1: an option of length 0 spoils the message; unknown ones are passed over. */
static bool parse_options(struct ndp_options *options, struct view rest)
{
	memset(options, 0, sizeof(*options));
	while (rest.length > 0) {
		const uint8_t *p = rest.data;
		size_t length = p != NULL && rest.length >= 8 ? p[1] * 8u : 0;

		if (length == 0 || length > rest.length)
			return false;
		if (p[0] == OPTION_SOURCE_MAC && length == 8)
			options->source_mac = p + 2;
		else if (p[0] == OPTION_TARGET_MAC && length == 8)
			options->target_mac = p + 2;
		else if (p[0] == OPTION_PREFIX && length == PREFIX_BYTES)
			take_prefix(options, p);
		else if (p[0] == OPTION_MTU && length == 8)
			options->mtu = be32_at(p + 4);
		rest = view_part(rest, length, rest.length);
	}
	return true;
}

bool ndp_parse_target(struct ndp_target *out, struct ndp_options *options, struct view message)
{
	if (message.length < TARGET_BYTES)
		return false;
	out->flags = message.data[4];
	memcpy(out->target.bytes, message.data + 8, 16);
	return parse_options(options, view_part(message, TARGET_BYTES, message.length));
}

bool ndp_parse_router(struct ndp_router *out, struct ndp_options *options, struct view message)
{
	const uint8_t *p = message.data;

	if (message.length < ROUTER_BYTES)
		return false;
	out->hop_limit = p[4];
	out->flags = p[5];
	out->lifetime_s = be16_at(p + 6);
	out->reachable_ms = be32_at(p + 8);
	out->retransmit_ms = be32_at(p + 12);
	return parse_options(options, view_part(message, ROUTER_BYTES, message.length));
}

bool ndp_parse_solicitation(struct ndp_options *options, struct view message)
{
	return message.length >= ICMP_HEADER_BYTES &&
	       parse_options(options, view_part(message, ICMP_HEADER_BYTES, message.length));
}

static size_t emit_mac(uint8_t *out, uint8_t type, const uint8_t *mac)
{
	if (mac == NULL)
		return 0;
	out[0] = type;
	out[1] = 1;
	memcpy(out + 2, mac, MAC_BYTES);
	return 8;
}

static size_t emit_target(uint8_t *out, uint8_t type, const struct ndp_target *target,
	uint8_t option, const uint8_t *mac)
{
	struct icmp_header header = { .type = type, .rest = (uint32_t)target->flags << 24 };

	icmp_emit(out, &header);
	memcpy(out + 8, target->target.bytes, 16);
	return TARGET_BYTES + emit_mac(out + TARGET_BYTES, option, mac);
}

size_t ndp_emit_solicitation(
	uint8_t out[NDP_MESSAGE_BYTES], const struct address *target, const uint8_t *mac)
{
	struct ndp_target wanted = { .target = *target };

	return emit_target(out, ICMPV6_NEIGHBOUR_SOLICITATION, &wanted, OPTION_SOURCE_MAC, mac);
}

size_t ndp_emit_advertisement(
	uint8_t out[NDP_MESSAGE_BYTES], const struct ndp_target *target, const uint8_t *mac)
{
	return emit_target(out, ICMPV6_NEIGHBOUR_ADVERTISEMENT, target, OPTION_TARGET_MAC, mac);
}

size_t ndp_emit_router_solicitation(uint8_t out[NDP_MESSAGE_BYTES], const uint8_t *mac)
{
	struct icmp_header header = { .type = ICMPV6_ROUTER_SOLICITATION };

	icmp_emit(out, &header);
	return ICMP_HEADER_BYTES + emit_mac(out + ICMP_HEADER_BYTES, OPTION_SOURCE_MAC, mac);
}

size_t mld_emit_report(
	uint8_t *out, enum mld_record record, const struct address *groups, unsigned count)
{
	struct icmp_header header = { .type = ICMPV6_MLD_REPORT, .rest = count };

	icmp_emit(out, &header);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *at = out + MLD_REPORT_BYTES(i);

		memset(at, 0, 4); /* no auxiliary data, no sources */
		at[0] = (uint8_t)record;
		memcpy(at + 4, groups[i].bytes, 16);
	}
	return MLD_REPORT_BYTES(count);
}

bool mld_parse_query(uint32_t *wait_ms, struct view message)
{
	uint32_t code;

	if (message.length < MLD_V1_BYTES)
		return false;
	code = be16_at(message.data + 4);
	/* RFC 3810 5.1.3; version 1 has no such form. */
	if (message.length >= MLD_V2_BYTES && code >= MLD_CODE_FLOAT)
		code = ((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
	*wait_ms = code;
	return true;
}
