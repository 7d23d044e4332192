/*
 * DNS over TCP without a network (test/tools/tcp_puppet.h), under a virtual clock: framing cut anywhere, order,
 * ends of all kinds, times, limits, transfers.
 */
#include "lib/dns/stream.h"

#include "core/loop.h"
#include "diatom/counter.h"
#include "lib/dns/serving.h"
#include "plat/hosted.h"
#include "test/check.h"
#include "test/tools/tcp_puppet.h"

#include <stdlib.h>

#define CLIENT	 0x0a000001 /* may have zones */
#define STRANGER 0x0a000002

static const char zone_text[] = "$TTL 60\n@ SOA ns host 7 2 3 4 5\n NS ns\nns A 192.0.2.1\n"
				"$GENERATE 1-800 @ MX $ mail.many$.letters.elsewhere.test.\n"
				"$GENERATE 1-9000 host$ TXT \"some text that fills the zone $\"\n";

static struct dns_zone *zone;
static struct dns_server *server;
static struct prefix allowed;
static struct dns_options options;
static struct dns_streams streams;

static void open_streams(void)
{
	if (server == NULL) {
		CHECK_EQUAL(dns_zone_parse(&zone, "example.org", view_text(zone_text)), OK);
		CHECK_EQUAL(dns_server_create(&server, &zone, 1, DNS_MEMO_DEFAULT), OK);
		CHECK_EQUAL(prefix_parse(&allowed, "10.0.0.1"), OK);
	}
	options = (struct dns_options){ .zones = &zone,
		.zone_count = 1,
		.transfer_to = &allowed,
		.transfer_count = 1,
		.port = 53,
		.connections = 100,
		.transfers = 2,
		.idle_ms = 30000,
		.message_ms = 5000,
		.write_ms = 10000,
		.finish_ms = 3000 };
	streams = (struct dns_streams){ .server = server, .options = &options };
	CHECK_EQUAL(streams_open(&streams, NULL), OK);
}

static void close_streams(void)
{
	streams_close(&streams, AT_ONCE);
	CHECK_EQUAL(streams.count, 0);
	CHECK_EQUAL(streams.transfers, 0);
	CHECK_EQUAL(streams.held_bytes, 0);
}

/* The virtual clock moves on, and what is due runs. */
static void pass(int64_t ms)
{
	plat_hosted_set_time(in_ms(ms));
	loop_turn(false);
	loop_turn(false);
}

/* A framed query of that type for the zone's apex, or for `host`. */
static size_t query(uint8_t *out, uint16_t id, uint16_t type, const char *host)
{
	size_t length = STREAM_FRAME_BYTES + DNS_HEADER_BYTES;

	memset(out, 0, length);
	be16_to(out + 2, id);
	be16_to(out + 6, 1);
	if (host[0] != 0) {
		out[length++] = (uint8_t)strlen(host);
		memcpy(out + length, host, strlen(host));
		length += strlen(host);
	}
	memcpy(out + length, "\7example\3org", 13);
	be16_to(out + length + 13, type);
	be16_to(out + length + 15, DNS_CLASS_IN);
	length += 17;
	be16_to(out, (uint16_t)(length - STREAM_FRAME_BYTES));
	return length;
}

static void ask(struct tcp *tcp, uint16_t id, uint16_t type)
{
	uint8_t bytes[64];
	size_t length = query(bytes, id, type, "");

	CHECK_EQUAL(puppet_feed(tcp, view_of(bytes, length)), length);
}

/* The nth whole message written to the connection; length 0: there is none. */
static struct view message(const struct tcp *tcp, size_t n)
{
	struct view rest = view_of(tcp->out, tcp->out_bytes);

	while (rest.length > 0) {
		size_t length = be16_at(rest.data);

		if (length < DNS_HEADER_BYTES || length > rest.length - STREAM_FRAME_BYTES) {
			CHECK_FAIL("a frame of %zu bytes in the last %zu", length, rest.length);
			break;
		}
		if (n-- == 0)
			return view_part(rest, STREAM_FRAME_BYTES, length);
		rest = view_part(rest, STREAM_FRAME_BYTES + length, rest.length);
	}
	return view_of(NULL, 0);
}

static size_t messages(const struct tcp *tcp)
{
	size_t n = 0;

	while (message(tcp, n).length > 0)
		n++;
	return n;
}

static unsigned id_of(const struct tcp *tcp, size_t n)
{
	struct view bytes = message(tcp, n);

	return bytes.length > 0 ? be16_at(bytes.data) : 0x10000;
}

static unsigned rcode_of(const struct tcp *tcp, size_t n)
{
	struct view bytes = message(tcp, n);

	return bytes.length > 0 ? bytes.data[3] & 15u : 16;
}

