/*
 * Answers, written as "RCODE FLAGS | answer | authority | additional": rows over one zone that has a
 * case of everything; then the memo, the limits, several zones. The comparison with other servers is
 * test/e2e/dns.py.
 */
#include "test/check.h"

#include "diatom/counter.h"
#include "diatom/dns.h"
#include "lib/dns/lexer.h"
#include "lib/dns/type.h"
#include "wire/dns.h"

static const char zone_text[] =
	"$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns\n MX 10 ns\nns A 192.0.2.1\n"
	"a CNAME b\nb CNAME c\nc A 192.0.2.2\ngone CNAME nothing\nout CNAME www.other.test.\n"
	"*.w A 192.0.2.3\nx.y.w A 192.0.2.4\nd DNAME w\nsub NS ns.sub\nsub DS 1 8 2 00\n"
	"ns.sub A 192.0.2.5\nl1 CNAME l2\nl2 CNAME l1\n"
	"$GENERATE 1-60 big A 192.0.2.$\n";

static struct dns_server *server_of(size_t memo_bytes)
{
	static struct dns_zone *zone;
	struct dns_server *server = NULL;

	if (zone == NULL)
		CHECK_EQUAL(dns_zone_parse(&zone, "example.org", view_text(zone_text)), OK);
	CHECK_EQUAL(dns_server_create(&server, &zone, 1, memo_bytes), OK);
	return server;
}

/* A query; edns: the payload size, 0 for no OPT. */
static size_t query_make(uint8_t *query, const char *name, uint16_t type, uint16_t edns)
{
	static const struct dns_name root = { .length = 1 };
	struct dns_name parsed;
	uint8_t written[DNS_NAME_BYTES];
	size_t length = DNS_HEADER_BYTES;

	memset(query, 0, DNS_HEADER_BYTES);
	be16_to(query, 0x1234);
	be16_to(query + 2, DNS_RD);
	be16_to(query + 4, 1);
	be16_to(query + 10, edns != 0);
	CHECK(name_parse(&parsed, view_text(name), &root, written) == NULL);
	memcpy(query + length, written, parsed.length);
	length += parsed.length;
	be16_to(query + length, type);
	be16_to(query + length + 2, DNS_CLASS_IN);
	length += DNS_QUESTION_BYTES;
	if (edns == 0)
		return length;
	memset(query + length, 0, DNS_OPT_BYTES);
	be16_to(query + length + 1, DNS_OPT);
	be16_to(query + length + 3, edns);
	return length + DNS_OPT_BYTES;
}

/* Owner (without the origin) and type of each record, sections parted by "|". */
static const char *shown(const uint8_t *bytes, size_t length)
{
	static char text[4096];
	struct view message = view_of(bytes, length);
	size_t at = DNS_HEADER_BYTES, n;
	struct dns_name name;
	uint16_t flags = be16_at(bytes + 2);
	char owner[300], type[DNS_TYPE_TEXT];

	n = (size_t)sprintf(text, "%u%s%s", flags & 15, flags & DNS_AA ? " AA" : "",
		flags & DNS_TC ? " TC" : "");
	CHECK(dns_name_expand(&name, message, &at));
	at += DNS_QUESTION_BYTES;
	for (unsigned section = 0; section < DNS_SECTIONS; section++) {
		n += (size_t)sprintf(text + n, " |");
		for (unsigned i = be16_at(bytes + 6 + 2 * section); i > 0; i--) {
			uint16_t number;

			CHECK(dns_name_expand(&name, message, &at));
			number = be16_at(bytes + at);
			name_text(name.bytes, owner, sizeof(owner));
			if (strstr(owner, "example.org"))
				*strstr(owner, "example.org") = 0;
			n += (size_t)sprintf(text + n, " %s%s", owner,
				number == DNS_OPT ? "OPT" : dns_type_text(number, type));
			at += DNS_RECORD_BYTES + (size_t)be16_at(bytes + at + 8);
		}
	}
	CHECK_EQUAL(at, length);
	return text;
}

