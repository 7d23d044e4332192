/*
 * The stack, frame by frame: what a host must do with one packet (RFC 1122), by rows.
 *
 * One host, 10.0.0.2/24 (02:00:00:00:00:02), on a link with nobody else; frames are injected as from
 * 10.0.0.1 (02:00:00:00:00:01), and what the host sends is caught on the link.
 */
#include "diatom/counter.h"
#include "net/arp.h"
#include "net/ipv4.h"
#include "net/linear.h"
#include "test/check.h"
#include "test/sim/sim_world.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/udp.h"

static struct sim_link link;
static struct sim_host host;
static struct udp_port port;
static uint8_t caught[2000];
static size_t caught_bytes;
static unsigned caught_count;

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 }, their_mac[6] = { 2, 0, 0, 0, 0, 1 };
enum { US = 0x0a000002, THEM = 0x0a000001 };

static bool catch_frame(struct sim_link *from, const uint8_t *frame, size_t length)
{
	caught_bytes = length < sizeof(caught) ? length : sizeof(caught);
	memcpy(caught, frame, caught_bytes);
	caught_count++;
	return false;
}

static void no_news(struct udp_port *ready)
{
}

/* 10.0.0.1 tells our host its link address. */
static void introduce(void)
{
	uint8_t frame[14 + ARP_BYTES];
	struct arp arp = { .operation = ARP_REPLY, .sender_ip = THEM, .target_ip = US };

	memcpy(arp.sender_mac, their_mac, 6);
	ethernet_emit(frame, our_mac, their_mac, ETHERNET_ARP);
	arp_emit(frame + 14, &arp);
	sim_inject(&host, frame, sizeof(frame));
}

/* Our host knows 10.0.0.1 when `is_known`. */
static void start(bool is_known)
{
	sim_start(1);
	sim_link_perfect(&link);
	link.tap = catch_frame;
	sim_host_start(&host, &link, 2, "10.0.0.2/24");
	memset(&port, 0, sizeof(port));
	port.ready = no_news;
	udp_port_bind(&host.stack, &port, 7);
	if (is_known)
		introduce();
	caught_count = 0;
}

static void stop(void)
{
	udp_port_unbind(&host.stack, &port);
	sim_host_end(&host);
	sim_end();
}

struct datagram {
	uint8_t frame[14 + 20 + 1500];
	size_t length; /* of the frame */
};

/* Builds Ethernet, IPv4 and the payload; the header is `ip` with lengths filled in. */
static struct datagram build(struct ipv4_header ip, const void *payload, size_t length)
{
	struct datagram d = { .length = 34 + length };

	ip.total_length = (uint16_t)(20 + length);
	ip.ttl = ip.ttl ? ip.ttl : 64;
	ethernet_emit(d.frame, our_mac, their_mac, ETHERNET_IPV4);
	ipv4_emit(d.frame + 14, &ip);
	memcpy(d.frame + 34, payload, length);
	return d;
}

/* A UDP datagram with `length` bytes of data, without a checksum. */
static struct datagram build_udp(uint32_t source, uint32_t destination, uint16_t to, size_t length)
{
	uint8_t bytes[1480] = { 0 };
	struct udp_header udp = { 1234, to, (uint16_t)(8 + length), false };

	udp_emit(bytes, &udp);
	return build(
		(struct ipv4_header){
			.source = source, .destination = destination, .protocol = IP_UDP },
		bytes, 8 + length);
}

