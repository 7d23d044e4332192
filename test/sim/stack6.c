/*
 * The stack's IPv6, packet by packet: what a host must do with one (RFC 8200, 4443, 4861, 4862), by rows.
 *
 * One host, fd00::2/64 (02:00:00:00:00:02), on a link with nobody else; packets are injected as from
 * fd00::1 or fe80::1 (02:00:00:00:00:01), and what the host sends is caught on the link.
 */
#include "net/icmpv6.h"
#include "net/ipv6.h"
#include "net/ndp.h"
#include "test/check.h"
#include "test/sim/sim_world.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

static struct sim_link link;
static struct sim_host host;
static struct udp_port port;

/* Caught packets, from the IPv6 header on; the last of each ICMPv6 type. */
static struct {
	unsigned count, of_type[256];
	uint8_t last[256][1600];
	size_t length[256];
	unsigned udp;
} caught;

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 }, their_mac[6] = { 2, 0, 0, 0, 0, 1 };
static struct address us, them, router, nobody;

static struct address address_of(const char *text)
{
	struct address a;

	CHECK(address_parse(&a, text) == OK);
	return a;
}

/* What we send must be right by itself: the walk along its headers ends, its checksum is good. */
static bool catch_frame(struct sim_link *from, const uint8_t *frame, size_t length)
{
	struct view packet = view_of(frame + 14, length - 14);
	struct ipv6_header header;
	struct ipv6_chain chain;
	uint8_t type;

	if (be16_at(frame + 12) != ETHERNET_IPV6)
		return false;
	CHECK_EQUAL(ipv6_parse(&header, packet, packet.length), IPV6_OK);
	chain = ipv6_chain_start(&header);
	caught.count++;
	if (ipv6_chain_walk(&chain, packet) != IPV6_STEP_UPPER)
		return false;
	caught.udp += chain.next_header == IP_UDP;
	if (chain.next_header != IP_ICMPV6)
		return false;
	packet = view_part(packet, chain.offset, packet.length);
	CHECK(checksum_is_good(checksum_add(checksum_pseudo_v6(&header.source, &header.destination,
						    IP_ICMPV6, (uint32_t)packet.length),
		packet.data, packet.length)));
	type = packet.data[0];
	caught.of_type[type]++;
	caught.length[type] = packet.length;
	memcpy(caught.last[type], packet.data, packet.length);
	return false;
}

static void no_news(struct udp_port *ready)
{
}

static void forget_caught(void)
{
	memset(&caught, 0, sizeof(caught));
}

static void pass(duration time)
{
	sim_run(sim_now() + time, NULL, NULL);
}

struct datagram {
	uint8_t frame[14 + 40 + 1600];
	size_t length;
};

static struct datagram build(const struct address *from, const struct address *to, uint8_t next,
	uint8_t hop_limit, const void *payload, size_t length)
{
	struct datagram d = { .length = 54 + length };
	struct ipv6_header header = { .source = *from,
		.destination = *to,
		.payload_length = (uint16_t)length,
		.next_header = next,
		.hop_limit = hop_limit };
	uint8_t group[6];

	ipv6_group_mac(group, to);
	ethernet_emit(d.frame, ipv6_is_multicast(to) ? group : our_mac, their_mac, ETHERNET_IPV6);
	ipv6_emit(d.frame + 14, &header);
	if (length > 0)
		memcpy(d.frame + 54, payload, length);
	return d;
}

static void inject(const struct datagram *d)
{
	sim_inject(&host, d->frame, d->length);
}

static void send_raw(const struct address *from, const struct address *to, uint8_t next,
	const void *payload, size_t length)
{
	struct datagram d = build(from, to, next, 64, payload, length);

	inject(&d);
}

/* With the checksum put right. */
static void send_icmp(const struct address *from, const struct address *to, uint8_t hop_limit,
	uint8_t *message, size_t length)
{
	struct datagram d;

	message[2] = message[3] = 0;
	checksum_store(
		message + 2, checksum_add(checksum_pseudo_v6(from, to, IP_ICMPV6, (uint32_t)length),
				     message, length));
	d = build(from, to, IP_ICMPV6, hop_limit, message, length);
	inject(&d);
}

static size_t build_udp(uint8_t *out, const struct address *from, const struct address *to,
	uint16_t number, size_t length)
{
	struct udp_header udp = { 1234, number, (uint16_t)(8 + length), true };

	memset(out, 0, 8 + length);
	udp_emit(out, &udp);
	udp_checksum_store(out,
		checksum_add(checksum_pseudo_v6(from, to, IP_UDP, udp.length), out, udp.length));
	return udp.length;
}

static void send_udp(const struct address *from, const struct address *to, uint16_t number)
{
	uint8_t bytes[64];

	send_raw(from, to, IP_UDP, bytes, build_udp(bytes, from, to, number, 10));
}

static void send_target(const struct address *from, const struct address *to, uint8_t type,
	const struct address *target, uint8_t flags, const uint8_t *mac)
{
	uint8_t message[NDP_MESSAGE_BYTES];
	struct ndp_target about = { .target = *target, .flags = flags };
	size_t length = type == ICMPV6_NEIGHBOUR_SOLICITATION
				? ndp_emit_solicitation(message, target, mac)
				: ndp_emit_advertisement(message, &about, mac);

	send_icmp(from, to, 255, message, length);
}

