/*
 * NOTIFY (RFC 1996), both ways: who is told what, which message counts as an answer, and what is answered
 * to those who tell us. And IXFR over UDP, which those ask who were told (RFC 1995).
 */
#include "lib/dns/notify.h"

#include "diatom/counter.h"
#include "test/check.h"

#define ORG 0 /* indices of zones */
#define NET 1

/* ns1 is the primary, in another case; ns3 has no address here; outer's addresses are another zone's. */
static const char org_text[] =
	"$TTL 60\n@ SOA NS1 host 7 2 3 4 5\n NS ns1\n NS ns2\n NS ns3.elsewhere.test.\n NS outer.example.net.\n"
	"ns1 A 10.0.0.1\nns2 A 10.0.0.2\n A 10.0.0.3\n A 192.0.2.1\n AAAA 2001:db8::2\n";
static const char net_text[] =
	"$TTL 60\n@ SOA ns1.example.org. host 8 2 3 4 5\n NS ns2.example.org.\nouter A 10.0.0.4\n";

static struct dns_zone *zones[2];
static struct dns_server *server;

static void start(void)
{
	if (server != NULL)
		return;
	CHECK_EQUAL(dns_zone_parse(&zones[ORG], "example.org", view_text(org_text)), OK);
	CHECK_EQUAL(dns_zone_parse(&zones[NET], "example.net", view_text(net_text)), OK);
	CHECK_EQUAL(dns_server_create(&server, zones, 2, DNS_MEMO_DEFAULT), OK);
}

/* "0 10.0.0.2:53 ...": of each notice the zone, and whom it is for. */
static const char *gathered(const struct dns_options *options)
{
	static char text[2048];
	struct dns_notifier notifier = { 0 };
	size_t n = 0;

	text[0] = 0;
	CHECK_EQUAL(notices_gather(&notifier, server, options), OK);
	CHECK_EQUAL(notifier.pending, notifier.count);
	for (uint32_t i = 0; i < notifier.count; i++) {
		const struct notice *notice = &notifier.notices[i];
		char address[ADDRESS_TEXT_BYTES];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d %s@%u", i > 0 ? " " : "",
			notice->zone == zones[NET], address_text(&notice->to.address, address),
			notice->to.port);
	}
	arena_clear(&notifier.arena);
	return text;
}

static void who_is_told(void)
{
	static const struct {
		const char *transfer_to[2], *notify;
		bool listed_only;
		const char *wanted;
	} rows[] = {
		{ { NULL }, NULL, false, "" }, /* nobody may have it */
		{ { "10.0.0.0/24" }, NULL, false,
			"0 10.0.0.2@53 0 10.0.0.3@53 0 10.0.0.4@53 1 10.0.0.2@53 1 10.0.0.3@53" },
		{ { "10.0.0.3" }, NULL, false, "0 10.0.0.3@53 1 10.0.0.3@53" },
		{ { "10.0.0.1" }, NULL, false, "" }, /* the primary: that's us */
		{ { "2001:db8::/32" }, NULL, false, "0 2001:db8::2@53 1 2001:db8::2@53" },
		{ { "0.0.0.0/0" }, NULL, true, "" },
		{ { NULL }, "10.9.9.9", false, "0 10.9.9.9@53 1 10.9.9.9@53" },
		{ { "10.0.0.4", "10.0.0.3" }, "10.0.0.3", false, /* once, though twice named */
			"0 10.0.0.3@53 0 10.0.0.4@53 1 10.0.0.3@53" },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct prefix allowed[2];
		struct endpoint notify = { .port = 0 };
		struct dns_options options = { .zones = zones,
			.zone_count = 2,
			.transfer_to = allowed,
			.notify = &notify,
			.notify_count = rows[i].notify != NULL,
			.notify_listed_only = rows[i].listed_only };

		while (options.transfer_count < 2 && rows[i].transfer_to[options.transfer_count]) {
			size_t n = options.transfer_count++;

			CHECK_EQUAL(prefix_parse(&allowed[n], rows[i].transfer_to[n]), OK);
		}
		if (rows[i].notify != NULL)
			CHECK_EQUAL(address_parse(&notify.address, rows[i].notify), OK);
		CHECK_TEXT(gathered(&options), rows[i].wanted);
	}
}