static void inject(const struct datagram *d)
{
	sim_inject(&host, d->frame, d->length);
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

static void addresses(void)
{
	static const struct {
		uint32_t source, destination;
		unsigned queued; /* at the open port 7 */
		unsigned errors; /* sent for the closed port 9 */
	} rows[] = {
		{ THEM, US, 1, 1 }, { 0x08080808, US, 1, 0 }, /* off link: no route back */
		{ THEM, 0x0a0000ff, 1, 0 }, /* directed broadcast: no error, RFC 1122 3.2.2 */
		{ THEM, 0xffffffff, 1, 0 }, /* limited broadcast */
		{ THEM, 0x0a000003, 0, 0 }, /* another host */
		{ THEM, 0xe0000001, 0, 0 }, /* multicast, not joined */
		{ 0, US, 0, 0 },	    /* martians */
		{ 0x7f000001, US, 0, 0 }, { 0xe0000001, US, 0, 0 }, { 0xffffffff, US, 0, 0 },
		{ 0xf0000001, US, 0, 0 }, { 0x0a0000ff, US, 0, 0 }, /* our network's broadcast */
		{ US, US, 0, 0 },				    /* our own */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct datagram open, closed;

		start(true);
		open = build_udp(rows[i].source, rows[i].destination, 7, 10);
		closed = build_udp(rows[i].source, rows[i].destination, 9, 10);
		inject(&open);
		inject(&closed);
		if (queued() != rows[i].queued || caught_count != rows[i].errors)
			CHECK_FAIL("row %zu: %u sent", i, caught_count);
		stop();
	}
}

static void link_addresses(void)
{
	struct datagram d;

	start(true);
	d = build_udp(THEM, US, 7, 10);
	memset(d.frame, 0xff, 6); /* unicast IP in a broadcast frame: RFC 1122 3.3.6 */
	inject(&d);
	CHECK_EQUAL(queued(), 0);
	d.frame[0] = 0; /* another host's frame */
	inject(&d);
	CHECK_EQUAL(queued(), 0);
	memcpy(d.frame, our_mac, 6);
	memcpy(d.frame + 6, our_mac, 6); /* from ourselves */
	inject(&d);
	CHECK_EQUAL(queued(), 0);
	stop();
}

static void echo(void)
{
	uint8_t request[ICMP_HEADER_BYTES + 56];
	struct icmp_header icmp = { .type = ICMP_ECHO_REQUEST, .rest = 0x12340001 };
	struct datagram d;

	start(true);
	memset(request, 'a', sizeof(request));
	icmp_emit(request, &icmp);
	checksum_store(request + 2, checksum_add(0, request, sizeof(request)));
	d = build((struct ipv4_header){ .source = THEM,
			  .destination = US,
			  .protocol = IP_ICMP,
			  .type_of_service = 0x28 },
		request, sizeof(request));
	inject(&d);
	CHECK_EQUAL(caught_count, 1);
	CHECK_EQUAL(caught_bytes, d.length);
	CHECK(memcmp(caught, their_mac, 6) == 0 && memcmp(caught + 6, our_mac, 6) == 0);
	CHECK_EQUAL(caught[34], ICMP_ECHO_REPLY);
	CHECK_EQUAL(caught[15], 0x28); /* type of service: the request's */
	CHECK(checksum_is_good(checksum_add(0, caught + 14, 20)));
	CHECK(checksum_is_good(checksum_add(0, caught + 34, sizeof(request))));
	CHECK(memcmp(caught + 38, request + 4, sizeof(request) - 4) == 0);
	d.frame[36] ^= 1; /* a wrong checksum */
	inject(&d);
	CHECK_EQUAL(caught_count, 1);
	stop();
}

static void error_quotes_datagram(void)
{
	struct datagram d;

	start(true);
	d = build_udp(THEM, US, 9, 1000);
	inject(&d);
	CHECK_EQUAL(caught_count, 1);
	CHECK_EQUAL(caught_bytes, 14 + 576);
	CHECK(caught[34] == ICMP_UNREACHABLE && caught[35] == ICMP_PORT_UNREACHABLE);
	CHECK(checksum_is_good(checksum_add(0, caught + 34, caught_bytes - 34)));
	CHECK(memcmp(caught + 42, d.frame + 14, caught_bytes - 42) == 0);
	for (int i = 0; i < 1000; i++)
		inject(&d);
	CHECK_EQUAL(caught_count, 50); /* the burst that is allowed at one instant */
	stop();
}

static void no_error_about_an_error(void)
{
	uint8_t quoted[ICMP_HEADER_BYTES + 28] = { 0 };
	struct icmp_header icmp = { .type = ICMP_UNREACHABLE, .code = ICMP_PORT_UNREACHABLE };
	struct datagram inner, outer;

	start(true);
	inner = build_udp(US, THEM, 7, 0);
	icmp_emit(quoted, &icmp);
	memcpy(quoted + 8, inner.frame + 14, 28);
	checksum_store(quoted + 2, checksum_add(0, quoted, sizeof(quoted)));
	outer = build(
		(struct ipv4_header){ .source = THEM, .destination = US, .protocol = IP_ICMP },
		quoted, sizeof(quoted));
	inject(&outer);
	CHECK_EQUAL(caught_count, 0);
	stop();
}

static void fragment_rows(void)
{
	static const struct {
		const char *name;
		struct {
			uint16_t offset, length;
			bool more;
		} pieces[4];
		unsigned count, queued;
	} rows[] = {
		{ "in order", { { 0, 16, true }, { 16, 16, true }, { 32, 10, false } }, 3, 1 },
		{ "reversed", { { 32, 10, false }, { 16, 16, true }, { 0, 16, true } }, 3, 1 },
		{ "duplicate", { { 0, 16, true }, { 0, 16, true }, { 16, 26, false } }, 3, 1 },
		{ "tiny first", { { 0, 8, true }, { 8, 34, false } }, 2, 1 },
		{ "hole", { { 0, 16, true }, { 24, 18, false } }, 2, 0 },
		{ "overlap", { { 0, 24, true }, { 16, 26, false } }, 2, 0 },
		{ "overlap, then whole", { { 0, 24, true }, { 16, 24, true }, { 24, 18, false } },
			3, 0 },
		{ "inside", { { 0, 32, true }, { 8, 8, true }, { 32, 10, false } }, 3, 0 },
		{ "beyond the last", { { 16, 10, false }, { 32, 16, true }, { 0, 16, true } }, 3,
			0 },
		{ "two last", { { 16, 26, false }, { 16, 18, false }, { 0, 16, true } }, 3, 0 },
		{ "not a multiple of 8", { { 0, 15, true }, { 16, 26, false } }, 2, 0 },
		{ "too long", { { 65528, 16, false } }, 1, 0 },
		{ "empty", { { 0, 0, true }, { 0, 16, true }, { 16, 26, false } }, 3, 1 },
	};
	uint8_t bytes[64] = { 0 };
	struct udp_header udp = { 1234, 7, 42, false };

	udp_emit(bytes, &udp);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start(true);
		for (unsigned p = 0; p < rows[i].count; p++) {
			uint16_t at = rows[i].pieces[p].offset;
			struct datagram d =
				build((struct ipv4_header){ .source = THEM,
					      .destination = US,
					      .protocol = IP_UDP,
					      .id = 77,
					      .fragment_offset = at,
					      .more_fragments = rows[i].pieces[p].more },
					bytes + (at < 48 ? at : 0), rows[i].pieces[p].length);

			inject(&d);
		}
		if (queued() != rows[i].queued)
			CHECK_FAIL("%s", rows[i].name);
		stop();
	}
}

