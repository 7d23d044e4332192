/*
 * The header parsers and emitters of wire/, by rows of bytes.
 */
#include "test/check.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
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

int main(void)
{
	return RUN(TEST(checksum_of_rfc_1071), TEST(checksum_against_definition),
		TEST(ipv4_sample_both_ways), TEST(ipv4_faults), TEST(ipv4_options_rows),
		TEST(arp_both_ways), TEST(udp_lengths), TEST(udp_zero_checksum),
		TEST(ethernet_rows));
}
