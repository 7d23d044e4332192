/*
 * The header parsers and emitters of wire/, by rows of bytes.
 */
#include "test/check.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/ndp.h"
#include "wire/udp.h"

static void checksum_of_rfc_1071(void)
{
	/* RFC 1071, section 3: the sum of these is ddf2. */
	static const uint8_t bytes[8] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint16_t sum = checksum_fold(checksum_add(0, bytes, sizeof(bytes)));

	CHECK_EQUAL(__builtin_bswap16(sum), 0xddf2);
	for (size_t cut = 0; cut <= 8; cut++) { /* any split gives the same, odd ones too */
		uint64_t part = checksum_add(0, bytes + cut, 8 - cut);
		uint64_t joined = checksum_join(checksum_add(0, bytes, cut), part, cut);

		CHECK_EQUAL(__builtin_bswap16(checksum_fold(joined)), 0xddf2);
	}
}

static void checksum_against_definition(void)
{
	uint8_t bytes[100];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 251 + 200);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		uint32_t sum = 0;

		for (size_t i = 0; i < length; i++)
			sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		CHECK_EQUAL(__builtin_bswap16(checksum_fold(checksum_add(0, bytes, length))), sum);
	}
}

/* 192.168.0.1 -> 192.168.0.199, UDP, 115 bytes: the header's checksum is b861. */
static const uint8_t ipv4_sample[20] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
	0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

static void ipv4_sample_both_ways(void)
{
	struct ipv4_header header;
	uint8_t out[IPV4_HEADER_BYTES];

	CHECK_EQUAL(ipv4_parse(&header, view_of(ipv4_sample, 20), 115), IPV4_OK);
	CHECK_EQUAL(header.total_length, 115);
	CHECK_EQUAL(header.header_length, 20);
	CHECK_EQUAL(header.protocol, IP_UDP);
	CHECK_EQUAL(header.source, 0xc0a80001);
	CHECK_EQUAL(header.destination, 0xc0a800c7);
	CHECK(header.dont_fragment && !header.more_fragments && header.fragment_offset == 0);
	ipv4_emit(out, &header);
	CHECK(memcmp(out, ipv4_sample, 20) == 0);
}

static void ipv4_faults(void)
{
	static const struct {
		const char *name;
		unsigned at;
		uint8_t value;
		size_t length, available;
		enum ipv4_fault fault;
	} rows[] = {
		{ "short", 0, 0x45, 19, 115, IPV4_SHORT },
		{ "empty", 0, 0x45, 0, 0, IPV4_SHORT },
		{ "version 6", 0, 0x65, 20, 115, IPV4_BAD_VERSION },
		{ "header of 16", 0, 0x44, 20, 115, IPV4_BAD_LENGTH },
		{ "header beyond buffer", 0, 0x46, 20, 115, IPV4_BAD_LENGTH },
		{ "cut", 0, 0x45, 20, 114, IPV4_BAD_LENGTH },
		{ "total below header", 3, 19, 20, 115, IPV4_BAD_LENGTH },
		{ "checksum", 11, 0x62, 20, 115, IPV4_BAD_CHECKSUM },
		{ "time to live", 8, 0x3f, 20, 115, IPV4_BAD_CHECKSUM },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[20];
		struct ipv4_header header;

		memcpy(bytes, ipv4_sample, 20);
		bytes[rows[i].at] = rows[i].value;
		if (ipv4_parse(&header, view_of(bytes, rows[i].length), rows[i].available) !=
			rows[i].fault)
			CHECK_FAIL("%s: not fault %d", rows[i].name, rows[i].fault);
	}
}

static void ipv4_options_rows(void)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		enum ipv4_options found;
	} rows[] = {
		{ { 1, 1, 1, 0 }, 4, IPV4_OPTIONS_FINE },
		{ { 7, 7, 4, 0, 0, 0, 0, 0 }, 8, IPV4_OPTIONS_FINE }, /* record route */
		{ { 131, 7, 4, 0, 0, 0, 0, 0 }, 8, IPV4_OPTIONS_SOURCE_ROUTE },
		{ { 1, 137, 7, 4, 0, 0, 0, 0 }, 8, IPV4_OPTIONS_SOURCE_ROUTE },
		{ { 7, 9, 4, 0, 0, 0, 0, 0 }, 8, IPV4_OPTIONS_MALFORMED }, /* beyond the header */
		{ { 7, 1, 1, 1 }, 4, IPV4_OPTIONS_MALFORMED },
		{ { 7, 0, 1, 1 }, 4, IPV4_OPTIONS_MALFORMED },
		{ { 1, 1, 1, 7 }, 4, IPV4_OPTIONS_MALFORMED }, /* no length octet */
		{ { 0, 131, 7, 4 }, 4, IPV4_OPTIONS_FINE },    /* after the end of options */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (ipv4_options_check(view_of(rows[i].bytes, rows[i].length)) != rows[i].found)
			CHECK_FAIL("row %zu: not %d", i, rows[i].found);
}

