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

#define LABEL60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char zone_text[] =
	"$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns\n MX 10 ns\nns A 192.0.2.1\n"
	"a CNAME b\nb CNAME c\nc A 192.0.2.2\ngone CNAME nothing\nout CNAME www.other.test.\n"
	"*.w A 192.0.2.3\nx.y.w A 192.0.2.4\nd DNAME w\nsub NS ns.sub\nsub DS 1 8 2 00\n"
	"ns.sub A 192.0.2.5\nl1 CNAME l2\nl2 CNAME l1\n"
	"e DNAME f\nx.f CNAME y.e\ny.f A 192.0.2.6\nself DNAME self.self\n"
	"*.sub2.w2 CNAME c\nsub2.w2 NS ns.sub\nloop.w3 CNAME q.loop.w3\n*.loop.w3 CNAME loop.w3\n"
	"wide DNAME " LABEL60 "." LABEL60 "." LABEL60 ".example.org.\n"
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

	n = (size_t)sprintf(text, "%u%s%s", flags & 15u, flags & DNS_AA ? " AA" : "",
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
		{ "w.example.org", DNS_A, "0 AA | | SOA |" },	/* empty non-terminal */
		{ "y.w.example.org", DNS_A, "0 AA | | SOA |" }, /* another: no wildcard for it */
		{ "z.y.w.example.org", DNS_A,
			"3 AA | | SOA |" }, /* nor below it (RFC 4592 2.2.1) */
		{ "*.w.example.org", DNS_A, "0 AA | *.w.A | |" },
		{ "q.d.example.org", DNS_A, "0 AA | d.DNAME q.d.CNAME q.w.A | |" },
		{ "d.example.org", DNS_A, "0 AA | | SOA |" },
		{ "d.example.org", DNS_DNAME, "0 AA | d.DNAME | |" },
		{ "x.e.example.org", DNS_A,
			"0 AA | e.DNAME x.e.CNAME x.f.CNAME y.e.CNAME y.f.A | |" },
		{ "y.e.example.org", DNS_CNAME, "0 AA | e.DNAME y.e.CNAME | |" },
		{ "z.e.example.org", DNS_A, "3 AA | e.DNAME z.e.CNAME | SOA |" },
		{ "e.example.org", DNS_ANY, "0 AA | e.DNAME | |" },
		{ LABEL60 ".wide.example.org", DNS_A, "6 AA | wide.DNAME | |" }, /* too long */
		{ "loop.w3.example.org", DNS_A, "0 AA | loop.w3.CNAME q.loop.w3.CNAME | |" },
		{ "q.sub2.w2.example.org", DNS_A,
			"0 | | sub2.w2.NS | ns.sub.A" }, /* no wildcard below a cut */
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
	} rows[] = { { 0, 1232, false }, { 512, 1232, false }, { 1232, 1232, true },
		{ 4096, 1232, true }, { 4096, 600, false }, { 0, DNS_LIMIT_TCP, true } };
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = query_make(query, "big.example.org", DNS_A, rows[i].edns);

		length = dns_answer(
			server, view_of(query, length), answer, sizeof(answer), rows[i].limit);
		CHECK_EQUAL((be16_at(answer + 2) & DNS_TC) == 0, rows[i].is_whole);
		CHECK_EQUAL(be16_at(answer + 6), rows[i].is_whole ? 60 : 0);
		CHECK_EQUAL(be16_at(answer + 10), rows[i].edns != 0);
		CHECK(length <= rows[i].limit);
	}
	dns_server_free(server);
}