/* fd00::1 asks for us: we know it then. */
static void introduce(void)
{
	struct address group = ipv6_solicited_node(&us);

	send_target(&them, &group, ICMPV6_NEIGHBOUR_SOLICITATION, &us, 0, their_mac);
}

static void start_with(const char *ip, const char *gateway)
{
	us = address_of("fd00::2");
	them = address_of("fd00::1");
	router = address_of("fe80::1");
	nobody = address_of("fd00::99");
	sim_start(1);
	sim_link_perfect(&link);
	link.tap = catch_frame;
	sim_host_start(&host, &link, 2, "10.0.0.2/24");
	CHECK(ipv6_start(&host.ipv6, &host.stack, ip, gateway) == OK);
	memset(&port, 0, sizeof(port));
	port.ready = no_news;
	udp_port_bind(&host.stack, &port, 7);
}

/* All addresses are decided, the neighbour is known. */
static void start(void)
{
	start_with("fd00::2/64", "fe80::1");
	pass(SECONDS(2));
	introduce();
	forget_caught();
}

static void stop(void)
{
	udp_port_unbind(&host.stack, &port);
	sim_host_end(&host);
	sim_end();
}

static unsigned queued(void)
{
	struct endpoint source, local;
	struct packet *packet;
	unsigned n = 0;

	for (; (packet = udp_port_take(&port, &source, &local)) != NULL; n++)
		packet_free(packet);
	return n;
}

/* --- the start --- */

static void announces_and_probes(void)
{
	start_with("fd00::2/64", "");
	CHECK_EQUAL(host.ipv6.address_count, 2);
	CHECK_EQUAL(host.ipv6.addresses[0].state, IPV6_OPTIMISTIC);
	pass(SECONDS(3));
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_SOLICITATION], 4); /* two for each */
	CHECK(caught.of_type[ICMPV6_MLD_REPORT] >= 3);
	CHECK_EQUAL(caught.last[ICMPV6_MLD_REPORT][7], 2); /* records: two groups */
	CHECK_EQUAL(caught.of_type[ICMPV6_ROUTER_SOLICITATION], 1);
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT], 4);
	CHECK_EQUAL(host.ipv6.addresses[0].state, IPV6_PREFERRED);
	/* RFC 7559: again and again, more and more seldom. */
	pass(SECONDS(60));
	CHECK_EQUAL(caught.of_type[ICMPV6_ROUTER_SOLICITATION], 5); /* 0, 4, 12, 28, 60 s */
	stop();
}

