/*
 * Reading zones: what is refused and where, what is accepted, what the data becomes.
 */
#include "test/check.h"

#include <stdlib.h>

#include "diatom/dns.h"
#include "lib/dns/zone.h"

#define APEX "$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns\nns A 192.0.2.1\n"

static struct dns_fault seen;
static unsigned warnings;

static void report(void *argument, const struct dns_fault *fault)
{
	if (fault->is_warning)
		warnings++;
	else
		seen = *fault;
}

static struct view include(void *argument, const char *file)
{
	if (strcmp(file, "hosts") == 0)
		return view_text("inner A 192.0.2.9\n");
	return strcmp(file, "self") == 0 ? view_text("$INCLUDE self\n") : view_of(NULL, 0);
}

static enum status read_zone(struct dns_zone **zone, const char *text)
{
	struct dns_source source = { .origin = "example.org",
		.file = "z",
		.text = view_text(text),
		.include = include,
		.report = report };

	memset(&seen, 0, sizeof(seen));
	warnings = 0;
	return dns_zone_read(zone, &source);
}

static void refuses_with_a_place(void)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *why;
	} rows[] = {
		{ APEX "www A 300.1.1.1\n", 5, 7, "\"300.1.1.1\" is no IPv4 address" },
		{ APEX "www A 1.2.3\n", 5, 7, "is no IPv4 address" },
		{ APEX "www A 01.2.3.4\n", 5, 7, "is no IPv4 address" },
		{ APEX "www AAAA 1.2.3.4\n", 5, 10, "is no IPv6 address" },
		{ APEX "www A\n", 5, 6, "the line ends where an address belongs" },
		{ APEX "www A 1.2.3.4 5\n", 5, 15, "follows where the line should end" },
		{ APEX "www FOO 1\n", 5, 5, "\"FOO\" is no record type" },
		{ APEX "www CH A 1.2.3.4\n", 5, 5, "only IN is served" },
		{ APEX "www 4294967295 A 1.2.3.4\n", 5, 5, "above 2147483647" },
		{ APEX "www MX 65536 a\n", 5, 8, "no number from 0 to 65535" },
		{ APEX "www MX 1 a..b\n", 5, 10, "has an empty label" },
		{ APEX "www.example.com. A 1.2.3.4\n", 5, 1, "is not in the zone example.org" },
		{ APEX "www TXT \"abc\n", 5, 9, "the quoted string has no end" },
		{ APEX "www TXT ( a\n b\n", 5, 9, "the parenthesis is never closed" },
		{ APEX "www TXT a )\n", 5, 11, "the parenthesis was never opened" },
		{ APEX "www TXT \\256\n", 5, 9, "bad escape" },
		{ APEX "www TYPE999 abc\n", 5, 13, "must be given as \\# LENGTH HEX" },
		{ APEX "www TYPE999 \\# 2 ab\n", 5, 13, "the data has 1 bytes, not the 2" },
		{ APEX "www A \\# 3 010203\n", 5, 7, "not in the form of A" },
		{ APEX "www MX \\# 3 00 01 05\n", 5, 8, "not in the form of MX" },
		{ APEX "www ANY x\n", 5, 5, "is no record type" },
		{ APEX "www TYPE255 \\# 0\n", 5, 5, "can't be in a zone" },
		{ APEX "www SOA a b 1 2 3 4 5\n", 5, 5, "a SOA record below" },
		{ APEX "@ SOA a b 1 2 3 4 6\n", 5, 1, "more than one SOA" },
		{ APEX "a CNAME b\na A 1.2.3.4\n", 6, 1, "other records too" },
		{ APEX "a CNAME b\na CNAME c\n", 6, 1, "more than one CNAME" },
		{ APEX "a DNAME b\nx.a A 1.2.3.4\n", 6, 1, "below the DNAME of a.example.org" },
		{ APEX "a DNAME b\na NS ns\n", 5, 1, "a delegated name has a DNAME" },
		{ APEX "*.a NS ns\n", 5, 1, "have no meaning" },
		{ APEX "$FOO\n", 5, 1, "is no directive" },
		{ APEX "$TTL x\n", 5, 6, "is no TTL" },
		{ APEX "$INCLUDE nothing\n", 5, 10, "there is no file" },
		{ APEX "$INCLUDE self\n", 1, 10, "does one include itself" },
		{ APEX "$GENERATE 5-1 a A 1.2.3.4\n", 5, 11, "is no range" },
		{ APEX "$GENERATE 1-2 a${0 A 1.2.3.4\n", 5, 1, "is not well formed" },
		{ APEX "$GENERATE 255-256 a$ A 1.2.3.$\n", 5, 8, "is no IPv4 address" },
		{ " A 1.2.3.4\n", 1, 2, "the first record has no owner name" },
		{ "@ NS a\n", 1, 3, "the record has no TTL" },
		{ "$TTL 1\n@ NS ns\nns A 1.2.3.4\n", 0, 0, "has no SOA record" },
		{ "@ 1 SOA a b 1 2 3 4 5\n", 0, 0, "has no NS record" },
		{ "", 0, 0, "has no SOA record" },
		{ APEX "a SVCB 1 . port=x\n", 5, 12, "has a wrong value" },
		{ APEX "a SVCB 1 . port=1 port=2\n", 5, 19, "is given twice" },
		{ APEX "a SVCB 1 . mandatory=alpn\n", 5, 26, "a mandatory parameter is missing" },
		{ APEX "a DNSKEY 256 3 8 A===\n", 5, 22, "the base64 data is not whole" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_zone *zone;

		CHECK_EQUAL(read_zone(&zone, rows[i].text), MALFORMED);
		CHECK(zone == NULL);
		if (seen.line != rows[i].line || seen.column != rows[i].column ||
			strstr(seen.text, rows[i].why) == NULL)
			CHECK_FAIL("row %zu: %u:%u: %s", i, seen.line, seen.column, seen.text);
	}
}