static void fragment_times_out(void)
{
	uint8_t bytes[16] = { 0 };
	struct datagram d;

	start(true);
	d = build((struct ipv4_header){ .source = THEM,
			  .destination = US,
			  .protocol = IP_UDP,
			  .more_fragments = true },
		bytes, sizeof(bytes));
	inject(&d);
	sim_run(sim_now() + SECONDS(59), NULL, NULL);
	CHECK_EQUAL(caught_count, 0);
	introduce(); /* it would be forgotten by now */
	sim_run(sim_now() + SECONDS(2), NULL, NULL);
	CHECK_EQUAL(caught_count, 1);
	CHECK(caught[34] == ICMP_TIME_EXCEEDED && caught[35] == ICMP_REASSEMBLY_TIME_EXCEEDED);
	stop();
}

/* An overlap spoils what follows of the datagram, for 60 s; then its identification is good again. */
static void overlap_is_forgotten(void)
{
	static const uint16_t pieces[][3] = { { 0, 24, 1 }, { 16, 26, 0 }, { 0, 16, 1 },
		{ 16, 26, 0 } };
	uint8_t bytes[64] = { 0 };
	struct udp_header udp = { 1234, 7, 42, false };

	udp_emit(bytes, &udp);
	start(true);
	for (unsigned i = 0; i < 2 * ARRAY_LEN(pieces); i++) {
		const uint16_t *piece = pieces[i % ARRAY_LEN(pieces)];
		struct datagram d = build((struct ipv4_header){ .source = THEM,
						  .destination = US,
						  .protocol = IP_UDP,
						  .id = 77,
						  .fragment_offset = piece[0],
						  .more_fragments = piece[2] },
			bytes + piece[0], piece[1]);

		if (i == ARRAY_LEN(pieces) || i == ARRAY_LEN(pieces) + 2)
			sim_run(sim_now() + SECONDS(61), NULL, NULL);
		inject(&d);
	}
	CHECK_EQUAL(queued(), 1);
	CHECK_EQUAL(caught_count, 0); /* nor is a spoilt datagram answered with an error */
	stop();
}