static void arp_both_ways(void)
{
	static const uint8_t bytes[ARP_BYTES] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0,
		0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
	static const struct {
		unsigned at;
		uint8_t value;
	} faults[] = { { 1, 6 }, { 2, 0x86 }, { 4, 8 }, { 5, 16 }, { 7, 0 }, { 7, 3 } };
	uint8_t out[ARP_BYTES];
	struct arp arp;

	CHECK(arp_parse(&arp, view_of(bytes, ARP_BYTES)));
	CHECK_EQUAL(arp.operation, ARP_REQUEST);
	CHECK_EQUAL(arp.sender_ip, 0x0a000001);
	CHECK_EQUAL(arp.target_ip, 0x0a000002);
	arp_emit(out, &arp);
	CHECK(memcmp(out, bytes, ARP_BYTES) == 0);
	CHECK(!arp_parse(&arp, view_of(bytes, ARP_BYTES - 1)));
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		memcpy(out, bytes, ARP_BYTES);
		out[faults[i].at] = faults[i].value;
		CHECK(!arp_parse(&arp, view_of(out, ARP_BYTES)));
	}
}

static void udp_lengths(void)
{
	static const struct {
		uint16_t length;
		size_t bytes;
		bool is_fine;
	} rows[] = {
		{ 8, 8, true },
		{ 8, 100, true },
		{ 100, 100, true },
		{ 101, 100, false },
		{ 7, 100, false },
		{ 0, 100, false },
		{ 8, 7, false },
		{ 65535, 100, false },
	};
	uint8_t bytes[100] = { 0, 53, 0, 7 };
	struct udp_header udp;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		be16_to(bytes + 4, rows[i].length);
		if (udp_parse(&udp, view_of(bytes, rows[i].bytes), rows[i].bytes) !=
			rows[i].is_fine)
			CHECK_FAIL("length %u in %zu bytes", rows[i].length, rows[i].bytes);
	}
}

/* RFC 768: a checksum that computes to zero is sent as all ones, for zero means none. */
static void udp_zero_checksum(void)
{
	uint8_t header[UDP_HEADER_BYTES] = { 0 };

	udp_checksum_store(header, 0xffff);
	CHECK_EQUAL(be16_at(header + UDP_CHECKSUM_OFFSET), 0xffff);
	udp_checksum_store(header, 0x1234);
	CHECK(be16_at(header + UDP_CHECKSUM_OFFSET) != 0);
}

static void ethernet_rows(void)
{
	static const uint8_t frame[14] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8,
		6 };
	struct ethernet_header header;
	char text[MAC_TEXT_BYTES];
	uint8_t out[14];

	CHECK(ethernet_parse(&header, view_of(frame, 14)));
	CHECK(!ethernet_parse(&header, view_of(frame, 13)));
	CHECK_EQUAL(header.type, ETHERNET_ARP);
	CHECK(mac_is_broadcast(header.destination) && !mac_is_group(header.source));
	CHECK_TEXT(mac_text(header.source, text), "02:00:00:00:00:01");
	ethernet_emit(out, header.destination, header.source, header.type);
	CHECK(memcmp(out, frame, 14) == 0);
}

/* --- IPv6 --- */

static void ipv6_both_ways(void)
{
	static const uint8_t bytes[40] = { 0x6a, 0xb1, 0x23, 0x45, 0, 100, 58, 255, 0xfe,
		0x80, [23] = 1, 0xff, 2, [39] = 2 };
	struct ipv6_header header;
	uint8_t out[IPV6_HEADER_BYTES];

	CHECK_EQUAL(ipv6_parse(&header, view_of(bytes, 40), 140), IPV6_OK);
	CHECK_EQUAL(header.traffic_class, 0xab);
	CHECK_EQUAL(header.flow_label, 0x12345);
	CHECK_EQUAL(header.payload_length, 100);
	CHECK_EQUAL(header.next_header, IP_ICMPV6);
	CHECK_EQUAL(header.hop_limit, 255);
	CHECK(ipv6_is_link_local(&header.source) && ipv6_is_multicast(&header.destination));
	ipv6_emit(out, &header);
	CHECK(memcmp(out, bytes, sizeof(out)) == 0);
}