/* What is judged before any zone is asked: the header, the question's form, OPT. */
static void queries_are_judged(void)
{
	static const struct {
		const char *name;
		uint16_t flags, counts[4];
		const char *rest; /* behind the question "c.example.org A IN", in hexadecimal */
		int rcode;	  /* -1: no answer */
		uint16_t opt;	  /* OPT records of the answer */
	} rows[] = {
		{ "plain", 0, { 1, 0, 0, 0 }, "", 0, 0 },
		{ "flags that a server clears", 0x07f0, { 1, 0, 0, 0 }, "", 0, 0 },
		{ "a reply", 0x8000, { 1, 0, 0, 0 }, "", -1, 0 },
		{ "inverse query", 0x0800, { 1, 0, 0, 0 }, "", DNS_NOTIMP, 0 },
		{ "opcode 15", 0x7800, { 1, 0, 0, 0 }, "", DNS_NOTIMP, 0 },
		{ "no question", 0, { 0, 0, 0, 0 }, "", DNS_FORMERR, 0 },
		{ "two questions", 0, { 2, 0, 0, 0 }, "0000010001", DNS_FORMERR, 0 }, /* RFC 9619 */
		{ "an answer", 0, { 1, 1, 0, 0 }, "00000100010000000000040a000001", DNS_FORMERR,
			0 },
		{ "missing record", 0, { 1, 0, 0, 1 }, "", DNS_FORMERR, 0 },
		{ "bytes behind", 0, { 1, 0, 0, 0 }, "00", DNS_FORMERR, 0 },
		{ "EDNS", 0, { 1, 0, 0, 1 }, "00002904d0000000000000", 0, 1 },
		{ "EDNS, DO", 0, { 1, 0, 0, 1 }, "00002904d0000080000000", 0, 1 },
		{ "EDNS of 0 bytes is 512", 0, { 1, 0, 0, 1 }, "0000290000000000000000", 0, 1 },
		{ "EDNS 1", 0, { 1, 0, 0, 1 }, "00002904d0000100000000", DNS_BADVERS, 1 },
		{ "EDNS 255, options unread", 0, { 1, 0, 0, 1 }, "00002904d000ff0000000101",
			DNS_BADVERS, 1 },
		{ "unknown option", 0, { 1, 0, 0, 1 }, "00002904d0000000000006fde900020102", 0, 1 },
		{ "cut option", 0, { 1, 0, 0, 1 }, "00002904d0000000000006fde900030102",
			DNS_FORMERR, 1 },
		{ "two OPTs", 0, { 1, 0, 0, 2 }, "00002904d000000000000000002904d0000000000000",
			DNS_FORMERR, 1 },
		{ "OPT with a name", 0, { 1, 0, 0, 1 }, "016100002904d0000000000000", DNS_FORMERR,
			0 },
		{ "OPT as an authority", 0, { 1, 0, 1, 0 }, "00002904d0000000000000", DNS_FORMERR,
			0 },
		{ "another additional record", 0, { 1, 0, 0, 2 },
			"c00c00010001000000000004c000020100002904d0000000000000", 0, 1 },
	};
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = query_make(query, "c.example.org", DNS_A, 0);
		unsigned byte, rcode;

		be16_to(query + 2, rows[i].flags);
		for (unsigned n = 0; n < 4; n++)
			be16_to(query + 4 + 2 * n, rows[i].counts[n]);
		for (const char *c = rows[i].rest; sscanf(c, "%2x", &byte) == 1; c += 2)
			query[length++] = (uint8_t)byte;
		length = dns_answer(server, view_of(query, length), answer, sizeof(answer), 1232);
		if (length == 0 || rows[i].rcode < 0) {
			CHECK_EQUAL(length == 0, rows[i].rcode < 0);
			continue;
		}
		rcode = be16_at(answer + 2) & 15;
		if (rows[i].opt)
			rcode |= (unsigned)answer[length - 6] << 4;
		if ((int)rcode != rows[i].rcode || be16_at(answer + 10) != rows[i].opt)
			CHECK_FAIL(
				"%s: rcode %u, %u OPT", rows[i].name, rcode, be16_at(answer + 10));
		/* QR; opcode and RD as they were; TC, RA, Z, AD, CD clear */
		CHECK_EQUAL(be16_at(answer + 2) & 0xfbf0,
			0x8000 | (rows[i].flags & (DNS_OPCODE | DNS_RD)));
		if (rows[i].opt) { /* RFC 3225: DO is copied; version 0 */
			CHECK_EQUAL(be16_at(answer + length - 4) >> 15,
				strstr(rows[i].rest, "04d000008000") != NULL);
			CHECK_EQUAL(answer[length - 5], 0);
		}
	}
	dns_server_free(server);
}

/* The memo changes no byte of an answer, whoever asked first, however and in which order. */
static void memo_changes_nothing(void)
{
	static const char *const names[] = { "example.org", "c.example.org", "A.example.org",
		"sub.example.org", "x.sub.example.org", "big.example.org", "q.w.example.org",
		"*.w.example.org", "x.e.example.org", "e.example.org", "l1.example.org",
		"gone.example.org", "out.example.org", "nothing.example.org", "C.eXAMPLE.org" };
	static const uint16_t types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_DS, DNS_DNAME,
		DNS_ANY };
	static const uint16_t sizes[] = { 0, 1232, 512, 900, 4096 };
	struct dns_server *plain = server_of(0), *memo = server_of(65536);
	uint8_t query[512], wanted[1500], answer[1500];
	uint64_t before = counter_value("dns.memo_hits");

	for (unsigned i = 0; i < 4000; i++) {
		const char *name = names[i * 7 % ARRAY_LEN(names)];
		uint16_t edns = sizes[i / 5 % ARRAY_LEN(sizes)];
		size_t length = query_make(query, name, types[i * 3 % ARRAY_LEN(types)], edns),
		       expected;

		if (edns != 0 && i % 11 == 0)
			query[length - 4] = 0x80; /* DO */
		if (i % 13 == 0)
			be16_to(query + length - (edns ? DNS_OPT_BYTES : 0) - 2, 3); /* class CH */
		expected = dns_answer(plain, view_of(query, length), wanted, sizeof(wanted), 1232);
		length = dns_answer(memo, view_of(query, length), answer, sizeof(answer), 1232);
		if (length != expected || memcmp(answer, wanted, length) != 0)
			CHECK_FAIL("%s, type %u, EDNS %u: %s", name, be16_at(query + length - 4),
				edns, shown(answer, length));
	}
	CHECK(counter_value("dns.memo_hits") > before + 500);
	dns_server_free(plain);
	dns_server_free(memo);
}