static void many_are_bounded(void)
{
	static struct endpoint notify[NOTICES_MAX + 10];
	struct dns_notifier notifier = { 0 };
	struct dns_options options = {
		.zones = zones, .zone_count = 1, .notify = notify, .notify_count = ARRAY_LEN(notify)
	};

	start();
	for (uint32_t i = 0; i < ARRAY_LEN(notify); i++)
		notify[i].address = address_v4(0x0a000000 + i);
	CHECK_EQUAL(notices_gather(&notifier, server, &options), OK);
	CHECK_EQUAL(notifier.count, NOTICES_MAX);
	CHECK_EQUAL(address_to_v4(&notifier.notices[NOTICES_MAX - 1].to.address),
		0x0a000000 + NOTICES_MAX - 1);
	arena_clear(&notifier.arena);
}

static const struct notice *a_notice(void)
{
	static struct notice notice;

	start();
	notice = (struct notice){ .zone = zones[ORG],
		.to = { .address = address_v4(0x0a000002), .port = 53 },
		.id = 0x1234 };
	return &notice;
}

static void requests_are_well_formed(void)
{
	static const uint8_t wanted[] = { 0x12, 0x34, 0x24, 0, 0, 1, 0, 1, 0, 0, 0, 0, 7, 'e', 'x',
		'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 6, 0, 1, 0xc0, 12, 0, 6, 0, 1, 0,
		0, 0, 60, 0, 33, 3, 'N', 'S', '1', 0xc0, 12, 4, 'h', 'o', 's', 't', 0xc0, 12, 0, 0,
		0, 7, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 };
	uint8_t request[NOTICE_BYTES];
	size_t length = notice_write(a_notice(), request);

	CHECK_EQUAL(length, sizeof(wanted));
	CHECK(memcmp(request, wanted, sizeof(wanted)) == 0);
}

static void answers_are_judged(void)
{
	static const struct {
		const char *name;
		unsigned at, value; /* the byte that is changed in a good answer */
		size_t length;	    /* cut to; 0: not */
		uint32_t from;
		uint16_t port;
		int wanted;
	} rows[] = {
		{ "good", 0, 0x12, 0, 0x0a000002, 53, DNS_NOERROR },
		{ "not authoritative for it", 3, DNS_NOTAUTH, 0, 0x0a000002, 53, DNS_NOTAUTH },
		{ "no NOTIFY there", 3, DNS_NOTIMP, 0, 0x0a000002, 53, DNS_NOTIMP },
		{ "another letter's case", 13, 'E', 0, 0x0a000002, 53, DNS_NOERROR },
		{ "its SOA left out", 7, 0, 29, 0x0a000002, 53, DNS_NOERROR },
		{ "another address", 0, 0x12, 0, 0x0a000003, 53, NOTICE_ALIEN },
		{ "another port", 0, 0x12, 0, 0x0a000002, 54, NOTICE_ALIEN },
		{ "another id", 1, 0x35, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "a request", 2, 0x24, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "a query's answer", 2, 0x84, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "another zone", 13, 'f', 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "another type", 26, 1, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "two questions", 5, 2, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "no question", 5, 0, 12, 0x0a000002, 53, DNS_NOERROR },
		{ "a name that points", 12, 0xc0, 0, 0x0a000002, 53, NOTICE_ALIEN },
		{ "cut in the question", 0, 0x12, 28, 0x0a000002, 53, NOTICE_ALIEN },
		{ "cut in the header", 0, 0x12, 11, 0x0a000002, 53, NOTICE_ALIEN },
		{ "empty", 0, 0x12, 1, 0x0a000002, 53, NOTICE_ALIEN },
	};
	const struct notice *notice = a_notice();
	uint8_t answer[NOTICE_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint from = { .address = address_v4(rows[i].from),
			.port = rows[i].port };
		size_t length = notice_write(notice, answer);
		int got;

		answer[2] |= 0x80;
		answer[rows[i].at] = (uint8_t)rows[i].value;
		got = notice_judge(notice, &from,
			view_of(answer, rows[i].length > 0 ? rows[i].length : length));
		if (got != rows[i].wanted)
			CHECK_FAIL("%s: %d, not %d", rows[i].name, got, rows[i].wanted);
	}
}