static void hex_of(char *text, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	text[2 * length] = 0;
}

static void data_of_types(void)
{
	/* Expected bytes by hand from each RFC's format. */
	static const struct {
		const char *text;
		uint16_t type;
		const char *hex;
	} rows[] = {
		{ "A 192.0.2.7", 1, "c0000207" },
		{ "AAAA 2001:db8::1", 28, "20010db8000000000000000000000001" },
		{ "TXT a \"b c\" \\100\\\"", 16,
			"0161036220630264"
			"22" },
		{ "MX 10 m", 15, "000a016d076578616d706c65036f726700" },
		{ "CAA 0 issue \"x;y\"", 257, "00056973737565783b79" },
		{ "SRV 1 2 3 .", 33, "00010002000300" },
		{ "HINFO a b", 13, "01610162" },
		{ "GPOS \"-1\" \"2\" \"3\"", 27, "022d3101320133" },
		{ "SSHFP 2 1 0123 45", 44, "0201012345" },
		{ "DS 1 RSASHA256 2 ab", 43, "00010802ab" },
		{ "NSEC a. A MX TYPE1234", 47,
			"016100000240010 41b000000000000000000000000"
			"000000000000000000000000000020" },
		{ "NSEC3PARAM 1 0 10 -", 51, "0100000a00" },
		{ "NSEC3 1 1 10 aabb 00 A", 50, NULL },
		{ "RRSIG A 8 2 60 20380119031407 0 7 . AAAA", 46,
			"00010802000000 3c7fffffff00000000000700000000" },
		{ "EUI48 00-11-22-33-44-ff", 108, "0011223344ff" },
		{ "L64 1 2001:db8:0:1", 106, "000120010db800000001" },
		{ "URI 1 2 \"a\"", 256, "0001000261" },
		{ "LOC 1 N 2 E 0m", 29, "001216138036ee80806ddd0000989680" },
		{ "SVCB 1 . key9=a port=53 alpn=h2,h3", 64,
			"00010000010006026832026833000300020035000900 0161" },
		{ "APL 1:10.0.0.0/8 !2:ff::/8", 42, "000108010a00020882 00ff" },
		{ "TYPE999 \\# 3 01 0203", 999, "010203" },
		{ "A \\# 4 01020304", 1, "01020304" },
		{ "TXT \\# 2 0161", 16, "0161" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512], got[512], wanted[512];
		const struct dns_rrset *rrset;
		struct dns_zone *zone;
		struct dns_name name;
		size_t n = 0;

		snprintf(text, sizeof(text), APEX "x %s\n", rows[i].text);
		if (rows[i].hex == NULL)
			continue;
		CHECK_EQUAL(read_zone(&zone, text), OK);
		if (zone == NULL) {
			CHECK_FAIL("row %zu: %u:%u: %s", i, seen.line, seen.column, seen.text);
			continue;
		}
		CHECK(dns_name_read(&name, view_of("\1x\7example\3org", 15)));
		rrset = zone_rrset(zone, zone_find(zone, &name), rows[i].type);
		CHECK(rrset != NULL);
		if (rrset != NULL) {
			const uint8_t *data = zone->bytes + rrset->data;

			hex_of(got, data + 2, be16_at(data));
			for (const char *c = rows[i].hex; *c; c++)
				if (*c != ' ')
					wanted[n++] = *c;
			wanted[n] = 0;
			if (strcmp(got, wanted) != 0)
				CHECK_FAIL("row %zu: %s, not %s", i, got, wanted);
		}
		dns_zone_free(zone);
	}
}