static void configured_is_judged(void)
{
	static const struct {
		const char *ip, *gateway;
		enum status status;
	} rows[] = {
		{ "fd00::2/64", "", OK },
		{ "auto", "", OK },
		{ "", "fe80::1", OK },
		{ "::1/128", "", INVALID_VALUE },
		{ "::/0", "", INVALID_VALUE },
		{ "ff02::1/64", "", INVALID_VALUE },
		{ "10.0.0.2/24", "", INVALID_VALUE },
		{ "fd00::2/64", "ff02::1", INVALID_VALUE },
		{ "fd00::2/64", "10.0.0.1", INVALID_VALUE },
		{ "nonsense", "", INVALID_VALUE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sim_start(1);
		sim_link_perfect(&link);
		sim_host_start(&host, &link, 2, "10.0.0.2/24");
		if (ipv6_start(&host.ipv6, &host.stack, rows[i].ip, rows[i].gateway) !=
			rows[i].status)
			CHECK_FAIL("%s by %s", rows[i].ip, rows[i].gateway);
		CHECK((host.stack.ipv6 != NULL) == (rows[i].status == OK));
		sim_host_end(&host);
		sim_end();
	}
}

/* --- in --- */

static void addresses(void)
{
	static const struct {
		const char *source, *destination;
		unsigned queued; /* at the open port 7 */
		unsigned errors; /* sent for the closed port 9 */
	} rows[] = {
		{ "fd00::1", "fd00::2", 1, 1 },
		{ "fd00::1", "ff02::1", 1, 0 },	       /* all nodes: no error */
		{ "fd00::1", "ff02::1:ff00:2", 1, 0 }, /* our solicited-node group */
		{ "fd00::1", "ff02::1:ff00:3", 0, 0 }, /* somebody else's */
		{ "fd00::1", "fd00::3", 0, 0 },	       /* another host */
		{ "fd00::1", "ff02::2", 0, 0 },	       /* all routers */
		{ "::", "fd00::2", 0, 0 },	       /* nobody */
		{ "::1", "fd00::2", 0, 0 },	       /* martians */
		{ "ff02::1", "fd00::2", 0, 0 },
		{ "10.0.0.1", "fd00::2", 0, 0 }, /* mapped: would pass for IPv4 */
		{ "fd00::2", "fd00::2", 0, 0 },	 /* our own */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address source, destination;

		start();
		source = address_of(rows[i].source);
		destination = address_of(rows[i].destination);
		send_udp(&source, &destination, 7);
		send_udp(&source, &destination, 9);
		if (queued() != rows[i].queued)
			CHECK_FAIL("%s to %s: queued", rows[i].source, rows[i].destination);
		if (caught.of_type[ICMPV6_UNREACHABLE] != rows[i].errors)
			CHECK_FAIL("%s to %s: errors", rows[i].source, rows[i].destination);
		stop();
	}
}

static void echoes(void)
{
	uint8_t message[100] = { ICMPV6_ECHO_REQUEST, 0, 0, 0, 1, 2, 3, 4, 'x' };
	struct address all = ipv6_link_group(1), none = { 0 };

	start();
	send_icmp(&them, &us, 64, message, sizeof(message));
	CHECK_EQUAL(caught.of_type[ICMPV6_ECHO_REPLY], 1);
	CHECK_EQUAL(caught.length[ICMPV6_ECHO_REPLY], sizeof(message));
	CHECK(memcmp(caught.last[ICMPV6_ECHO_REPLY] + 4, message + 4, 96) == 0);
	send_icmp(&them, &all, 64, message, sizeof(message)); /* RFC 4443 4.2: may be answered */
	CHECK_EQUAL(caught.of_type[ICMPV6_ECHO_REPLY], 2);
	send_icmp(&none, &us, 64, message, sizeof(message));
	message[2] ^= 1;
	send_raw(&them, &us, IP_ICMPV6, message, sizeof(message)); /* a wrong checksum */
	send_raw(&them, &us, IP_ICMPV6, message, 7);
	CHECK_EQUAL(caught.of_type[ICMPV6_ECHO_REPLY], 2);
	CHECK_EQUAL(caught.count, 2);
	stop();
}

/* RFC 8200 4.2, 4.4, 4: who is told what. The pointer counts from the IPv6 header. */
static void problems(void)
{
	static const struct {
		const char *what;
		uint8_t first, bytes[8], next[8];
		bool is_group;
		int code; /* -1: in silence */
		uint32_t pointer;
	} rows[] = {
		{ "skip", 60, { 17, 0, 0x1e, 4 }, { 0 }, false, -2, 0 },
		{ "discard", 60, { 17, 0, 0x5e, 4 }, { 0 }, false, -1, 0 },
		{ "tell", 60, { 17, 0, 0x9e, 4 }, { 0 }, false, 2, 42 },
		{ "tell a group, too", 60, { 17, 0, 0x9e, 4 }, { 0 }, true, 2, 42 },
		{ "tell no group", 60, { 17, 0, 0xde, 4 }, { 0 }, true, -1, 0 },
		{ "tell no group, alone", 60, { 17, 0, 0xde, 4 }, { 0 }, false, 2, 42 },
		{ "hop-by-hop", 0, { 17, 0, 0x9e, 4 }, { 0 }, false, 2, 42 },
		{ "routing", 43, { 17, 0, 0, 1 }, { 0 }, false, 0, 42 },
		{ "routing to a group", 43, { 17, 0, 0, 1 }, { 0 }, true, -1, 0 },
		{ "unknown header", 200, { 0 }, { 0 }, false, 1, 6 },
		{ "unknown behind options", 60, { 200, 0, 1, 4 }, { 0 }, false, 1, 40 },
		{ "hop-by-hop behind", 60, { 0, 0, 1, 4 }, { 17, 0, 1, 4 }, false, 1, 40 },
		{ "about an error", 60, { 58, 0, 0x9e, 4 }, { 1, 4 }, false, -1, 0 },
		{ "none", 59, { 0 }, { 0 }, false, -1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[40] = { 0 };
		struct address to;
		bool is_told;

		start();
		to = rows[i].is_group ? ipv6_link_group(1) : us;
		memcpy(bytes, rows[i].bytes, 8);
		build_udp(bytes + 8, &them, &to, 7, 10);
		if (rows[i].next[0] != 0)
			memcpy(bytes + 8, rows[i].next, 8);
		send_raw(&them, &to, rows[i].first, bytes, 26);
		is_told = caught.of_type[ICMPV6_PARAMETER_PROBLEM] == 1;
		if (is_told != (rows[i].code >= 0) || queued() != (rows[i].code == -2))
			CHECK_FAIL("%s: told %d", rows[i].what, is_told);
		if (is_told && (caught.last[ICMPV6_PARAMETER_PROBLEM][1] != rows[i].code ||
				       be32_at(caught.last[ICMPV6_PARAMETER_PROBLEM] + 4) !=
					       rows[i].pointer))
			CHECK_FAIL("%s: code %u at %u", rows[i].what,
				caught.last[ICMPV6_PARAMETER_PROBLEM][1],
				be32_at(caught.last[ICMPV6_PARAMETER_PROBLEM] + 4));
		stop();
	}
}

/* RFC 4443 2.4 (f), and (c): as much as fits 1,280 bytes is quoted. */
static void errors_are_few_and_short(void)
{
	uint8_t bytes[1400];

	start();
	for (unsigned i = 0; i < 200; i++)
		send_udp(&them, &us, 9);
	CHECK_EQUAL(caught.of_type[ICMPV6_UNREACHABLE], 50);
	pass(SECONDS(1));
	send_raw(&them, &us, IP_UDP, bytes, build_udp(bytes, &them, &us, 9, 1300));
	CHECK_EQUAL(caught.length[ICMPV6_UNREACHABLE], 1240);
	stop();
}

static void udp_wants_a_checksum(void)
{
	uint8_t bytes[18];

	start();
	build_udp(bytes, &them, &us, 7, 10);
	be16_to(bytes + UDP_CHECKSUM_OFFSET, 0);
	send_raw(&them, &us, IP_UDP, bytes, sizeof(bytes));
	CHECK_EQUAL(queued(), 0);
	stop();
}

/* --- fragments --- */

/* Bytes [from, to) of `whole` as a fragment. */
static void send_part(const uint8_t *whole, uint8_t next, uint16_t from, uint16_t to, bool more)
{
	uint8_t bytes[8 + 600];
	struct ipv6_fragment fragment = { .id = 77, .offset = from, .more = more };

	ipv6_fragment_emit(bytes, next, &fragment);
	memcpy(bytes + 8, whole + from, to - from);
	send_raw(&them, &us, IPV6_FRAGMENT, bytes, 8u + to - from);
}

static void fragments(void)
{
	static const struct {
		const char *what;
		uint16_t parts[4][3]; /* from, to, more */
		unsigned queued;
		int code; /* of a parameter problem; -1: none */
	} rows[] = {
		{ "in order", { { 0, 64, 1 }, { 64, 108, 0 } }, 1, -1 },
		{ "out of order", { { 64, 108, 0 }, { 0, 64, 1 } }, 1, -1 },
		{ "atomic", { { 0, 108, 0 } }, 1, -1 },
		{ "twice the same", { { 0, 64, 1 }, { 0, 64, 1 }, { 64, 108, 0 } }, 1, -1 },
		{ "overlap", { { 0, 64, 1 }, { 56, 108, 0 }, { 64, 108, 0 } }, 0, -1 },
		{ "a hole", { { 0, 56, 1 }, { 64, 108, 0 } }, 0, -1 },
		{ "not of 8", { { 0, 60, 1 } }, 0, ICMPV6_BAD_FIELD },
		{ "first too short", { { 0, 0, 1 } }, 0, ICMPV6_INCOMPLETE_CHAIN },
	};
	uint8_t whole[108];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		build_udp(whole, &them, &us, 7, 100);
		for (unsigned k = 0; k < 4 && (k == 0 || rows[i].parts[k][1] > 0); k++)
			send_part(whole, IP_UDP, rows[i].parts[k][0], rows[i].parts[k][1],
				rows[i].parts[k][2]);
		if (queued() != rows[i].queued)
			CHECK_FAIL("%s: queued", rows[i].what);
		if ((caught.of_type[ICMPV6_PARAMETER_PROBLEM] == 1) != (rows[i].code >= 0) ||
			(rows[i].code > 0 &&
				caught.last[ICMPV6_PARAMETER_PROBLEM][1] != rows[i].code))
			CHECK_FAIL("%s: told", rows[i].what);
		stop();
	}
}

static void incomplete_after_a_minute(void)
{
	uint8_t whole[108];

	start();
	build_udp(whole, &them, &us, 7, 100);
	send_part(whole, IP_UDP, 0, 64, true);
	pass(SECONDS(59));
	CHECK_EQUAL(caught.of_type[ICMPV6_TIME_EXCEEDED], 0);
	send_target(&them, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &them, NDP_IS_SOLICITED, their_mac);
	pass(SECONDS(2));
	CHECK_EQUAL(caught.of_type[ICMPV6_TIME_EXCEEDED], 1);
	CHECK_EQUAL(caught.last[ICMPV6_TIME_EXCEEDED][1], 1);
	stop();
}

/* --- out --- */

static enum status send_to(const struct address *to, size_t length)
{
	struct endpoint from = { .port = 7 }, there = { *to, 99 };
	struct packet *packet = packet_alloc();

	packet->length = packet->total_length = (uint32_t)length;
	memset(packet->data, 0, length);
	net_stack_set_time(&host.stack, sim_now());
	udp_port_note_peer(&port, &there);
	return udp_output(&host.stack, packet, &from, &there);
}

static void send_too_big(const struct address *to, uint32_t mtu)
{
	uint8_t message[8 + 48] = { ICMPV6_TOO_BIG };
	struct ipv6_header quoted = {
		.source = us, .destination = *to, .payload_length = 1000, .next_header = IP_UDP
	};

	be32_to(message + 4, mtu);
	ipv6_emit(message + 8, &quoted);
	be16_to(message + 48, 7);
	be16_to(message + 50, 99);
	send_icmp(&router, &us, 64, message, sizeof(message));
}

/* RFC 8201: what a router says is believed from 1,280 on; then datagrams are cut. */
static void paths_are_learned(void)
{
	static const struct {
		uint32_t mtu;
		unsigned packets; /* of a datagram of 1,400 bytes */
	} rows[] = { { 1500, 1 }, { 1448, 1 }, { 1447, 2 }, { 1280, 2 }, { 1279, 1 }, { 0, 1 },
		{ UINT32_MAX, 1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		send_too_big(&them, rows[i].mtu);
		CHECK(send_to(&them, 1400) == OK);
		if (caught.count != rows[i].packets)
			CHECK_FAIL("%u: %u packets", rows[i].mtu, caught.count);
		pass(SECONDS(601)); /* forgotten: RFC 8201 5.3 */
		introduce();
		forget_caught();
		CHECK(send_to(&them, 1400) == OK);
		CHECK_EQUAL(caught.count, 1);
		stop();
	}
}

static void nobody_answers(void)
{
	struct endpoint remote;

	start();
	CHECK(send_to(&nobody, 10) == OK);
	pass(SECONDS(4));
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_SOLICITATION], 3);
	CHECK(udp_port_take_error(&port, &remote) && address_equal(&remote.address, &nobody));
	CHECK_EQUAL(caught.udp, 0);
	stop();
}