/* A flood of first fragments holds no more memory than the limit says. */
static void fragment_flood_is_bounded(void)
{
	size_t before = sim_packets();
	uint8_t bytes[1480] = { 0 };

	start(true);
	for (uint32_t i = 0; i < 3000; i++) {
		struct datagram d = build((struct ipv4_header){ .source = 0x0b000000 + i % 500,
						  .destination = US,
						  .protocol = IP_UDP,
						  .id = (uint16_t)i,
						  .more_fragments = true,
						  .fragment_offset = (uint16_t)(i % 4 * 1480) },
			bytes, sizeof(bytes));

		inject(&d);
		CHECK(host.stack.reassembly.held_bytes <= REASSEMBLY_BYTES);
	}
	CHECK(sim_packets() - before <= REASSEMBLY_BYTES / PACKET_BUFFER_BYTES);
	stop();
	CHECK_EQUAL(sim_packets(), before);
}

static void inject_arp(uint16_t operation, uint32_t sender, uint32_t target, uint8_t number)
{
	struct arp arp = { .operation = operation,
		.sender_ip = sender,
		.target_ip = target,
		.sender_mac = { 2, 0, 0, 0, 1, number } };
	uint8_t frame[14 + ARP_BYTES];

	ethernet_emit(frame, operation == ARP_REQUEST ? mac_broadcast : our_mac, arp.sender_mac,
		ETHERNET_ARP);
	arp_emit(frame + 14, &arp);
	sim_inject(&host, frame, sizeof(frame));
}