static void ipv6_faults(void)
{
	static const struct {
		const char *what;
		uint8_t first, length, next;
		size_t bytes, available;
		enum ipv6_fault fault;
	} rows[] = {
		{ "fine", 0x60, 100, 17, 40, 140, IPV6_OK },
		{ "padded", 0x60, 100, 17, 40, 150, IPV6_OK },
		{ "empty payload", 0x60, 0, 59, 40, 40, IPV6_OK },
		{ "short", 0x60, 0, 17, 39, 140, IPV6_SHORT },
		{ "nothing", 0x60, 0, 17, 0, 140, IPV6_SHORT },
		{ "version 4", 0x45, 100, 17, 40, 140, IPV6_BAD_VERSION },
		{ "cut", 0x60, 101, 17, 40, 140, IPV6_BAD_LENGTH },
		{ "jumbogram", 0x60, 0, 0, 40, 140, IPV6_BAD_LENGTH },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[40] = { rows[i].first, 0, 0, 0, 0, rows[i].length, rows[i].next };
		struct ipv6_header header;

		if (ipv6_parse(&header, view_of(bytes, rows[i].bytes), rows[i].available) !=
			rows[i].fault)
			CHECK_FAIL("%s", rows[i].what);
	}
}

/* Headers behind an IPv6 header, and where the walk along them ends. */
static void ipv6_chains(void)
{
	static const struct {
		const char *what;
		uint8_t first; /* next header of the IPv6 header */
		uint8_t bytes[40];
		uint8_t length;
		enum ipv6_step step;
		uint8_t next, code; /* of UPPER; of PROBLEM */
		uint32_t at;	    /* offset of UPPER; pointer of PROBLEM */
		bool is_for_groups;
	} rows[] = {
		{ "none", 17, { 0 }, 8, IPV6_STEP_UPPER, 17, 0, 40, false },
		{ "unknown protocol", 200, { 0 }, 8, IPV6_STEP_UPPER, 200, 0, 40, false },
		{ "no next", 59, { 0 }, 8, IPV6_STEP_NOTHING, 0, 0, 0, false },
		{ "hop-by-hop, padding", 0, { 17, 0, 1, 4, 0, 0, 0, 0 }, 16, IPV6_STEP_UPPER, 17, 0,
			48, false },
		{ "router alert", 0, { 58, 0, 5, 2, 0, 0, 1, 0 }, 16, IPV6_STEP_UPPER, 58, 0, 48,
			false },
		{ "pad1 only", 60, { 6, 0, 0, 0, 0, 0, 0, 0 }, 16, IPV6_STEP_UPPER, 6, 0, 48,
			false },
		{ "two of options", 60, { 60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4 }, 20,
			IPV6_STEP_UPPER, 6, 0, 56, false },
		{ "unknown, skip", 60, { 6, 0, 0x1e, 4, 0, 0, 0, 0 }, 8, IPV6_STEP_UPPER, 6, 0, 48,
			false },
		{ "unknown, discard", 60, { 6, 0, 0x5e, 4, 0, 0, 0, 0 }, 8, IPV6_STEP_DISCARD, 0, 0,
			0, false },
		{ "unknown, tell", 60, { 6, 0, 0x9e, 4, 0, 0, 0, 0 }, 8, IPV6_STEP_PROBLEM, 0,
			ICMPV6_UNKNOWN_OPTION, 42, true },
		{ "unknown, tell no group", 0, { 6, 0, 0, 0xde, 3, 0, 0, 0 }, 8, IPV6_STEP_PROBLEM,
			0, ICMPV6_UNKNOWN_OPTION, 43, false },
		{ "jumbo payload", 0, { 6, 0, 0xc2, 4, 0, 1, 0, 0 }, 8, IPV6_STEP_PROBLEM, 0,
			ICMPV6_UNKNOWN_OPTION, 42, false },
		{ "option beyond header", 60, { 6, 0, 1, 5, 0, 0, 0, 0 }, 16, IPV6_STEP_PROBLEM, 0,
			ICMPV6_BAD_FIELD, 42, false },
		{ "option without length", 60, { 6, 0, 1, 3, 0, 0, 0, 1 }, 16, IPV6_STEP_PROBLEM, 0,
			ICMPV6_BAD_FIELD, 47, false },
		{ "hop-by-hop, not first", 60, { 0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4 }, 16,
			IPV6_STEP_PROBLEM, 0, ICMPV6_UNKNOWN_HEADER, 40, false },
		{ "routing, none left", 43, { 6, 0, 2, 0, 0, 0, 0, 0 }, 16, IPV6_STEP_UPPER, 6, 0,
			48, false },
		{ "routing type 0", 43, { 6, 2, 0, 1 }, 32, IPV6_STEP_PROBLEM, 0, ICMPV6_BAD_FIELD,
			42, false },
		{ "fragment", 44, { 6, 0, 0, 9, 0, 0, 0, 7 }, 16, IPV6_STEP_FRAGMENT, 6, 0, 48,
			false },
		{ "cut before", 60, { 0 }, 0, IPV6_STEP_CUT, 0, 0, 0, false },
		{ "cut header", 60, { 6, 0, 1, 4, 0, 0, 0 }, 7, IPV6_STEP_CUT, 0, 0, 0, false },
		{ "cut by length", 60, { 6, 1, 1, 12 }, 15, IPV6_STEP_CUT, 0, 0, 0, false },
		{ "cut fragment", 44, { 6, 0, 0, 0 }, 4, IPV6_STEP_CUT, 0, 0, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t packet[80] = { 0x60, [6] = rows[i].first };
		struct ipv6_header header = { .next_header = rows[i].first };
		struct ipv6_chain chain = ipv6_chain_start(&header);
		enum ipv6_step step;
		bool is_fine;

		memcpy(packet + 40, rows[i].bytes, sizeof(rows[i].bytes));
		step = ipv6_chain_walk(&chain, view_of(packet, 40u + rows[i].length));
		is_fine = step == rows[i].step;
		if (step == IPV6_STEP_UPPER || step == IPV6_STEP_FRAGMENT)
			is_fine &= chain.next_header == rows[i].next && chain.offset == rows[i].at;
		if (step == IPV6_STEP_PROBLEM)
			is_fine &= chain.code == rows[i].code && chain.pointer == rows[i].at &&
				   chain.is_for_groups == rows[i].is_for_groups;
		if (step == IPV6_STEP_FRAGMENT)
			is_fine &= chain.fragment.offset == 8 && chain.fragment.more &&
				   chain.fragment.id == 7;
		if (!is_fine)
			CHECK_FAIL("%s: step %d, next %u, offset %u, code %u, pointer %u",
				rows[i].what, step, chain.next_header, chain.offset, chain.code,
				chain.pointer);
	}
}

static void ipv6_address_kinds(void)
{
	static const struct {
		const char *text;
		bool is_unicast, is_link_local;
	} rows[] = {
		{ "2001:db8::1", true, false }, { "fe80::1", true, true },
		{ "febf::1", true, true }, { "fec0::1", true, false }, { "fd00::1", true, false },
		{ "::", false, false }, { "::1", false, false }, { "ff02::1", false, false },
		{ "10.0.0.1", false, false }, /* mapped: never on a wire */
	};
	struct address a, group;
	char text[ADDRESS_TEXT_BYTES];
	uint8_t mac[6];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(address_parse(&a, rows[i].text) == OK);
		if (ipv6_is_unicast(&a) != rows[i].is_unicast ||
			ipv6_is_link_local(&a) != rows[i].is_link_local)
			CHECK_FAIL("%s", rows[i].text);
	}
	CHECK(address_parse(&a, "2001:db8::12:3456") == OK);
	group = ipv6_solicited_node(&a);
	CHECK_TEXT(address_text(&group, text), "ff02::1:ff12:3456");
	ipv6_group_mac(mac, &group);
	CHECK(memcmp(mac, (uint8_t[]){ 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 }, 6) == 0);
	CHECK_EQUAL(ipv6_common_bits(&a, &a), 128);
	CHECK(address_parse(&group, "2001:db9::") == OK);
	CHECK_EQUAL(ipv6_common_bits(&a, &group), 31);
}