static void answers_let_packets_go(void)
{
	start();
	CHECK(send_to(&nobody, 10) == OK);
	CHECK_EQUAL(caught.udp, 0);
	send_target(&nobody, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &nobody,
		NDP_IS_SOLICITED | NDP_OVERRIDES, their_mac);
	CHECK_EQUAL(caught.udp, 1);
	stop();
}

/* RFC 6724 5, over the addresses fe80::/64's, fd00::2 and 2001:db8::2. */
static void sources_are_chosen(void)
{
	static const struct {
		const char *to, *source; /* NULL: ours of the link */
	} rows[] = {
		{ "fe80::1", NULL }, { "ff02::1", NULL }, { "fd00::1", "fd00::2" },
		{ "fd11::1", "fd00::2" }, /* rule 6: labels */
		{ "2001:db8::1", "2001:db8::2" }, { "2a00::1", "2001:db8::2" },
		{ "ff0e::1", "2001:db8::2" }, /* rule 2: scopes */
	};
	struct ipv6_address second = { .prefix = { address_of("2001:db8::2"), 64 },
		.origin = IPV6_FROM_CONFIGURATION,
		.preferred_until = FOREVER,
		.valid_until = FOREVER };

	start();
	CHECK(ipv6_address_add(&host.stack, &second) == OK);
	pass(SECONDS(2));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address to = address_of(rows[i].to), source, wanted;

		wanted = rows[i].source ? address_of(rows[i].source)
					: host.ipv6.addresses[0].prefix.address;
		if (!ipv6_source(&host.stack, &to, &source) || !address_equal(&source, &wanted))
			CHECK_FAIL("%s", rows[i].to);
	}
	/* Rule 3: a deprecated one only if there is no other. */
	ipv6_address_find(&host.stack, &second.prefix.address)->preferred_until = 0;
	them = address_of("2a00::1");
	CHECK(ipv6_source(&host.stack, &them, &us) && us.bytes[0] == 0xfd);
	stop();
}

