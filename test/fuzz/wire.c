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
	addresses(bytes);
	checksum_add(0, data, size);
	return 0;
}