static void arp_rows(void)
{
	static const struct {
		const char *name;
		uint16_t operation;
		uint32_t sender, target;
		bool is_answered, is_learned;
	} rows[] = {
		{ "request for us", ARP_REQUEST, 0x0a000005, US, true, true },
		{ "request for another", ARP_REQUEST, 0x0a000005, 0x0a000006, false, false },
		{ "probe for us", ARP_REQUEST, 0, US, true, false },
		{ "unasked reply to us", ARP_REPLY, 0x0a000005, US, false, true },
		{ "announcement of a stranger", ARP_REQUEST, 0x0a000005, 0x0a000005, false, false },
		{ "our address claimed", ARP_REQUEST, US, US, true,
			false }, /* by an announcement */
		{ "sender off link", ARP_REQUEST, 0x0b000005, US, false, false },
		{ "sender is broadcast", ARP_REQUEST, 0x0a0000ff, US, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address sender = address_v4(rows[i].sender);

		start(false);
		inject_arp(rows[i].operation, rows[i].sender, rows[i].target, 5);
		if (caught_count != rows[i].is_answered)
			CHECK_FAIL("%s: %u answers", rows[i].name, caught_count);
		if ((neighbour_find(&host.stack.neighbours, &sender) != NULL) != rows[i].is_learned)
			CHECK_FAIL("%s: learned or not", rows[i].name);
		stop();
	}
}

/* RFC 5227 2.3: two announcements, two seconds apart, then nothing more to wake up for. */
static void addresses_are_announced_twice(void)
{
	struct arp arp;

	start(false);
	arp_announce(&host.stack);
	CHECK_EQUAL(caught_count, 1);
	CHECK(arp_parse(&arp, view_of(caught + 14, ARP_BYTES)));
	CHECK(mac_is_broadcast(caught) && arp.sender_ip == US && arp.target_ip == US);
	sim_run(sim_now() + MILLISECONDS(1900), NULL, NULL);
	CHECK_EQUAL(caught_count, 1);
	sim_run(sim_now() + MILLISECONDS(200), NULL, NULL);
	CHECK_EQUAL(caught_count, 2);
	sim_run(sim_now() + SECONDS(60), NULL, NULL);
	CHECK_EQUAL(caught_count, 2);
	CHECK(host.stack.deadline == FOREVER);
	stop();
}

/* RFC 826: who is known is updated, whoever was asked. */
static void arp_updates_the_known(void)
{
	struct address friend = address_v4(THEM);
	struct neighbour *n;

	start(true);
	n = neighbour_find(&host.stack.neighbours, &friend);
	CHECK(n != NULL && mac_equal(n->header, their_mac));
	inject_arp(ARP_REQUEST, THEM, 0x0a000006, 9);
	CHECK(mac_equal(n->header, (const uint8_t[6]){ 2, 0, 0, 0, 1, 9 }));
	CHECK_EQUAL(caught_count, 0);
	stop();
}

/* RFC 5227 2.4 (c): an announcement against whoever claims our address, one in ten seconds. */
static void conflict_is_answered(void)
{
	struct arp arp;

	start(false);
	for (unsigned i = 0; i < 5; i++)
		inject_arp(i % 2 ? ARP_REPLY : ARP_REQUEST, US, THEM, 5);
	CHECK_EQUAL(caught_count, 1);
	CHECK(mac_is_broadcast(caught) && arp_parse(&arp, view_of(caught + 14, ARP_BYTES)));
	CHECK(arp.operation == ARP_REQUEST && arp.sender_ip == US && arp.target_ip == US);
	CHECK(mac_equal(arp.sender_mac, our_mac));
	sim_run(sim_now() + SECONDS(11), NULL, NULL);
	inject_arp(ARP_REPLY, US, THEM, 5);
	CHECK_EQUAL(caught_count, 2);
	stop();
}

/* However many addresses we ask for in vain: whoever asks for us is learned and gets its answer. */
static void pending_ones_keep_nobody_out(void)
{
	struct address stranger = address_v4(0x0a0000f0);
	struct endpoint us = { .port = 7 };
	unsigned refused = 0;

	start(false);
	for (uint32_t i = 0; i < NEIGHBOUR_PENDING_MAX + 20; i++) {
		struct endpoint to = { address_v4(0x0a000003 + i), 7 };

		refused += udp_output(&host.stack, packet_alloc(), &us, &to) != OK;
	}
	CHECK_EQUAL(refused, 20);
	inject_arp(ARP_REQUEST, 0x0a0000f0, US, 5);
	CHECK(neighbour_find(&host.stack.neighbours, &stranger) != NULL);
	stop();
}

/* Whoever we talk to stays known, however many others introduce themselves. */
static void arp_flood_spares_friends(void)
{
	struct endpoint them = { address_v4(THEM), 7 }, us = { .port = 7 };
	struct address friend = address_v4(THEM);
	struct prefix wide;

	start(true);
	CHECK(prefix_parse(&wide, "10.0.0.2/8") == OK);
	host.stack.address_count = 0;
	CHECK(net_stack_add_address(&host.stack, &wide) == OK);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &them) == OK);
	for (uint32_t i = 0; i < 5000; i++)
		inject_arp(ARP_REQUEST, 0x0a010000 + i, US, (uint8_t)i);
	CHECK(neighbour_find(&host.stack.neighbours, &friend) != NULL);
	stop();
}

/* Packets to hosts that don't answer: bounded, and nothing leaks. */
static void unresolved_is_bounded(void)
{
	struct endpoint us = { .port = 7 };
	size_t before = sim_packets();
	unsigned refused = 0;

	start(false);
	for (uint32_t i = 0; i < 20000; i++) {
		struct endpoint to = { address_v4(0x0a000003 + i % 200), 7 };

		refused += udp_output(&host.stack, packet_alloc(), &us, &to) != OK;
	}
	CHECK(refused > 0);
	CHECK(sim_packets() - before <= NEIGHBOUR_WAITING_TOTAL);
	sim_run(sim_now() + SECONDS(10), NULL, NULL);
	CHECK_EQUAL(sim_packets(), before);
	CHECK(host.stack.deadline == FOREVER);
	stop();
}