/* --- neighbours --- */

/* Messages that must not be believed: RFC 4861 7.1, RFC 6980. */
static void false_neighbours(void)
{
	static const struct {
		const char *what;
		uint8_t hop_limit, code, option_length, flags;
		bool is_wrapped, is_fine;
	} rows[] = {
		{ "fine", 255, 0, 1, 0, false, true },
		{ "from afar", 254, 0, 1, 0, false, false },
		{ "a code", 255, 1, 1, 0, false, false },
		{ "an option of no length", 255, 0, 0, 0, false, false },
		{ "a cut option", 255, 0, 2, 0, false, false },
		{ "in a fragment", 255, 0, 1, 0, true, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t message[8 + NDP_MESSAGE_BYTES] = { 0 };
		uint8_t *at = message + (rows[i].is_wrapped ? 8 : 0);
		struct datagram d;
		size_t length;

		start();
		length = ndp_emit_solicitation(at, &us, their_mac);
		at[1] = rows[i].code;
		at[25] = rows[i].option_length;
		checksum_store(at + 2,
			checksum_add(checksum_pseudo_v6(&nobody, &us, IP_ICMPV6, (uint32_t)length),
				at, length));
		message[0] = rows[i].is_wrapped ? IP_ICMPV6 : message[0];
		d = build(&nobody, &us, rows[i].is_wrapped ? IPV6_FRAGMENT : IP_ICMPV6,
			rows[i].hop_limit, message, length + (rows[i].is_wrapped ? 8 : 0));
		inject(&d);
		if ((neighbour_find(&host.stack.neighbours, &nobody) != NULL) != rows[i].is_fine ||
			caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT] != rows[i].is_fine)
			CHECK_FAIL("%s", rows[i].what);
		stop();
	}
}