/* Compressed names (RFC 1035 4.1.4): pointers lead backwards only, and never into a loop. */
static void names_are_expanded(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[16];
		size_t length, at;
		int end; /* where the name ends; -1: it is refused */
	} rows[] = {
		{ "root", { 0 }, 1, 0, 1 },
		{ "plain", { 1, 'a', 0 }, 3, 0, 3 },
		{ "pointer", { 1, 'a', 0, 1, 'b', 0xc0, 0 }, 7, 3, 7 },
		{ "pointer to a pointer", { 1, 'a', 0, 0xc0, 0, 0xc0, 3 }, 7, 5, 7 },
		{ "to itself", { 0xc0, 0 }, 2, 0, -1 },
		{ "forwards", { 0xc0, 2, 0 }, 3, 0, -1 },
		{ "loop of two", { 0xc0, 2, 0xc0, 0 }, 4, 2, -1 },
		{ "into its own labels", { 1, 'a', 0xc0, 0 }, 4, 0, -1 },
		{ "beyond the message", { 0xc0, 99 }, 2, 0, -1 },
		{ "half a pointer", { 1, 'a', 0, 0xc0 }, 4, 3, -1 },
		{ "label cut", { 3, 'a', 'b' }, 3, 0, -1 },
		{ "no end", { 1, 'a' }, 2, 0, -1 },
		{ "label type 01", { 0x41, 'a', 0 }, 3, 0, -1 },
		{ "label type 10", { 0x81, 'a', 0 }, 3, 0, -1 },
		{ "nothing", { 0 }, 0, 0, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t at = rows[i].at;
		struct dns_name name;
		bool is_fine = dns_name_expand(&name, view_of(rows[i].bytes, rows[i].length), &at);

		if (is_fine != (rows[i].end >= 0) || (is_fine && at != (size_t)rows[i].end))
			CHECK_FAIL("%s", rows[i].name);
	}
}

/* 127 labels, 255 bytes, 63 in a label: RFC 1035 2.3.4. */
static void names_have_limits(void)
{
	static const struct {
		unsigned labels, length, last; /* labels of that length, then one of `last` bytes */
		bool is_fine;
	} rows[] = { { 127, 1, 0, true }, { 128, 1, 0, false }, { 3, 63, 61, true },
		{ 3, 63, 62, false }, { 1, 64, 0, false } };
	struct dns_name name;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[300] = { 0 };
		size_t n = 0;

		for (unsigned l = 0; l < rows[i].labels; l++, n += rows[i].length + 1)
			bytes[n] = (uint8_t)rows[i].length;
		bytes[n] = (uint8_t)rows[i].last;
		if (dns_name_read(&name, view_of(bytes, sizeof(bytes))) != rows[i].is_fine)
			CHECK_FAIL("row %zu", i);
	}
}

static void keeps_the_case_of_the_question(void)
{
	struct dns_server *server = server_of(DNS_MEMO_DEFAULT);
	uint8_t query[512], answer[1500];

	for (unsigned i = 0; i < 4; i++) {
		size_t length =
			query_make(query, i % 2 ? "C.eXample.ORG" : "c.ExAmple.oRg", DNS_A, 1232);

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
	CHECK_EQUAL(
		dns_answer(server, view_of(buffer, length), buffer, sizeof(buffer), 1232), apart);
	CHECK(memcmp(buffer, answer, apart) == 0);
	dns_server_free(server);
}

static void several_zones(void)
{
	static const char parent[] =
		"$TTL 60\n@ SOA ns h 1 2 3 4 5\n NS ns.example.org.\nx A 192.0.2.1\n"
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
	return RUN(TEST(answers), TEST(queries_are_judged), TEST(memo_changes_nothing),
		TEST(names_are_expanded), TEST(names_have_limits), TEST(limits),
		TEST(keeps_the_case_of_the_question), TEST(memo_is_bounded_and_not_thrashed),
		TEST(answers_in_place), TEST(several_zones));
}