static void queue_is_bounded(void)
{
	size_t before = sim_packets();
	struct datagram d;

	start(true);
	d = build_udp(THEM, US, 7, 1);
	for (int i = 0; i < 2000; i++)
		inject(&d);
	CHECK(port.queue.count <= UDP_QUEUE_COUNT);
	CHECK(port.queue.count >= UDP_QUEUE_COUNT / 2);
	stop();
	CHECK_EQUAL(sim_packets(), before);
}

static void checksum_rows(void)
{
	uint8_t bytes[12] = { 0 };
	struct udp_header udp = { 1234, 7, sizeof(bytes), false };
	uint64_t sum;
	struct datagram d;

	start(true);
	udp_emit(bytes, &udp);
	sum = checksum_pseudo_v4(THEM, US, IP_UDP, sizeof(bytes));
	udp_checksum_store(bytes, checksum_add(sum, bytes, sizeof(bytes)));
	d = build((struct ipv4_header){ .source = THEM, .destination = US, .protocol = IP_UDP },
		bytes, sizeof(bytes));
	inject(&d);
	CHECK_EQUAL(queued(), 1);
	d.frame[44] ^= 1;
	inject(&d);
	CHECK_EQUAL(queued(), 0);
	d.frame[40] = d.frame[41] = 0; /* none: RFC 768 */
	inject(&d);
	CHECK_EQUAL(queued(), 1);
	stop();
}

/* RFC 1122 3.2.1.7: a host takes a datagram whatever its time to live. */
static void any_time_to_live(void)
{
	static const uint8_t rows[] = { 0, 1, 255 };

	start(true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct datagram d = build_udp(THEM, US, 7, 1);

		d.frame[14 + 8] = rows[i];
		be16_to(d.frame + 14 + 10, 0);
		checksum_store(d.frame + 14 + 10, checksum_add(0, d.frame + 14, 20));
		inject(&d);
		CHECK_EQUAL(queued(), 1);
	}
	stop();
}

/* What we send ourselves: time to live 64, no option, no reserved flag, may be fragmented. */
static void header_that_we_send(void)
{
	struct endpoint them = { address_v4(THEM), 9 }, us = { .port = 7 };
	struct ipv4_header ip;

	start(true);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &them) == OK);
	CHECK_EQUAL(ipv4_parse(&ip, view_of(caught + 14, caught_bytes - 14), caught_bytes - 14),
		IPV4_OK);
	CHECK(ip.source == US && ip.destination == THEM && ip.ttl == 64 && ip.header_length == 20);
	CHECK(!ip.dont_fragment && !ip.more_fragments && caught[20] == 0 && caught[21] == 0);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &(struct endpoint){ them.address, 0 }) ==
		INVALID_VALUE);
	CHECK_EQUAL(caught_count, 1);
	us.address = address_v4(0x0a000063); /* not ours */
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &them) == UNREACHABLE);
	us.address = address_v4(US);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &them) == OK);
	CHECK_EQUAL(caught_count, 2);
	stop();
}

/* A broadcast is answered from the address in the sender's network, whichever it is. */
static void broadcast_is_answered_from_nearest(void)
{
	static const struct {
		uint32_t source, destination, local;
	} rows[] = {
		{ THEM, 0x0a0000ff, US }, { 0x0a010001, 0x0a0100ff, 0x0a010002 },
		{ 0x0a010001, 0xffffffff, 0x0a010002 },
		{ 0x08080808, 0xffffffff, US }, /* no way back: the first */
	};
	struct endpoint source, local;
	struct prefix second;

	start(true);
	CHECK(prefix_parse(&second, "10.1.0.2/24") == OK);
	CHECK(net_stack_add_address(&host.stack, &second) == OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct datagram d = build_udp(rows[i].source, rows[i].destination, 7, 1);
		struct packet *packet;

		inject(&d);
		packet = udp_port_take(&port, &source, &local);
		CHECK(packet != NULL && address_to_v4(&local.address) == rows[i].local);
		packet_free(packet);
	}
	stop();
}