/* RFC 4861 7.2.5: what an advertisement does to a neighbour in that state. `other`: another address. */
static void advertisements(void)
{
	static const struct {
		enum neighbour_state before;
		uint8_t flags;
		bool is_other, has_mac;
		enum neighbour_state after;
		bool is_moved;
	} rows[] = {
		{ NEIGHBOUR_REACHABLE, NDP_IS_SOLICITED, false, true, NEIGHBOUR_REACHABLE, false },
		{ NEIGHBOUR_REACHABLE, 0, false, true, NEIGHBOUR_REACHABLE, false },
		{ NEIGHBOUR_REACHABLE, 0, true, true, NEIGHBOUR_STALE, false },
		{ NEIGHBOUR_REACHABLE, NDP_OVERRIDES, true, true, NEIGHBOUR_STALE, true },
		{ NEIGHBOUR_STALE, 0, true, true, NEIGHBOUR_STALE, false },
		{ NEIGHBOUR_STALE, NDP_IS_SOLICITED, true, true, NEIGHBOUR_STALE, false },
		{ NEIGHBOUR_STALE, NDP_IS_SOLICITED | NDP_OVERRIDES, true, true,
			NEIGHBOUR_REACHABLE, true },
		{ NEIGHBOUR_STALE, NDP_IS_SOLICITED, false, false, NEIGHBOUR_REACHABLE, false },
		{ NEIGHBOUR_STALE, 0, false, true, NEIGHBOUR_STALE, false },
		{ NEIGHBOUR_PENDING, NDP_IS_SOLICITED, false, false, NEIGHBOUR_PENDING, false },
		{ NEIGHBOUR_PENDING, 0, true, true, NEIGHBOUR_STALE, true },
		{ NEIGHBOUR_PENDING, NDP_IS_SOLICITED, true, true, NEIGHBOUR_REACHABLE, true },
	};
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct neighbour *n;

		start();
		if (rows[i].before == NEIGHBOUR_PENDING) {
			them = nobody;
			CHECK(send_to(&them, 10) == OK);
		}
		n = neighbour_find(&host.stack.neighbours, &them);
		CHECK(n != NULL);
		if (rows[i].before == NEIGHBOUR_REACHABLE)
			send_target(&them, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &them,
				NDP_IS_SOLICITED, their_mac);
		CHECK_EQUAL(n->state, rows[i].before);
		send_target(&them, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &them, rows[i].flags,
			!rows[i].has_mac   ? NULL
			: rows[i].is_other ? other
					   : their_mac);
		if (n->state != rows[i].after || mac_equal(n->header, other) != rows[i].is_moved)
			CHECK_FAIL("row %zu: state %u", i, n->state);
		stop();
	}
}

/* Who asks without his link address is answered when it is known: he is asked for it first. */
static void asker_without_link_address(void)
{
	struct address group;

	start();
	group = ipv6_solicited_node(&us);
	send_target(&nobody, &group, ICMPV6_NEIGHBOUR_SOLICITATION, &us, 0, NULL);
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT], 0);
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_SOLICITATION], 1);
	send_target(
		&nobody, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &nobody, NDP_IS_SOLICITED, their_mac);
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT], 1);
	stop();
}

/* A stale neighbour in use is probed by unicast within 5 s, one that is silent then is forgotten. */
static void stale_is_probed(void)
{
	start();
	CHECK(send_to(&them, 10) == OK);
	CHECK_EQUAL(caught.udp, 1); /* at once */
	pass(MILLISECONDS(5500));
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_SOLICITATION], 1);
	pass(SECONDS(4));
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_SOLICITATION], 3);
	CHECK(neighbour_find(&host.stack.neighbours, &them) == NULL);
	stop();
}

/* Thousands of hosts introduce themselves: the cache stays as large as it is. */
static void flood_of_neighbours(void)
{
	start();
	for (unsigned i = 0; i < 5000; i++) {
		struct address one = them;

		be16_to(one.bytes + 14, (uint16_t)(i + 100));
		send_target(&one, &us, ICMPV6_NEIGHBOUR_SOLICITATION, &us, 0, their_mac);
	}
	CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT], 5000);
	CHECK(host.stack.neighbours.pending == 0);
	stop();
}

/* --- duplicates --- */

static void duplicates(void)
{
	static const struct {
		const char *what;
		bool is_early, is_probe, is_of_link; /* of link: of our link-local address */
		unsigned left;			     /* addresses then */
	} rows[] = {
		{ "configured, advertised", true, false, false, 1 },
		{ "configured, probed", true, true, false, 1 },
		{ "of the link, advertised", true, false, true,
			2 }, /* another one is made, and told */
		{ "too late, advertised", false, false, false, 2 },
		{ "too late, probed", false, true, false, 2 }, /* and told that it is ours */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address all = ipv6_link_group(1), none = { 0 }, target, group;

		start_with("fd00::2/64", "fe80::1");
		if (!rows[i].is_early)
			pass(SECONDS(2));
		target = rows[i].is_of_link ? host.ipv6.addresses[0].prefix.address : us;
		group = ipv6_solicited_node(&target);
		forget_caught();
		if (rows[i].is_probe)
			send_target(&none, &group, ICMPV6_NEIGHBOUR_SOLICITATION, &target, 0, NULL);
		else
			send_target(&target, &all, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &target,
				NDP_OVERRIDES, their_mac);
		if (host.ipv6.address_count != rows[i].left)
			CHECK_FAIL("%s: %u addresses", rows[i].what, host.ipv6.address_count);
		if (rows[i].is_early)
			CHECK(ipv6_address_find(&host.stack, &target) == NULL);
		CHECK_EQUAL(caught.of_type[ICMPV6_NEIGHBOUR_ADVERTISEMENT],
			(!rows[i].is_early && rows[i].is_probe) || rows[i].is_of_link);
		stop();
	}
}

