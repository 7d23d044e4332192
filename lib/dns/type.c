/*
 * The table of record types. See type.h for the letters.
 * Source of numbers: IANA's "Domain Name System (DNS) Parameters"; formats: the RFC of each type.
 */
#include "lib/dns/type.h"
#include "base/format.h"

/* Frequent ones first: the mnemonic is looked for from the top. */
static const struct dns_type types[] = {
	{ 1, "A", "a" },
	{ 28, "AAAA", "6" },
	{ 2, "NS", "n" },
	{ 5, "CNAME", "n" },
	{ 15, "MX", "2n" },
	{ 16, "TXT", "S" },
	{ 12, "PTR", "n" },
	{ 6, "SOA", "nn4tttt" },
	{ 33, "SRV", "222N" },
	{ 46, "RRSIG", "TA1tdd2NB" },
	{ 47, "NSEC", "NW" },
	{ 50, "NSEC3", "112x3W" },
	{ 43, "DS", "2A1H" },
	{ 48, "DNSKEY", "21AB" },
	{ 257, "CAA", "1gq" },
	{ 52, "TLSA", "111H" },
	{ 65, "HTTPS", "2NV" },
	{ 64, "SVCB", "2NV" },
	{ 35, "NAPTR", "22sssN" },
	{ 39, "DNAME", "N" },
	{ 44, "SSHFP", "11H" },
	{ 13, "HINFO", "ss" },
	{ 3, "MD", "n" },
	{ 4, "MF", "n" },
	{ 7, "MB", "n" },
	{ 8, "MG", "n" },
	{ 9, "MR", "n" },
	{ 14, "MINFO", "nn" },
	{ 17, "RP", "NN" },
	{ 18, "AFSDB", "2N" },
	{ 19, "X25", "s" },
	{ 20, "ISDN", "S" },
	{ 21, "RT", "2N" },
	{ 24, "SIG", "TA1tdd2NB" },
	{ 25, "KEY", "21AB" },
	{ 26, "PX", "2NN" },
	{ 27, "GPOS", "sss" },
	{ 29, "LOC", "L" },
	{ 36, "KX", "2N" },
	{ 37, "CERT", "c2AB" },
	{ 42, "APL", "P" },
	{ 45, "IPSECKEY", "I" },
	{ 49, "DHCID", "B" },
	{ 51, "NSEC3PARAM", "112x" },
	{ 53, "SMIMEA", "111H" },
	{ 56, "NINFO", "S" },
	{ 57, "RKEY", "21AB" },
	{ 58, "TALINK", "NN" },
	{ 59, "CDS", "2A1H" },
	{ 60, "CDNSKEY", "21AB" },
	{ 61, "OPENPGPKEY", "B" },
	{ 62, "CSYNC", "42W" },
	{ 63, "ZONEMD", "411H" },
	{ 99, "SPF", "S" },
	{ 104, "NID", "2i" },
	{ 105, "L32", "2a" },
	{ 106, "L64", "2i" },
	{ 107, "LP", "2N" },
	{ 108, "EUI48", "e" },
	{ 109, "EUI64", "E" },
	{ 256, "URI", "22q" },
	{ 258, "AVC", "S" },
	{ 32769, "DLV", "2A1H" },
};

struct mnemonic {
	uint16_t number;
	char name[20];
};

static const struct mnemonic algorithms[] = {
	{ 0, "DELETE" },
	{ 1, "RSAMD5" },
	{ 2, "DH" },
	{ 3, "DSA" },
	{ 5, "RSASHA1" },
	{ 6, "DSA-NSEC3-SHA1" },
	{ 7, "RSASHA1-NSEC3-SHA1" },
	{ 8, "RSASHA256" },
	{ 10, "RSASHA512" },
	{ 12, "ECC-GOST" },
	{ 13, "ECDSAP256SHA256" },
	{ 14, "ECDSAP384SHA384" },
	{ 15, "ED25519" },
	{ 16, "ED448" },
	{ 252, "INDIRECT" },
	{ 253, "PRIVATEDNS" },
	{ 254, "PRIVATEOID" },
};

static const struct mnemonic certificates[] = {
	{ 1, "PKIX" },
	{ 2, "SPKI" },
	{ 3, "PGP" },
	{ 4, "IPKIX" },
	{ 5, "ISPKI" },
	{ 6, "IPGP" },
	{ 7, "ACPKIX" },
	{ 8, "IACPKIX" },
	{ 253, "URI" },
	{ 254, "OID" },
};

bool dns_text_is(struct view text, const char *word)
{
	for (size_t i = 0; i < text.length; i++)
		if (word[i] == 0 || dns_lower(text.data[i]) != dns_lower((uint8_t)word[i]))
			return false;
	return word[text.length] == 0;
}

bool dns_number_parse(uint32_t *number, struct view text, uint32_t most)
{
	uint64_t value = 0;

	if (text.length == 0 || text.length > 10)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (value > most)
		return false;
	*number = (uint32_t)value;
	return true;
}

const struct dns_type *dns_type_find(uint16_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].number == number)
			return &types[i];
	return NULL;
}

bool dns_type_parse(uint16_t *number, struct view text)
{
	uint32_t value;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (dns_text_is(text, types[i].name)) {
			*number = types[i].number;
			return true;
		}
	}
	if (text.length <= 4 || !dns_text_is(view_part(text, 0, 4), "TYPE") ||
		!dns_number_parse(&value, view_part(text, 4, text.length), 65535))
		return false;
	*number = (uint16_t)value;
	return true;
}

const char *dns_type_text(uint16_t number, char text[DNS_TYPE_TEXT])
{
	const struct dns_type *type = dns_type_find(number);

	if (type != NULL)
		format_text(text, DNS_TYPE_TEXT, "%s", type->name);
	else
		format_text(text, DNS_TYPE_TEXT, "TYPE%u", number);
	return text;
}

struct dns_shape dns_type_shape(uint16_t number)
{
	const struct dns_type *type = dns_type_find(number);
	struct dns_shape shape = { 0, 0 };
	const char *field;

	if (type == NULL)
		return shape;
	field = type->format;
	if (field[0] == '2' && field[1] == 'n') {
		shape.skip = 2;
		field++;
	}
	while (*field++ == 'n')
		shape.names++;
	return shape;
}

static bool mnemonic_parse(
	const struct mnemonic *table, size_t n, uint32_t most, uint32_t *number, struct view text)
{
	for (size_t i = 0; i < n; i++) {
		if (dns_text_is(text, table[i].name)) {
			*number = table[i].number;
			return true;
		}
	}
	return dns_number_parse(number, text, most);
}

bool dns_algorithm_parse(uint8_t *number, struct view text)
{
	uint32_t value;

	if (!mnemonic_parse(algorithms, ARRAY_LEN(algorithms), 255, &value, text))
		return false;
	*number = (uint8_t)value;
	return true;
}

bool dns_certificate_parse(uint16_t *number, struct view text)
{
	uint32_t value;

	if (!mnemonic_parse(certificates, ARRAY_LEN(certificates), 65535, &value, text))
		return false;
	*number = (uint16_t)value;
	return true;
}
