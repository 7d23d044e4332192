/*
 * The packet trace of a failing seed:
 *
 *     12.345678 1 > 2  40000 > 7  S.  1003 ack 55 win 65535 len 0 <mss ts 5 4 sack 10-20>   lost
 *
 * Hosts by the last byte of their addresses; sequence numbers as they are.
 */
#include <stdio.h>

#include "test/sim/sim_frame.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

static void print_flags(uint8_t flags)
{
	static const char letters[] = "FSRP.UEW";

	for (unsigned i = 0; i < 8; i++)
		if (flags & 1 << i)
			putchar(letters[i]);
}

static void print_options(const struct tcp_options *o)
{
	printf(" <");
	if (o->mss != 0)
		printf("mss %u ", o->mss);
	if (o->has_scale)
		printf("scale %u ", o->scale);
	if (o->has_sack_permitted)
		printf("sack-ok ");
	if (o->has_timestamp)
		printf("ts %u %u ", o->timestamp, o->timestamp_echo);
	for (unsigned i = 0; i < o->block_count; i++)
		printf("sack %u-%u ", o->blocks[i].start, o->blocks[i].end);
	printf(">");
}

static void print_tcp(struct view bytes)
{
	struct tcp_header header;
	struct tcp_options options;

	if (!tcp_parse(&header, bytes)) {
		printf("malformed");
		return;
	}
	tcp_options_parse(&options,
		view_part(bytes, TCP_HEADER_BYTES, header.header_length - TCP_HEADER_BYTES));
	printf("%u > %u  ", header.source_port, header.destination_port);
	print_flags(header.flags);
	printf(" %u ack %u win %u len %zu", header.sequence, header.acknowledgment, header.window,
		bytes.length - header.header_length);
	print_options(&options);
}

void sim_frame_print(instant now, struct view frame, const char *fate)
{
	struct ethernet_header ethernet = { 0 };
	struct ipv4_header ip;
	struct ipv6_header ip6;
	struct view packet = view_part(frame, ETHERNET_HEADER_BYTES, frame.length);

	printf("%10.6f ", (double)now / 1e9);
	if (ethernet_parse(&ethernet, frame) && ethernet.type == ETHERNET_IPV6 &&
		ipv6_parse(&ip6, packet, packet.length) == IPV6_OK) {
		printf("%u > %u  ", ip6.source.bytes[15], ip6.destination.bytes[15]);
		if (ip6.next_header == IP_TCP)
			print_tcp(view_part(packet, IPV6_HEADER_BYTES, ip6.payload_length));
		else
			printf("protocol %u, %u bytes", ip6.next_header, ip6.payload_length);
	} else if (ethernet.type != ETHERNET_IPV4 ||
		   ipv4_parse(&ip, packet, packet.length) != IPV4_OK) {
		printf("type %04x, %zu bytes", ethernet.type, frame.length);
	} else {
		printf("%u > %u  ", ip.source & 255, ip.destination & 255);
		if (ip.protocol == IP_TCP)
			print_tcp(view_part(
				packet, ip.header_length, ip.total_length - ip.header_length));
		else
			printf("protocol %u, %u bytes", ip.protocol, ip.total_length);
		if ((ip.type_of_service & 3) == 3)
			printf(" CE");
	}
	printf("%s%s\n", *fate ? "   " : "", fate);
}