/* A datagram in fragments to a host that doesn't answer ARP is reported like a short one. */
static void silence_is_reported_whatever_the_size(void)
{
	static const size_t rows[] = { 10, 3000 };
	struct endpoint nobody = { address_v4(0x0a000009), 9 }, us = { .port = 7 }, remote;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start(false);
		udp_port_note_peer(&port, &nobody);
		CHECK(udp_output(&host.stack, linear_alloc(rows[i]), &us, &nobody) == OK);
		sim_run(sim_now() + SECONDS(4), NULL, NULL);
		CHECK(udp_port_take_error(&port, &remote) && remote.port == 9);
		stop();
	}
}

/* A link too narrow for IPv4 (RFC 791 3.2: 68 bytes) is an error, not an endless loop. */
static void narrow_link(void)
{
	struct endpoint them = { address_v4(THEM), 9 }, us = { .port = 7 };

	start(true);
	host.device.mtu = 24;
	CHECK(udp_output(&host.stack, linear_alloc(100), &us, &them) == TOO_LONG);
	stop();
}

/* Options (RFC 1122 3.2.1.8): walked and ignored; source routes and malformed ones are dropped. An
 * error quotes them. */
static void options(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[8];
		unsigned queued;
	} rows[] = {
		{ "no operation", { 1, 1, 1, 1, 1, 1, 1, 0 }, 1 },
		{ "record route", { 7, 7, 4, 0, 0, 0, 0, 0 }, 1 },
		{ "timestamp", { 68, 8, 5, 0, 0, 0, 0, 0 }, 1 },
		{ "unknown", { 0x5e, 4, 1, 2, 0xde, 3, 9, 0 }, 1 },
		{ "loose source route", { 131, 7, 8, 10, 0, 0, 1, 0 }, 0 },
		{ "strict source route", { 137, 7, 4, 10, 0, 0, 1, 0 }, 0 },
		{ "beyond the header", { 7, 9, 4, 0, 0, 0, 0, 0 }, 0 },
		{ "of length 0", { 7, 0, 0, 0, 0, 0, 0, 0 }, 0 },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		bool is_open = i < ARRAY_LEN(rows);
		unsigned wanted = rows[i % ARRAY_LEN(rows)].queued;
		struct datagram d = build_udp(THEM, US, is_open ? 7 : 9, 10);
		uint8_t *ip = d.frame + 14;

		memmove(ip + 28, ip + 20, d.length - 34);
		memcpy(ip + 20, rows[i % ARRAY_LEN(rows)].bytes, 8);
		d.length += 8;
		ip[0] = 0x47;
		be16_to(ip + 2, (uint16_t)(d.length - 14));
		be16_to(ip + 10, 0);
		checksum_store(ip + 10, checksum_add(0, ip, 28));
		start(true);
		inject(&d);
		if (queued() != (is_open ? wanted : 0) || caught_count != (is_open ? 0 : wanted))
			CHECK_FAIL("%s", rows[i % ARRAY_LEN(rows)].name);
		if (caught_count > 0)
			CHECK(memcmp(caught + 42, ip, d.length - 14) == 0);
		stop();
	}
}

/* RFC 768's length against IP's: shorter is what counts, the rest is padding; longer is a fault. */
static void udp_length_rows(void)
{
	static const struct {
		uint16_t length;
		int delivered; /* bytes of data; -1: dropped */
	} rows[] = { { 18, 10 }, { 8, 0 }, { 12, 4 }, { 19, -1 }, { 7, -1 }, { 0, -1 },
		{ 65535, -1 } };

	start(true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct datagram d = build_udp(THEM, US, 7, 10);
		struct endpoint source, local;
		struct packet *packet;

		be16_to(d.frame + 34 + 4, rows[i].length);
		inject(&d);
		packet = udp_port_take(&port, &source, &local);
		CHECK_EQUAL(packet ? (int)packet->length : -1, rows[i].delivered);
		packet_free(packet);
	}
	stop();
}