static void answers(void)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *wanted;
	} rows[] = {
		{ "example.org", DNS_NS, "0 AA | NS | |" },
		{ "EXAMPLE.org", DNS_MX, "0 AA | MX | |" },
		{ "example.org", DNS_ANY, "0 AA | NS | |" },
		{ "c.example.org", DNS_A, "0 AA | c.A | |" },
		{ "c.example.org", DNS_TXT, "0 AA | | SOA |" },
		{ "a.example.org", DNS_A, "0 AA | a.CNAME b.CNAME c.A | |" },
		{ "a.example.org", DNS_CNAME, "0 AA | a.CNAME | |" },
		{ "a.example.org", DNS_TXT, "0 AA | a.CNAME b.CNAME | SOA |" },
		{ "gone.example.org", DNS_A, "3 AA | gone.CNAME | SOA |" },
		{ "out.example.org", DNS_A, "0 AA | out.CNAME | |" },
		{ "l1.example.org", DNS_A, "0 AA | l1.CNAME l2.CNAME | |" },
		{ "q.example.org", DNS_A, "3 AA | | SOA |" },
		{ "q.w.example.org", DNS_A, "0 AA | q.w.A | |" },
		{ "p.q.w.example.org", DNS_A, "0 AA | p.q.w.A | |" },
		{ "q.w.example.org", DNS_MX, "0 AA | | SOA |" },
		{ "w.example.org", DNS_A, "0 AA | | SOA |" },     /* empty non-terminal */
		{ "y.w.example.org", DNS_A, "0 AA | | SOA |" },   /* another: no wildcard for it */
		{ "z.y.w.example.org", DNS_A, "3 AA | | SOA |" }, /* nor below it (RFC 4592 2.2.1) */
		{ "*.w.example.org", DNS_A, "0 AA | *.w.A | |" },
		{ "q.d.example.org", DNS_A, "0 AA | d.DNAME q.d.CNAME q.w.A | |" },
		{ "d.example.org", DNS_A, "0 AA | | SOA |" },
		{ "d.example.org", DNS_DNAME, "0 AA | d.DNAME | |" },
		{ "sub.example.org", DNS_A, "0 | | sub.NS | ns.sub.A" },
		{ "x.sub.example.org", DNS_NS, "0 | | sub.NS | ns.sub.A" },
		{ "ns.sub.example.org", DNS_A, "0 | | sub.NS | ns.sub.A" },
		{ "sub.example.org", DNS_DS, "0 AA | sub.DS | |" },
		{ "x.sub.example.org", DNS_DS, "0 | | sub.NS | ns.sub.A" },
		{ "org", DNS_A, "5 | | |" },
		{ "xexample.org", DNS_A, "5 | | |" },
		{ "example.org", DNS_AXFR, "5 | | |" },
		{ "example.org", DNS_MAILB, "4 | | |" },
		{ "big.example.org", DNS_A, "0 AA TC | | |" },
	};
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) { /* the second time from the memo */
		size_t row = i % ARRAY_LEN(rows);
		size_t length = query_make(query, rows[row].name, rows[row].type, 0);

		length = dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232);
		if (strcmp(shown(answer, length), rows[row].wanted) != 0)
			CHECK_FAIL("row %zu: %s, not %s", row, shown(answer, length),
				rows[row].wanted);
		CHECK_EQUAL(be16_at(answer), 0x1234);
		CHECK(be16_at(answer + 2) & DNS_RD);
	}
	dns_server_free(server);
}

/* The limit of a reply, by the client's EDNS size and the transport's. */
static void limits(void)
{
	static const struct {
		uint16_t edns;
		size_t limit;
		bool is_whole;
	} rows[] = { { 0, 1232, false }, { 512, 1232, false }, { 1232, 1232, true }, { 4096, 1232, true },
		{ 4096, 600, false }, { 0, DNS_LIMIT_TCP, true } };
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = query_make(query, "big.example.org", DNS_A, rows[i].edns);

		length = dns_answer(server, view_of(query, length), answer, sizeof(answer),
			rows[i].limit);
		CHECK_EQUAL((be16_at(answer + 2) & DNS_TC) == 0, rows[i].is_whole);
		CHECK_EQUAL(be16_at(answer + 6), rows[i].is_whole ? 60 : 0);
		CHECK_EQUAL(be16_at(answer + 10), rows[i].edns != 0);
		CHECK(length <= rows[i].limit);
	}
	dns_server_free(server);
}