/* Two queries cut in three at any places give what they give in one piece. */
static void framing_is_cut_anywhere(void)
{
	uint8_t bytes[128];
	size_t length = query(bytes, 1, DNS_SOA, "");
	struct tcp *whole, *cut;

	open_streams();
	length += query(bytes + length, 2, DNS_A, "ns");
	whole = puppet_connect(CLIENT);
	puppet_feed(whole, view_of(bytes, length));
	CHECK_EQUAL(messages(whole), 2);
	for (size_t first = 0; first <= length; first++) {
		for (size_t second = first; second <= length; second++) {
			cut = puppet_connect(CLIENT);
			puppet_feed(cut, view_of(bytes, first));
			puppet_feed(cut, view_of(bytes + first, second - first));
			puppet_feed(cut, view_of(bytes + second, length - second));
			if (cut->out_bytes != whole->out_bytes ||
				memcmp(cut->out, whole->out, whole->out_bytes) != 0)
				CHECK_FAIL("cut at %zu and %zu", first, second);
			puppet_free(cut);
		}
	}
	puppet_free(whole);
	close_streams();
}

static void bad_frames_end_it(void)
{
	static const struct {
		const char *name;
		uint16_t length, flags;
		bool is_cut; /* a byte is missing when the end comes */
		bool is_refused;
	} rows[] = {
		{ "no length", 0, 0, false, true },
		{ "shorter than a header", DNS_HEADER_BYTES - 1, 0, false, true },
		{ "longest", STREAM_QUERY_BYTES, 0, false, false },
		{ "too long", STREAM_QUERY_BYTES + 1, 0, false, true },
		{ "far too long", 65535, 0, false, true },
		{ "a reply", 29, DNS_QR, false, true },
		{ "cut", 29, 0, true, true },
		{ "good", 29, 0, false, false },
	};
	static uint8_t bytes[65540];

	open_streams();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tcp *tcp = puppet_connect(CLIENT);
		uint64_t before = counter_value("dns.tcp_bad_frames");
		size_t length = rows[i].length + (size_t)STREAM_FRAME_BYTES;

		memset(bytes, 0, sizeof(bytes));
		query(bytes, 1, DNS_SOA, "");
		be16_to(bytes, rows[i].length);
		be16_to(bytes + 4, rows[i].flags);
		puppet_feed(tcp, view_of(bytes, length - rows[i].is_cut));
		puppet_shut(tcp);
		if (tcp->is_aborted != rows[i].is_refused || tcp->is_closed == rows[i].is_refused)
			CHECK_FAIL("%s: aborted %d, closed %d", rows[i].name, tcp->is_aborted,
				tcp->is_closed);
		CHECK_EQUAL(counter_value("dns.tcp_bad_frames") - before, rows[i].is_refused);
		CHECK_EQUAL(messages(tcp), !rows[i].is_refused);
		puppet_free(tcp);
	}
	close_streams();
}

/* Hundreds of queries at once, to a client that reads slowly: all are answered, in order, and what waits
 * stays bounded. */
static void pipelines_keep_their_order(void)
{
	enum { QUERIES = 1400 };
	static uint8_t bytes[QUERIES * 64];
	size_t length = 0, fed = 0, most = 0;
	struct tcp *tcp;

	open_streams();
	tcp = puppet_connect(CLIENT);
	for (unsigned i = 0; i < QUERIES; i++) {
		char host[16];

		snprintf(host, sizeof(host), i % 3 == 0 ? "none%u" : "host%u", i);
		length += query(bytes + length, (uint16_t)i, DNS_TXT, host);
	}
	while (fed < length || tcp->acknowledged < tcp->out_bytes) {
		size_t waiting;

		fed += puppet_feed(
			tcp, view_of(bytes + fed, length - fed < 999 ? length - fed : 999));
		waiting = tcp->out_bytes - tcp->acknowledged;
		most = waiting > most ? waiting : most;
		puppet_acknowledge(tcp, 700);
		CHECK(puppet_is_open(tcp));
	}
	CHECK(most > STREAM_ANSWERS / 2 && most <= STREAM_ANSWERS + STREAM_OUT_BYTES);
	CHECK_EQUAL(messages(tcp), QUERIES);
	for (struct view rest = view_of(tcp->out, tcp->out_bytes); rest.length > 0;) {
		static uint16_t i;
		size_t frame = STREAM_FRAME_BYTES + (size_t)be16_at(rest.data);

		CHECK_EQUAL(be16_at(rest.data + 2), i);
		CHECK_EQUAL(rest.data[5] & 15, i % 3 == 0 ? DNS_NXDOMAIN : DNS_NOERROR);
		rest = view_part(rest, frame, rest.length);
		i++;
	}
	puppet_free(tcp);
	close_streams();
}

