/*
 * Any bytes as a query to a server whose zone has every structure: the answer is well formed, within
 * its limit, and the same whether looked up, remembered, or written over the query.
 */
#include <stdlib.h>
#include <string.h>

#include "diatom/dns.h"
#include "wire/dns.h"

static const char zone_text[] =
	"$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns\n MX 10 mail\nns A 192.0.2.1\n"
	"a CNAME b\nb CNAME c\nc A 192.0.2.2\n*.w A 192.0.2.3\n*.w TXT \"t\"\n*.l CNAME x.l\n"
	"d DNAME w\nd2 DNAME d\nsub NS ns.sub\nsub DS 1 2 3 00\nns.sub A 192.0.2.4\nns.sub AAAA ::1\n"
	"t TXT \"text\"\nsrv SRV 1 2 3 c\ne.n.t A 192.0.2.5\nl1 CNAME l2\nl2 CNAME l1\n"
	"$GENERATE 1-100 big A 192.0.2.$\n$GENERATE 1-40 many NS ns$.many\n"
	"$GENERATE 1-40 ns$.many A 192.0.2.$\n";

static void check_records(const uint8_t *bytes, size_t length)
{
	struct view message = view_of(bytes, length);
	size_t offset = DNS_HEADER_BYTES;
	struct dns_name name;
	unsigned records = 0;

	for (unsigned i = 6; i < 12; i += 2)
		records += be16_at(bytes + i);
	if (be16_at(bytes + 4) == 1) {
		if (!dns_name_expand(&name, message, &offset))
			abort();
		offset += DNS_QUESTION_BYTES;
	}
	for (; records > 0; records--) {
		if (!dns_name_expand(&name, message, &offset) || length - offset < DNS_RECORD_BYTES)
			abort();
		offset += DNS_RECORD_BYTES + (size_t)be16_at(bytes + offset + 8);
		if (offset > length)
			abort();
	}
	if (offset != length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_server *server, *forgetful;
	static uint8_t first[65535], second[65535], third[65535];
	size_t limit = size % 3 == 0 ? 512 : size % 3 == 1 ? DNS_LIMIT_UDP : DNS_LIMIT_TCP;
	struct view query = view_of(data, size);
	size_t length;

	if (size > 4096)
		return 0;
	if (server == NULL) {
		struct dns_zone *zone;

		if (dns_zone_parse(&zone, "example.org", view_text(zone_text)) != OK ||
			dns_server_create(&server, &zone, 1, DNS_MEMO_DEFAULT) != OK ||
			dns_server_create(&forgetful, &zone, 1, 0) != OK)
			abort();
	}
	length = dns_answer(server, query, first, sizeof(first), limit);
	if (length > limit || (length > 0 && length < DNS_HEADER_BYTES))
		abort();
	if (length > 0)
		check_records(first, length);
	if (dns_answer(server, query, second, sizeof(second), limit) != length ||
		memcmp(first, second, length) != 0)
		abort();
	if (dns_answer(forgetful, query, second, sizeof(second), limit) != length ||
		memcmp(first, second, length) != 0)
		abort();
	memcpy(third, data, size);
	if (dns_answer(server, view_of(third, size), third, sizeof(third), limit) != length ||
		memcmp(first, third, length) != 0)
		abort();
	return 0;
}