/* The sum over a pseudo-header is that of its bytes. */
static void ipv6_pseudo_header(void)
{
	uint8_t bytes[40];
	uint64_t sum;

	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	memcpy(bytes + 32, (uint8_t[]){ 0, 1, 0x12, 0x34, 0, 0, 0, 58 }, 8);
	sum = checksum_pseudo_v6(bytes, bytes + 16, 58, 0x11234);
	CHECK_EQUAL(checksum_fold(sum), checksum_fold(checksum_add(0, bytes, 40)));
}

static void ndp_rows(void)
{
	static const struct {
		const char *what;
		uint8_t options[48];
		uint8_t length;
		bool is_fine;
	} rows[] = {
		{ "none", { 0 }, 0, true },
		{ "a link address", { 1, 1, 2, 0, 0, 0, 0, 1 }, 8, true },
		{ "unknown", { 200, 2 }, 16, true },
		{ "length 0", { 1, 0, 2, 0, 0, 0, 0, 1 }, 8, false },
		{ "cut", { 1, 2, 2, 0, 0, 0, 0, 1 }, 8, false },
		{ "cut before the length", { 1 }, 1, false },
		{ "a link address of 14 bytes", { 1, 2, 2 }, 16, true },
		{ "a prefix of 129 bits", { 3, 4, 129 }, 32, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t message[72] = { 135, [8] = 0xfe, 0x80 };
		struct ndp_options options;
		struct ndp_target target;

		memcpy(message + 24, rows[i].options, sizeof(rows[i].options));
		if (ndp_parse_target(&target, &options, view_of(message, 24u + rows[i].length)) !=
			rows[i].is_fine)
			CHECK_FAIL("%s", rows[i].what);
		CHECK(!rows[i].is_fine || options.prefix_count == 0);
		CHECK((options.source_mac != NULL) == (i == 1));
	}
}

static void ndp_advertisement(void)
{
	static const uint8_t message[16 + 32 + 8] = { 134, 0, 0, 0, 64, 0xc0, 7, 8, 0, 0, 0x75,
		0x30, 0, 0, 3, 0xe8, 3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0xff, 0xff, 0xff, 0xff, 0, 0,
		0, 0, 0x20, 1, 0x0d, 0xb8, [48] = 5, 1, 0, 0, 0, 0, 5, 0xdc };
	struct ndp_options options;
	struct ndp_router router;

	CHECK(ndp_parse_router(&router, &options, view_of(message, sizeof(message))));
	CHECK_EQUAL(router.hop_limit, 64);
	CHECK_EQUAL(router.flags, NDP_MANAGED | NDP_OTHER);
	CHECK_EQUAL(router.lifetime_s, 1800);
	CHECK_EQUAL(router.reachable_ms, 30000);
	CHECK_EQUAL(router.retransmit_ms, 1000);
	CHECK_EQUAL(options.mtu, 1500);
	CHECK_EQUAL(options.prefix_count, 1);
	CHECK_EQUAL(options.prefixes[0].prefix.bits, 64);
	CHECK_EQUAL(options.prefixes[0].flags, NDP_ON_LINK | NDP_AUTONOMOUS);
	CHECK_EQUAL(options.prefixes[0].valid_s, 3600);
	CHECK_EQUAL(options.prefixes[0].preferred_s, NDP_FOREVER);
	CHECK(!ndp_parse_router(&router, &options, view_of(message, 15)));
}

/* RFC 3810 5.1.3: long waits are floating point; version 1's queries are shorter and plain. */
static void mld_waits(void)
{
	static const struct {
		uint8_t length;
		uint16_t code;
		bool is_fine;
		uint32_t wait_ms;
	} rows[] = {
		{ 28, 1000, true, 1000 },
		{ 28, 0x7fff, true, 32767 },
		{ 28, 0x8000, true, 32768 },
		{ 28, 0xffff, true, 0x1fff << 10 },
		{ 24, 0xffff, true, 65535 },
		{ 23, 1000, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t message[28] = { 130, 0, 0, 0, (uint8_t)(rows[i].code >> 8),
			(uint8_t)rows[i].code };
		uint32_t wait_ms = 0;

		CHECK_EQUAL(mld_parse_query(&wait_ms, view_of(message, rows[i].length)),
			rows[i].is_fine);
		CHECK_EQUAL(wait_ms, rows[i].wait_ms);
	}
}

int main(void)
{
	return RUN(TEST(checksum_of_rfc_1071), TEST(checksum_against_definition),
		TEST(ipv4_sample_both_ways), TEST(ipv4_faults), TEST(ipv4_options_rows),
		TEST(arp_both_ways), TEST(udp_lengths), TEST(udp_zero_checksum),
		TEST(ethernet_rows), TEST(ipv6_both_ways), TEST(ipv6_faults), TEST(ipv6_chains),
		TEST(ipv6_address_kinds), TEST(ipv6_pseudo_header), TEST(ndp_rows),
		TEST(ndp_advertisement), TEST(mld_waits));
}