/* The end of the client's half: what it asked is answered first. */
static void half_closed_is_answered(void)
{
	struct tcp *tcp;

	open_streams();
	tcp = puppet_connect(CLIENT);
	ask(tcp, 5, DNS_SOA);
	puppet_shut(tcp);
	CHECK(tcp->is_closed && messages(tcp) == 1);
	puppet_free(tcp);
	tcp = puppet_connect(CLIENT); /* a transfer, too */
	ask(tcp, 6, DNS_AXFR);
	puppet_shut(tcp);
	while (puppet_is_open(tcp))
		puppet_acknowledge(tcp, 20000);
	CHECK(tcp->is_closed);
	CHECK(messages(tcp) > 2);
	puppet_free(tcp);
	close_streams();
}

static void times_end_it(void)
{
	static const struct {
		const char *counter;
		int64_t ms;
		bool is_aborted;
	} rows[] = {
		{ "dns.tcp_idle", 30000, false },
		{ "dns.tcp_slow_queries", 5000, true },
		{ "dns.tcp_slow_readers", 10000, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = counter_value(rows[i].counter);
		struct tcp *tcp;

		open_streams();
		tcp = puppet_connect(CLIENT);
		pass(29000);
		ask(tcp, 1, DNS_SOA); /* begins the idle time anew */
		puppet_acknowledge(tcp, SIZE_MAX);
		if (i == 1)
			puppet_feed(tcp, view_of("\0", 1));
		if (i == 2)
			ask(tcp, 1, DNS_AXFR);
		pass(rows[i].ms / 2);
		if (i == 1)
			puppet_feed(tcp, view_of("\x1d", 1)); /* a byte is no message */
		if (i == 2)
			puppet_acknowledge(tcp, 100); /* nor is it room for one */
		pass(rows[i].ms / 2 - 1);
		CHECK(puppet_is_open(tcp));
		pass(2);
		CHECK(tcp->is_aborted == rows[i].is_aborted && tcp->is_closed != tcp->is_aborted);
		CHECK_EQUAL(counter_value(rows[i].counter) - before, 1);
		CHECK_EQUAL(streams.count, 0);
		puppet_free(tcp);
		close_streams();
	}
}

/* One too many: the one that has been idle longest has to go, not one that is at work. */
static void places_are_bounded(void)
{
	struct tcp *tcp[101], *late;

	open_streams();
	for (unsigned i = 0; i < 100; i++)
		tcp[i] = puppet_connect(CLIENT);
	ask(tcp[0], 1, DNS_SOA);
	ask(tcp[1], 1, DNS_AXFR);
	tcp[100] = puppet_connect(STRANGER);
	late = puppet_connect(STRANGER);
	CHECK_EQUAL(streams.count, 100);
	for (unsigned i = 0; i < 101; i++)
		CHECK(puppet_is_open(tcp[i]) == (i != 2 && i != 3));
	CHECK(tcp[2]->is_closed && tcp[3]->is_closed); /* a FIN, as RFC 7766 6.2.3 wants it */
	CHECK(puppet_is_open(late));
	for (unsigned i = 0; i < 101; i++)
		puppet_free(tcp[i]);
	puppet_free(late);
	close_streams();
}

/* Clients that read nothing: what waits for them stays within a share of memory. Somebody
 * has to go, whether answers are small or large. Who reads lives. */
static void waiting_answers_are_bounded(void)
{
	enum { SLOW = 90 };

	for (unsigned is_large = 0; is_large < 2; is_large++) {
		struct tcp *slow[SLOW], *good;
		uint64_t before = counter_value("dns.tcp_greedy");
		unsigned alive = 0;

		open_streams();
		streams.held_max = KIBIBYTES(1024);
		good = puppet_connect(CLIENT);
		for (unsigned i = 0; i < SLOW; i++) {
			slow[i] = puppet_connect(STRANGER);
			for (uint16_t n = 0; n < 600 && puppet_is_open(slow[i]); n++)
				ask(slow[i], n, is_large ? DNS_MX : DNS_SOA);
			CHECK(streams.held_bytes <= streams.held_max);
			ask(good, (uint16_t)i, DNS_SOA);
			puppet_acknowledge(good, SIZE_MAX);
		}
		for (unsigned i = 0; i < SLOW; i++) {
			alive += puppet_is_open(slow[i]);
			puppet_free(slow[i]);
		}
		CHECK(alive > SLOW / 4 && alive < SLOW);
		CHECK_EQUAL(counter_value("dns.tcp_greedy") - before, SLOW - alive);
		CHECK_EQUAL(messages(good), SLOW);
		puppet_free(good);
		close_streams();
	}
}

/* Reads all of a transfer; the number of records in it. */
static unsigned drain(struct tcp *tcp, uint16_t id)
{
	unsigned records = 0;

	while (streams.transfers > 0)
		puppet_acknowledge(tcp, 30000);
	puppet_acknowledge(tcp, SIZE_MAX);
	for (size_t n = 0; n < messages(tcp); n++) {
		struct view bytes = message(tcp, n);

		if (id_of(tcp, n) == id)
			records += be16_at(bytes.data + 6);
	}
	return records;
}

static void transfers_are_whole_and_counted(void)
{
	unsigned wanted = dns_zone_facts(zone).records + 1; /* the SOA twice */
	struct tcp *tcp[3];
	size_t n;

	open_streams();
	for (unsigned i = 0; i < 3; i++) {
		tcp[i] = puppet_connect(CLIENT);
		ask(tcp[i], (uint16_t)i, DNS_AXFR);
		ask(tcp[i], 99, DNS_SOA); /* waits its turn */
	}
	CHECK_EQUAL(streams.transfers, 2);
	CHECK_EQUAL(rcode_of(tcp[2], 0), DNS_SERVFAIL); /* one too many */
	CHECK_EQUAL(id_of(tcp[2], 1), 99);
	puppet_die(tcp[1]); /* its place is free at once */
	CHECK_EQUAL(streams.transfers, 1);
	CHECK_EQUAL(drain(tcp[0], 0), wanted);
	n = messages(tcp[0]);
	CHECK_EQUAL(id_of(tcp[0], n - 1), 99);
	CHECK_EQUAL(id_of(tcp[0], n - 2), 0);
	for (unsigned i = 0; i < 3; i++)
		puppet_free(tcp[i]);
	tcp[0] = puppet_connect(STRANGER);
	ask(tcp[0], 7, DNS_AXFR);
	ask(tcp[0], 8, DNS_IXFR);
	CHECK_EQUAL(rcode_of(tcp[0], 0), DNS_REFUSED);
	CHECK_EQUAL(rcode_of(tcp[0], 1), DNS_REFUSED);
	puppet_free(tcp[0]);
	close_streams();
}

/* Transfers to clients that read: they share what memory there is, and none has to go. */
static void transfers_share_memory(void)
{
	enum { N = 8 };
	struct tcp *tcp[N];

	open_streams();
	options.transfers = N;
	streams.held_max = KIBIBYTES(256); /* one transfer alone could fill it */
	for (unsigned i = 0; i < N; i++) {
		tcp[i] = puppet_connect(CLIENT);
		ask(tcp[i], (uint16_t)i, DNS_AXFR);
	}
	while (streams.transfers > 0)
		for (unsigned i = 0; i < N; i++)
			puppet_acknowledge(tcp[i], 3000 + 1000 * i);
	for (unsigned i = 0; i < N; i++) {
		CHECK(puppet_is_open(tcp[i]));
		CHECK_EQUAL(drain(tcp[i], (uint16_t)i), dns_zone_facts(zone).records + 1);
		puppet_free(tcp[i]);
	}
	close_streams();
}

static void acknowledge(struct task *task);

static struct {
	struct task task;
	struct tcp *tcp;
	size_t most;
} reader = { .task = TASK(acknowledge) };

static void acknowledge(struct task *task)
{
	puppet_acknowledge(reader.tcp, reader.most);
	if (puppet_is_open(reader.tcp))
		task_at(task, in_ms(10));
}

/* TERM: idle connections end, a transfer goes on to its end, or to the deadline. */
static void the_end_waits_for_transfers(void)
{
	for (unsigned is_slow = 0; is_slow < 2; is_slow++) {
		struct tcp *idle, *busy;
		instant start;

		open_streams();
		idle = puppet_connect(CLIENT);
		busy = puppet_connect(CLIENT);
		ask(busy, 3, DNS_AXFR);
		CHECK_EQUAL(streams.transfers, 1);
		reader.tcp = busy;
		reader.most = is_slow ? 100 : 20000;
		task_at(&reader.task, in_ms(10));
		start = time_now();
		streams_close(&streams, in_ms(3000));
		CHECK(idle->is_closed);
		CHECK(is_slow ? busy->is_aborted : busy->is_closed);
		CHECK((time_now() - start >= MILLISECONDS(3000)) == is_slow);
		if (!is_slow)
			CHECK_EQUAL(drain(busy, 3), dns_zone_facts(zone).records + 1);
		task_cancel(&reader.task);
		puppet_free(idle);
		puppet_free(busy);
		CHECK_EQUAL(streams.count, 0);
	}
}

int main(void)
{
	plat_hosted_use_virtual_time(MILLISECONDS(1));
	return RUN(TEST(framing_is_cut_anywhere), TEST(bad_frames_end_it),
		TEST(pipelines_keep_their_order), TEST(half_closed_is_answered), TEST(times_end_it),
		TEST(places_are_bounded), TEST(waiting_answers_are_bounded),
		TEST(transfers_are_whole_and_counted), TEST(transfers_share_memory),
		TEST(the_end_waits_for_transfers));
}
