/*
 * Every parser of wire/ but DNS, on any bytes: none may read outside of them, and what parses is
 * emitted as the same header again.
 */
#include <stdlib.h>

#include "diatom/address.h"
#include "diatom/assert.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/ndp.h"
#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void arps(struct view bytes)
{
	uint8_t out[ARP_BYTES];
	struct arp arp;

	if (!arp_parse(&arp, bytes))
		return;
	arp_emit(out, &arp);
	ASSERT(memcmp(out, bytes.data, ARP_BYTES) == 0);
}

static void headers(struct view bytes)
{
	struct ethernet_header ethernet;
	struct icmp_header icmp;
	struct udp_header udp;
	uint8_t out[ETHERNET_HEADER_BYTES];

	if (ethernet_parse(&ethernet, bytes)) {
		ethernet_emit(out, ethernet.destination, ethernet.source, ethernet.type);
		ASSERT(memcmp(out, bytes.data, sizeof(out)) == 0);
	}
	if (udp_parse(&udp, bytes, bytes.length))
		ASSERT(udp.length >= UDP_HEADER_BYTES && udp.length <= bytes.length);
	icmp_parse(&icmp, bytes);
}

static void ipv4s(struct view bytes)
{
	uint8_t out[IPV4_HEADER_BYTES];
	struct ipv4_header header, again;

	if (ipv4_parse_quoted(&header, bytes) == IPV4_OK)
		ASSERT(header.header_length <= bytes.length);
	if (ipv4_parse(&header, bytes, bytes.length) != IPV4_OK)
		return;
	ASSERT(header.header_length <= header.total_length && header.total_length <= bytes.length);
	ipv4_options_check(
		view_part(bytes, IPV4_HEADER_BYTES, header.header_length - IPV4_HEADER_BYTES));
	ipv4_emit(out, &header);
	if (header.header_length == IPV4_HEADER_BYTES)
		ASSERT(ipv4_parse(&again, view_of(out, sizeof(out)), bytes.length) == IPV4_OK);
}

/* The walk ends, inside of the bytes, and what parses is written as the same header again. */
static void ipv6s(struct view bytes)
{
	struct ipv6_header header;
	struct ipv6_chain chain;
	struct view upper;
	uint8_t out[IPV6_HEADER_BYTES], protocol;
	enum ipv6_step step;

	if (ipv6_parse_quoted(&header, bytes, &protocol, &upper))
		ASSERT(upper.length <= bytes.length - IPV6_HEADER_BYTES);
	if (ipv6_parse(&header, bytes, bytes.length) != IPV6_OK)
		return;
	ipv6_emit(out, &header);
	ASSERT(memcmp(out, bytes.data, sizeof(out)) == 0);
	chain = ipv6_chain_start(&header);
	do {
		uint32_t before = chain.offset;

		step = ipv6_chain_walk(&chain, bytes);
		ASSERT(chain.offset <= bytes.length && chain.naming < chain.offset);
		if (step == IPV6_STEP_FRAGMENT)
			ASSERT(chain.offset > before);
		if (step == IPV6_STEP_PROBLEM)
			ASSERT(chain.pointer < bytes.length);
	} while (step == IPV6_STEP_FRAGMENT);
}

static void ndps(struct view bytes)
{
	struct ndp_options options;
	struct ndp_target target;
	struct ndp_router router;
	uint32_t wait_ms;

	ndp_parse_target(&target, &options, bytes);
	ndp_parse_solicitation(&options, bytes);
	if (ndp_parse_router(&router, &options, bytes))
		for (unsigned i = 0; i < options.prefix_count; i++)
			ASSERT(options.prefixes[i].prefix.bits <= 128);
	mld_parse_query(&wait_ms, bytes);
}

/* Text that parses is written in a form that parses to the same. */
static void addresses(struct view bytes)
{
	char *text = malloc(bytes.length + 1), out[ADDRESS_TEXT_BYTES];
	struct address a, b;
	struct prefix prefix;

	if (bytes.length > 0)
		memcpy(text, bytes.data, bytes.length);
	text[bytes.length] = '\0';
	if (address_parse(&a, text) == OK) {
		ASSERT(address_parse(&b, address_text(&a, out)) == OK);
		ASSERT(address_equal(&a, &b));
	}
	if (prefix_parse(&prefix, text) == OK)
		ASSERT(prefix_contains(&prefix, &prefix.address));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view bytes = view_of(data, size);

	arps(bytes);
	headers(bytes);
	ipv4s(bytes);
	ipv4_options_check(bytes);
	ipv6s(bytes);
	ndps(bytes);
	addresses(bytes);
	checksum_add(0, data, size);
	return 0;
}