/* Whoever has all addresses that we try gets his way: after three there is none, and no loop. */
static void duplicates_without_end(void)
{
	struct address all = ipv6_link_group(1);

	start_with("fd00::2/64", "fe80::1");
	for (unsigned i = 0; i < 10 && host.ipv6.address_count > 0; i++) {
		struct address target = host.ipv6.addresses[0].prefix.address;

		send_target(&target, &all, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &target, 0, their_mac);
	}
	CHECK_EQUAL(host.ipv6.address_count, 0);
	stop();
}

/* --- routers --- */

struct told {
	uint16_t lifetime_s;
	uint32_t mtu;
	const char *prefix; /* NULL: none */
	uint8_t bits, flags;
	uint32_t valid_s, preferred_s;
	uint8_t hop_limit; /* of the packet; 0: 255 */
	const char *from;  /* NULL: fe80::1 */
};

static void advertise(struct told told)
{
	uint8_t message[16 + 32 + 8 + 8] = { ICMPV6_ROUTER_ADVERTISEMENT, [4] = 33 };
	struct address from = told.from ? address_of(told.from) : router, all = ipv6_link_group(1);
	struct address prefix;
	size_t length = 16;

	be16_to(message + 6, told.lifetime_s);
	memcpy(message + length, (uint8_t[]){ 1, 1, 2, 0, 0, 0, 0, 1 }, 8);
	length += 8;
	if (told.mtu != 0) {
		message[length] = 5;
		message[length + 1] = 1;
		be32_to(message + length + 4, told.mtu);
		length += 8;
	}
	if (told.prefix != NULL) {
		prefix = address_of(told.prefix);
		memcpy(message + length, (uint8_t[]){ 3, 4, told.bits, told.flags }, 4);
		be32_to(message + length + 4, told.valid_s);
		be32_to(message + length + 8, told.preferred_s);
		memcpy(message + length + 16, prefix.bytes, 16);
		length += 32;
	}
	send_icmp(&from, &all, told.hop_limit ? told.hop_limit : 255, message, length);
}

#define BOTH (NDP_ON_LINK | NDP_AUTONOMOUS)

static void routers_are_heard(void)
{
	struct address far = address_of("2001:db8:1::1");

	start_with("auto", "");
	CHECK(send_to(&far, 10) == UNREACHABLE);
	advertise((struct told){ .lifetime_s = 1800,
		.mtu = 1400,
		.prefix = "2001:db8::",
		.bits = 64,
		.flags = BOTH,
		.valid_s = 7200,
		.preferred_s = 3600 });
	CHECK_EQUAL(host.ipv6.router_count, 1);
	CHECK_EQUAL(host.ipv6.prefix_count, 1);
	CHECK_EQUAL(host.ipv6.address_count, 2);
	CHECK_EQUAL(host.ipv6.mtu, 1400);
	CHECK_EQUAL(host.ipv6.hop_limit, 33);
	forget_caught();
	CHECK(send_to(&far, 10) == OK); /* at once: its link address came with it */
	CHECK_EQUAL(caught.udp, 1);
	advertise((struct told){ .lifetime_s = 0 });
	CHECK_EQUAL(host.ipv6.router_count, 0);
	CHECK(send_to(&far, 10) == UNREACHABLE);
	pass(SECONDS(7201));
	CHECK_EQUAL(host.ipv6.prefix_count, 0);
	CHECK_EQUAL(host.ipv6.address_count, 1);
	stop();
}

/* Which advertisements, and which prefixes in them, make an address. */
static void prefixes_are_judged(void)
{
	static const struct {
		const char *what;
		struct told told;
		unsigned addresses, prefixes;
	} rows[] = {
		{ "fine",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600 },
			2, 1 },
		{ "for ever",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = NDP_FOREVER,
				.preferred_s = NDP_FOREVER },
			2, 1 },
		{ "on link only",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = NDP_ON_LINK,
				.valid_s = 600,
				.preferred_s = 600 },
			1, 1 },
		{ "not on link",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = NDP_AUTONOMOUS,
				.valid_s = 600,
				.preferred_s = 600 },
			2, 0 },
		{ "no life", { .prefix = "2001:db8::", .bits = 64, .flags = BOTH }, 1, 0 },
		{ "preferred beyond valid",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 10,
				.preferred_s = 11 },
			1, 1 },
		{ "56 bits",
			{ .prefix = "2001:db8::",
				.bits = 56,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600 },
			1, 1 },
		{ "link-local",
			{ .prefix = "fe80::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600 },
			1, 0 },
		{ "multicast",
			{ .prefix = "ff02::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600 },
			1, 0 },
		{ "from afar",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600,
				.hop_limit = 64 },
			1, 0 },
		{ "not of a router's address",
			{ .prefix = "2001:db8::",
				.bits = 64,
				.flags = BOTH,
				.valid_s = 600,
				.preferred_s = 600,
				.from = "2001:db8::1" },
			1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start_with("", "");
		advertise(rows[i].told);
		if (host.ipv6.address_count != rows[i].addresses ||
			host.ipv6.prefix_count != rows[i].prefixes)
			CHECK_FAIL("%s: %u addresses, %u prefixes", rows[i].what,
				host.ipv6.address_count, host.ipv6.prefix_count);
		stop();
	}
}