static void keeps_the_case_of_the_question(void)
{
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (unsigned i = 0; i < 4; i++) {
		size_t length = query_make(query, i % 2 ? "C.eXample.ORG" : "c.ExAmple.oRg", DNS_A, 1232);

		CHECK(dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232) > 0);
		CHECK(memcmp(answer + 12, query + 12, length - 12 - DNS_OPT_BYTES) == 0);
	}
	dns_server_free(server);
}

static void memo_is_bounded_and_not_thrashed(void)
{
	struct dns_server *server = server_of(65536);
	uint8_t query[512], answer[1500];
	size_t length = query_make(query, "c.example.org", DNS_A, 0);
	uint64_t before;

	dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232);
	for (unsigned i = 0; i < 20000; i++) {
		char name[64];
		uint8_t other[512];

		snprintf(name, sizeof(name), "r%u.%sexample.org", i, i % 2 ? "w." : "");
		dns_answer(server, view_of(other, query_make(other, name, DNS_A, 0)), answer,
			sizeof(answer), 1232);
	}
	before = counter_value("dns.memo_hits");
	dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232);
	CHECK_EQUAL(counter_value("dns.memo_hits"), before + 1);
	dns_server_free(server);
}

static void answers_in_place(void)
{
	struct dns_server *server = server_of(0);
	uint8_t buffer[1232], answer[1232];
	size_t length = query_make(buffer, "a.example.org", DNS_A, 1232), apart;

	apart = dns_answer(server, view_of(buffer, length), answer, sizeof(answer), 1232);
	CHECK_EQUAL(dns_answer(server, view_of(buffer, length), buffer, sizeof(buffer), 1232), apart);
	CHECK(memcmp(buffer, answer, apart) == 0);
	dns_server_free(server);
}

static void several_zones(void)
{
	static const char parent[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n NS ns.example.org.\nx A 192.0.2.1\n"
				     "c CNAME www.child\nchild NS ns.example.org.\nchild DS 1 8 2 00\n";
	static const char child[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n NS ns.example.org.\n"
				    "www A 192.0.2.2\n";
	static const struct {
		const char *name;
		uint16_t type;
		const char *wanted;
	} rows[] = {
		{ "www.child.test", DNS_A, "0 AA | www.child.test.A | |" },
		{ "c.test", DNS_A, "0 AA | c.test.CNAME www.child.test.A | |" },
		{ "child.test", DNS_DS, "0 AA | child.test.DS | |" }, /* the parent's */
		{ "q.child.test", DNS_A, "3 AA | | child.testSOA |" },
	};
	struct dns_zone *zones[3];
	struct dns_server *server;
	uint8_t query[512], answer[1500];

	CHECK_EQUAL(dns_zone_parse(&zones[0], "test", view_text(parent)), OK);
	CHECK_EQUAL(dns_zone_parse(&zones[1], "child.test", view_text(child)), OK);
	zones[2] = zones[0];
	CHECK_EQUAL(dns_server_create(&server, zones, 3, 0), IN_USE);
	CHECK_EQUAL(dns_server_create(&server, zones, 2, 0), OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = query_make(query, rows[i].name, rows[i].type, 0);
		char wanted[128];
		size_t n = 0;

		length = dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232);
		for (const char *c = rows[i].wanted; *c && n < sizeof(wanted) - 1; c++)
			wanted[n++] = *c;
		wanted[n] = 0;
		/* owners outside example.org are shown in full, without a dot before the type */
		for (char *dot; (dot = strstr(wanted, "test.")) != NULL;)
			memmove(dot + 4, dot + 5, strlen(dot + 5) + 1);
		if (strcmp(shown(answer, length), wanted) != 0)
			CHECK_FAIL("row %zu: %s, not %s", i, shown(answer, length), wanted);
	}
	dns_server_free(server);
	dns_zone_free(zones[0]);
	dns_zone_free(zones[1]);
}

int main(void)
{
	return RUN(TEST(answers), TEST(limits), TEST(keeps_the_case_of_the_question),
		TEST(memo_is_bounded_and_not_thrashed), TEST(answers_in_place), TEST(several_zones));
}