/* Names and records of a text that is accepted, and its warnings. */
static void accepts(void)
{
	static const struct {
		const char *text;
		unsigned names, records, warnings;
	} rows[] = {
		{ APEX, 2, 3, 0 },
		{ APEX "  \n ; only\n\na 1h IN A 1.2.3.4\nb IN 1h A 1.2.3.4", 4, 5, 0 },
		{ APEX "a A 1.2.3.4\na A 1.2.3.4\n", 3, 4, 1 },
		{ APEX "a 1 A 1.2.3.4\na 2 A 1.2.3.5\n", 3, 5, 1 },
		{ APEX "c NS ns.c\n", 3, 4, 1 },
		{ APEX "c NS ns.c\nns.c A 1.2.3.4\n", 4, 5, 0 },
		{ APEX "c NS ns\nx.c TXT a\n", 4, 5, 1 },
		{ APEX "$GENERATE 1-9/2 a${0,3,d} A 1.2.3.$\n", 7, 8, 0 },
		{ APEX "$GENERATE 0-1 \\$$.x A 1.2.3.4 ; comment\n", 4, 5, 0 },
		{ APEX "$INCLUDE hosts sub\nb A 1.2.3.4\n", 4, 5, 0 },
		{ APEX "$ORIGIN sub\na A 1.2.3.4\n@ A 1.2.3.4\n", 4, 5, 0 },
		{ APEX "A A 1.2.3.4\na AAAA ::1\n", 3, 5, 0 },
		{ APEX "a CNAME b\na RRSIG CNAME 8 2 60 0 0 7 . AAAA\n", 3, 5, 0 },
		{ APEX "a\\.b A 1.2.3.4\na.b A 1.2.3.4\n\\097.b A 1.2.3.5\n", 4, 6, 0 },
		{ APEX "a TXT (\n \"x\" ; one\n y ) \n 60 TXT z\n", 3, 5, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_zone_facts facts;
		struct dns_zone *zone;

		if (read_zone(&zone, rows[i].text) != OK) {
			CHECK_FAIL("row %zu: %u:%u: %s", i, seen.line, seen.column, seen.text);
			continue;
		}
		facts = dns_zone_facts(zone);
		if (facts.names != rows[i].names || facts.records != rows[i].records ||
			warnings != rows[i].warnings)
			CHECK_FAIL("row %zu: %u names, %u records, %u warnings", i, facts.names,
				facts.records, warnings);
		dns_zone_free(zone);
	}
}

static void default_ttls(void)
{
	static const struct {
		const char *text;
		uint32_t ttl;
	} rows[] = {
		{ "@ SOA ns h 1 2 3 4 77\n NS ns\nns A 1.2.3.4\nx A 1.2.3.4\n", 77 }, /* minimum */
		{ "@ 5 SOA ns h 1 2 3 4 77\n NS ns\nns A 1.2.3.4\nx A 1.2.3.4\n",
			5 }, /* the last one */
		{ "$TTL 1w2d3h4m5s\n@ 5 SOA ns h 1 2 3 4 77\n NS ns\nns A 1.2.3.4\nx A 1.2.3.4\n",
			788645 },
		{ APEX "x 9 A 1.2.3.4\nx 3 A 1.2.3.5\n", 3 }, /* the lowest of an RRset */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_zone *zone;
		struct dns_name name;

		CHECK_EQUAL(read_zone(&zone, rows[i].text), OK);
		if (zone == NULL)
			continue;
		CHECK(dns_name_read(&name, view_of("\1x\7example\3org", 15)));
		CHECK_EQUAL(zone_rrset(zone, zone_find(zone, &name), DNS_A)->ttl, rows[i].ttl);
		dns_zone_free(zone);
	}
}

static void origins(void)
{
	static const struct {
		const char *origin;
		enum status status;
	} rows[] = {
		{ "example.org", OK },
		{ "example.org.", OK },
		{ ".", OK },
		{ "", INVALID_VALUE },
		{ "a..b", INVALID_VALUE },
		{ NULL, INVALID_VALUE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_source source = {
			.origin = rows[i].origin, .text = view_text(APEX), .report = report
		};
		struct dns_zone *zone;

		CHECK_EQUAL(dns_zone_read(&zone, &source), rows[i].status);
		dns_zone_free(zone);
	}
}

static void memory_ends(void)
{
	char *text = malloc(1 << 20);
	struct dns_source source = {
		.origin = "example.org", .report = report, .memory_max = 256 << 10
	};
	size_t length = (size_t)sprintf(text, APEX);
	struct dns_zone *zone;

	for (int i = 0; i < 20000; i++)
		length += (size_t)sprintf(text + length, "n%d A 1.2.3.4\n", i);
	source.text = view_of(text, length);
	CHECK_EQUAL(dns_zone_read(&zone, &source), NO_MEMORY);
	CHECK(zone == NULL);
	free(text);
}

int main(void)
{
	return RUN(TEST(refuses_with_a_place), TEST(data_of_types), TEST(accepts),
		TEST(default_ttls), TEST(origins), TEST(memory_ends));
}