/* A checksum that computes to zero goes out as all ones (RFC 768), and is a right one. */
static void zero_checksum_is_sent_as_ones(void)
{
	struct endpoint them = { address_v4(THEM), 9 }, us = { .port = 7 };
	uint8_t data[2] = { 0, 0 };
	uint64_t sum;

	start(true);
	for (unsigned i = 0; i < 2; i++) {
		struct packet *packet = linear_alloc(2);

		memcpy(packet->data, data, 2);
		CHECK(udp_output(&host.stack, packet, &us, &them) == OK);
		memcpy(data, caught + 34 + UDP_CHECKSUM_OFFSET,
			2); /* as data, it makes the sum zero */
	}
	CHECK(data[0] == 0xff && data[1] == 0xff);
	sum = checksum_pseudo_v4(US, THEM, IP_UDP, 10);
	CHECK(checksum_is_good(checksum_add(sum, caught + 34, 10)));
	stop();
}

/* RFC 1122 3.2.2: no error for a later fragment, a broadcast, an error; one for an unknown protocol. */
static void errors_are_sent_only_where_allowed(void)
{
	static const struct {
		uint32_t destination;
		uint8_t protocol, first; /* byte of the payload: ICMP's type */
		unsigned errors;
	} rows[] = {
		{ US, 99, 0, 1 },
		{ 0x0a0000ff, 99, 0, 0 },
		{ 0xffffffff, 99, 0, 0 },
		{ US, IP_TCP, 0, 1 },
		{ US, IP_ICMP, ICMP_UNREACHABLE, 0 },
		{ US, IP_ICMP, 13, 0 },
		{ US, IP_ICMP, 17, 0 },
		{ US, IP_ICMP, ICMP_REDIRECT, 0 },
		{ US, IP_ICMP, 255, 0 },
		{ 0x0a0000ff, IP_ICMP, ICMP_ECHO_REQUEST, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[36] = { rows[i].first };
		struct datagram d;

		checksum_store(bytes + 2, checksum_add(0, bytes, sizeof(bytes)));
		d = build((struct ipv4_header){ .source = THEM,
				  .destination = rows[i].destination,
				  .protocol = rows[i].protocol },
			bytes, sizeof(bytes));
		start(true);
		inject(&d);
		if (caught_count != rows[i].errors)
			CHECK_FAIL("row %zu: %u sent", i, caught_count);
		stop();
	}
}

static void routes(void)
{
	struct prefix all = { .address = address_v4(0) };
	struct address gateway = address_v4(THEM), off_link = address_v4(0x0b000001);
	struct endpoint far = { address_v4(0x08080808), 53 }, us = { .port = 7 };

	start(true);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &far) == UNREACHABLE);
	CHECK(net_stack_add_route(&host.stack, &all, &off_link) == UNREACHABLE);
	CHECK(net_stack_add_route(&host.stack, &all, &gateway) == OK);
	CHECK(udp_output(&host.stack, packet_alloc(), &us, &far) == OK);
	CHECK_EQUAL(caught_count, 1);
	CHECK(memcmp(caught, their_mac, 6) == 0); /* by the gateway's link address */
	stop();
}

int main(void)
{
	return RUN(TEST(addresses), TEST(link_addresses), TEST(echo), TEST(error_quotes_datagram),
		TEST(no_error_about_an_error), TEST(fragment_rows), TEST(fragment_times_out),
		TEST(fragment_flood_is_bounded), TEST(arp_rows), TEST(arp_flood_spares_friends),
		TEST(unresolved_is_bounded), TEST(queue_is_bounded), TEST(checksum_rows),
		TEST(routes), TEST(conflict_is_answered), TEST(arp_updates_the_known),
		TEST(addresses_are_announced_twice), TEST(pending_ones_keep_nobody_out),
		TEST(any_time_to_live), TEST(header_that_we_send),
		TEST(broadcast_is_answered_from_nearest),
		TEST(silence_is_reported_whatever_the_size), TEST(narrow_link),
		TEST(overlap_is_forgotten), TEST(options), TEST(udp_length_rows),
		TEST(zero_checksum_is_sent_as_ones), TEST(errors_are_sent_only_where_allowed));
}