/* RFC 4862 5.5.3 (e): an address that had more than two hours keeps two. */
static void two_hours(void)
{
	static const struct {
		uint32_t before_s, told_s, after_s;
	} rows[] = {
		{ 86400, 0, 7200 },
		{ 86400, 7200, 7200 },
		{ 86400, 7201, 7201 },
		{ 86400, 172800, 172800 },
		{ 3600, 0, 3600 },
		{ 3600, 1800, 3600 },
		{ 3600, 5000, 5000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told told = { .prefix = "2001:db8::",
			.bits = 64,
			.flags = NDP_AUTONOMOUS,
			.valid_s = rows[i].before_s };

		start_with("auto", "");
		advertise(told);
		told.valid_s = rows[i].told_s;
		advertise(told);
		CHECK_EQUAL((host.ipv6.addresses[1].valid_until - sim_now()) / SECONDS(1),
			rows[i].after_s);
		stop();
	}
}

/* Rogue routers and prefixes without number (RFC 6104): bounded, and those that were first stay. */
static void flood_of_routers(void)
{
	struct address first;
	char prefix[40], from[40];

	start_with("auto", "");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(prefix, sizeof(prefix), "2001:db8:0:%x::", i);
		snprintf(from, sizeof(from), "fe80::%x", i + 1);
		advertise((struct told){ .lifetime_s = 9000,
			.prefix = prefix,
			.bits = 64,
			.flags = BOTH,
			.valid_s = NDP_FOREVER,
			.preferred_s = NDP_FOREVER,
			.from = from });
	}
	CHECK_EQUAL(host.ipv6.router_count, IPV6_ROUTERS);
	CHECK_EQUAL(host.ipv6.prefix_count, IPV6_PREFIXES);
	CHECK_EQUAL(host.ipv6.address_count, IPV6_ADDRESSES);
	first = address_of("fe80::1");
	CHECK(address_equal(&host.ipv6.routers[0].address, &first));
	CHECK(host.ipv6.addresses[0].origin == IPV6_FROM_LINK);
	stop();
}

/* Of two routers, the one that doesn't answer comes second from then on. */
static void silent_router(void)
{
	struct address far = address_of("2001:db8:1::1"), second = address_of("fe80::2");

	start_with("fd00::2/64", "");
	pass(SECONDS(2));
	advertise((struct told){ .lifetime_s = 1800 });
	advertise((struct told){ .lifetime_s = 1800, .from = "fe80::2" });
	CHECK(send_to(&far, 10) == OK);
	pass(SECONDS(9)); /* stale, probed three times, forgotten */
	CHECK(address_equal(&host.ipv6.routers[0].address, &second));
	/* One that says that it is no router any more is none. */
	send_target(
		&second, &us, ICMPV6_NEIGHBOUR_ADVERTISEMENT, &second, NDP_IS_SOLICITED, their_mac);
	CHECK_EQUAL(host.ipv6.router_count, 1);
	stop();
}

/* What is configured, stands: neither addresses nor routes come by advertisements. */
static void configured_stands(void)
{
	start();
	advertise((struct told){ .lifetime_s = 1800,
		.mtu = 1280,
		.prefix = "2001:db8::",
		.bits = 64,
		.flags = BOTH,
		.valid_s = 600,
		.preferred_s = 600 });
	CHECK_EQUAL(host.ipv6.router_count, 0);
	CHECK_EQUAL(host.ipv6.address_count, 2);
	CHECK_EQUAL(host.ipv6.mtu, 1500);
	stop();
}

static void queries_are_answered(void)
{
	uint8_t query[28] = { ICMPV6_MLD_QUERY, [4] = 0x03, 0xe8 };
	struct address all = ipv6_link_group(1);

	start();
	send_icmp(&router, &all, 1, query, sizeof(query));
	pass(SECONDS(1));
	CHECK_EQUAL(caught.of_type[ICMPV6_MLD_REPORT], 1);
	CHECK_EQUAL(caught.last[ICMPV6_MLD_REPORT][8], MLD_IS_EXCLUDE);
	send_icmp(&them, &all, 1, query, sizeof(query)); /* of no router */
	send_icmp(&router, &all, 255, query, sizeof(query));
	pass(SECONDS(2));
	CHECK_EQUAL(caught.of_type[ICMPV6_MLD_REPORT], 1);
	stop();
}

int main(void)
{
	return RUN(TEST(announces_and_probes), TEST(configured_is_judged), TEST(addresses),
		TEST(echoes), TEST(problems), TEST(errors_are_few_and_short),
		TEST(udp_wants_a_checksum), TEST(fragments), TEST(incomplete_after_a_minute),
		TEST(paths_are_learned), TEST(nobody_answers), TEST(answers_let_packets_go),
		TEST(sources_are_chosen), TEST(false_neighbours), TEST(advertisements),
		TEST(asker_without_link_address), TEST(stale_is_probed), TEST(flood_of_neighbours),
		TEST(duplicates), TEST(duplicates_without_end), TEST(routers_are_heard),
		TEST(prefixes_are_judged), TEST(two_hours), TEST(flood_of_routers),
		TEST(silent_router), TEST(configured_stands), TEST(queries_are_answered));
}