/* A message of ours to our own server; rcode and count of answers. */
static unsigned ask(uint8_t *message, size_t length, size_t limit, unsigned *answers)
{
	length = dns_answer(server, view_of(message, length), message, 1500, limit);
	CHECK(length >= DNS_HEADER_BYTES);
	*answers = be16_at(message + 6);
	return message[3] & 15;
}

static void those_who_tell_us(void)
{
	static const struct {
		const char *name;
		unsigned at, value, wanted;
		size_t length;
	} rows[] = {
		{ "a zone of ours", 0, 1, DNS_REFUSED, 0 },
		{ "without its SOA", 7, 0, DNS_REFUSED, 29 },
		{ "another zone", 13, 'f', DNS_NOTAUTH, 0 },
		{ "news of addresses", 26, DNS_A, DNS_NOTIMP, 0 },
		{ "another class", 28, 3, DNS_NOTIMP, 0 },
		{ "an SOA less than counted", 7, 2, DNS_FORMERR, 0 },
		{ "no question", 5, 0, DNS_FORMERR, 12 },
		{ "another opcode", 2, 0x2c, DNS_NOTIMP, 0 },
	};
	uint64_t before = counter_value("dns.notify_received");
	uint8_t message[1500];
	unsigned answers;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = notice_write(a_notice(), message);
		unsigned rcode;
		bool is_notify;

		message[rows[i].at] = (uint8_t)rows[i].value;
		is_notify = (message[2] & 0x78) == 0x20;
		rcode = ask(message, rows[i].length > 0 ? rows[i].length : length, 1232, &answers);
		if (rcode != rows[i].wanted || answers != 0)
			CHECK_FAIL("%s: rcode %u, %u answers", rows[i].name, rcode, answers);
		CHECK_EQUAL(message[2] & 0xf8, is_notify ? 0xa0 : 0xa8);
	}
	CHECK_EQUAL(counter_value("dns.notify_received") - before, ARRAY_LEN(rows) - 1);
}

static void ixfr_over_udp_tells_the_serial(void)
{
	static const struct {
		const char *name;
		unsigned at, value, type;
		size_t limit;
		unsigned rcode, answers;
	} rows[] = {
		{ "IXFR", 13, 'e', DNS_IXFR, 1232, DNS_NOERROR, 1 },
		{ "of another zone", 13, 'f', DNS_IXFR, 1232, DNS_NOTAUTH, 0 },
		{ "AXFR", 13, 'e', DNS_AXFR, 1232, DNS_REFUSED, 0 },
		{ "IXFR over TCP, nobody's", 13, 'e', DNS_IXFR, DNS_LIMIT_TCP, DNS_REFUSED, 0 },
	};
	uint8_t message[1500];
	unsigned rcode, answers;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		notice_write(a_notice(), message);
		message[2] = 0;
		message[7] = 0;
		message[rows[i].at] = (uint8_t)rows[i].value;
		message[26] = (uint8_t)rows[i].type;
		rcode = ask(message, 29, rows[i].limit, &answers);
		if (rcode != rows[i].rcode || answers != rows[i].answers)
			CHECK_FAIL("%s: rcode %u, %u answers", rows[i].name, rcode, answers);
		if (answers == 1) {
			CHECK_EQUAL(message[2], 0x84); /* authoritative, whole */
			CHECK_EQUAL(be16_at(message + 31), DNS_SOA);
		}
	}
}

int main(void)
{
	return RUN(TEST(who_is_told), TEST(many_are_bounded), TEST(requests_are_well_formed),
		TEST(answers_are_judged), TEST(those_who_tell_us),
		TEST(ixfr_over_udp_tells_the_serial));
}
