/*
 * Address text: RFC 4291 2.2 in, RFC 5952 out (its sections 2 and 4 give the examples).
 */
#include "diatom/address.h"

#include "diatom/view.h"
#include "test/check.h"

static void texts(void)
{
	static const struct {
		const char *in, *out; /* out NULL: not an address */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8:0:0:1::", "2001:db8:0:0:1::" },
		{ "2001:DB8:AAAA::F", "2001:db8:aaaa::f" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "", NULL },
		{ "1.2.3", NULL },
		{ "1.2.3.4.5", NULL },
		{ "1.2.3.256", NULL },
		{ "01.2.3.4", NULL },
		{ "1.2.3.4 ", NULL },
		{ "1..3.4", NULL },
		{ ":", NULL },
		{ ":::", NULL },
		{ "1:", NULL },
		{ ":1", NULL },
		{ "1::2::3", NULL },
		{ "12345::", NULL },
		{ "g::", NULL },
		{ "1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "1:2:3:4:5:6:7:1.2.3.4", NULL },
		{ "1::2:3:4:5:6:7:8", NULL },
		{ "::1.2.3", NULL },
		{ "::1.2.3.4:5", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[ADDRESS_TEXT_BYTES];
		struct address a;
		enum status status = address_parse(&a, rows[i].in);

		if (rows[i].out == NULL ? status != MALFORMED : status != OK)
			CHECK_FAIL("\"%s\": status %d", rows[i].in, status);
		else if (rows[i].out != NULL)
			CHECK_TEXT(address_text(&a, text), rows[i].out);
	}
}

static void prefixes(void)
{
	static const struct {
		const char *prefix, *address;
		int is_inside; /* -1: the prefix is malformed */
	} rows[] = {
		{ "10.0.0.0/8", "10.255.1.2", 1 },
		{ "10.0.0.0/8", "11.0.0.0", 0 },
		{ "192.0.2.128/25", "192.0.2.127", 0 },
		{ "192.0.2.128/25", "192.0.2.200", 1 },
		{ "0.0.0.0/0", "203.0.113.9", 1 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1", "192.0.2.2", 0 },
		{ "2001:db8::/33", "2001:db8:8000::", 0 },
		{ "2001:db8::/32", "2001:db8:8000::", 1 },
		{ "::1/128", "::1", 1 },
		{ "10.0.0.0/33", "10.0.0.1", -1 },
		{ "10.0.0.0/", "10.0.0.1", -1 },
		{ "10.0.0.0/08", "10.0.0.1", -1 },
		{ "10.0.0.0/8x", "10.0.0.1", -1 },
		{ "::/129", "::", -1 },
		{ "10.0.0.0/99999999999999999999", "10.0.0.1", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a;
		struct prefix prefix;
		int is_inside = -1;

		CHECK(address_parse(&a, rows[i].address) == OK);
		if (prefix_parse(&prefix, rows[i].prefix) == OK)
			is_inside = prefix_contains(&prefix, &a);
		if (is_inside != rows[i].is_inside)
			CHECK_FAIL("%s in %s: %d", rows[i].address, rows[i].prefix, is_inside);
	}
}

int main(void)
{
	return RUN(TEST(texts), TEST(prefixes));
}
