/*
 * The table of record types. See type.h for the letters.
 * Source of numbers: IANA's "Domain Name System (DNS) Parameters"; formats: the RFC of each type.
 */
#include "lib/dns/type.h"
#include "base/format.h"

/*
 * Tables as lists of X(number, texts): numbers in one array, texts in one string, each ended by a zero byte. As
 * rows of fixed length they would have twice the bytes.
 */
#define NUMBER(number, ...)	   number,
#define NAME(number, name)	   name "\0"
#define TYPE(number, name, format) name "\0" format "\0"

/* Frequent ones first: they are looked for from the top. */
#define TYPES(X)                                                                                   \
	X(1, "A", "a")                                                                             \
	X(28, "AAAA", "6")                                                                         \
	X(2, "NS", "n")                                                                            \
	X(5, "CNAME", "n")                                                                         \
	X(15, "MX", "2n")                                                                          \
	X(16, "TXT", "S")                                                                          \
	X(12, "PTR", "n")                                                                          \
	X(6, "SOA", "nn4tttt")                                                                     \
	X(33, "SRV", "222N")                                                                       \
	X(46, "RRSIG", "TA1tdd2NB")                                                                \
	X(47, "NSEC", "NW")                                                                        \
	X(50, "NSEC3", "112x3W")                                                                   \
	X(43, "DS", "2A1H")                                                                        \
	X(48, "DNSKEY", "21AB")                                                                    \
	X(257, "CAA", "1gq")                                                                       \
	X(52, "TLSA", "111H")                                                                      \
	X(65, "HTTPS", "2NV")                                                                      \
	X(64, "SVCB", "2NV")                                                                       \
	X(35, "NAPTR", "22sssN")                                                                   \
	X(39, "DNAME", "N")                                                                        \
	X(44, "SSHFP", "11H")                                                                      \
	X(13, "HINFO", "ss")                                                                       \
	X(3, "MD", "n")                                                                            \
	X(4, "MF", "n")                                                                            \
	X(7, "MB", "n")                                                                            \
	X(8, "MG", "n")                                                                            \
	X(9, "MR", "n")                                                                            \
	X(14, "MINFO", "nn")                                                                       \
	X(17, "RP", "NN")                                                                          \
	X(18, "AFSDB", "2N")                                                                       \
	X(19, "X25", "s")                                                                          \
	X(20, "ISDN", "S")                                                                         \
	X(21, "RT", "2N")                                                                          \
	X(24, "SIG", "TA1tdd2NB")                                                                  \
	X(25, "KEY", "21AB")                                                                       \
	X(26, "PX", "2NN")                                                                         \
	X(27, "GPOS", "sss")                                                                       \
	X(29, "LOC", "L")                                                                          \
	X(36, "KX", "2N")                                                                          \
	X(37, "CERT", "c2AB")                                                                      \
	X(42, "APL", "P")                                                                          \
	X(45, "IPSECKEY", "I")                                                                     \
	X(49, "DHCID", "B")                                                                        \
	X(51, "NSEC3PARAM", "112x")                                                                \
	X(53, "SMIMEA", "111H")                                                                    \
	X(56, "NINFO", "S")                                                                        \
	X(57, "RKEY", "21AB")                                                                      \
	X(58, "TALINK", "NN")                                                                      \
	X(59, "CDS", "2A1H")                                                                       \
	X(60, "CDNSKEY", "21AB")                                                                   \
	X(61, "OPENPGPKEY", "B")                                                                   \
	X(62, "CSYNC", "42W")                                                                      \
	X(63, "ZONEMD", "411H")                                                                    \
	X(99, "SPF", "S")                                                                          \
	X(104, "NID", "2i")                                                                        \
	X(105, "L32", "2a")                                                                        \
	X(106, "L64", "2i")                                                                        \
	X(107, "LP", "2N")                                                                         \
	X(108, "EUI48", "e")                                                                       \
	X(109, "EUI64", "E")                                                                       \
	X(256, "URI", "22q")                                                                       \
	X(258, "AVC", "S")                                                                         \
	X(32769, "DLV", "2A1H")

#define ALGORITHMS(X)                                                                              \
	X(0, "DELETE")                                                                             \
	X(1, "RSAMD5")                                                                             \
	X(2, "DH")                                                                                 \
	X(3, "DSA")                                                                                \
	X(5, "RSASHA1")                                                                            \
	X(6, "DSA-NSEC3-SHA1")                                                                     \
	X(7, "RSASHA1-NSEC3-SHA1")                                                                 \
	X(8, "RSASHA256")                                                                          \
	X(10, "RSASHA512")                                                                         \
	X(12, "ECC-GOST")                                                                          \
	X(13, "ECDSAP256SHA256")                                                                   \
	X(14, "ECDSAP384SHA384")                                                                   \
	X(15, "ED25519")                                                                           \
	X(16, "ED448")                                                                             \
	X(252, "INDIRECT")                                                                         \
	X(253, "PRIVATEDNS")                                                                       \
	X(254, "PRIVATEOID")

#define CERTIFICATES(X)                                                                            \
	X(1, "PKIX")                                                                               \
	X(2, "SPKI")                                                                               \
	X(3, "PGP")                                                                                \
	X(4, "IPKIX")                                                                              \
	X(5, "ISPKI")                                                                              \
	X(6, "IPGP")                                                                               \
	X(7, "ACPKIX")                                                                             \
	X(8, "IACPKIX")                                                                            \
	X(253, "URI")                                                                              \
	X(254, "OID")

static const uint16_t types[] = { TYPES(NUMBER) }, algorithms[] = { ALGORITHMS(NUMBER) },
		      certificates[] = { CERTIFICATES(NUMBER) };
static const char type_texts[] = TYPES(TYPE), algorithm_names[] = ALGORITHMS(NAME),
		  certificate_names[] = CERTIFICATES(NAME);

static const char *behind(const char *text)
{
	while (*text++ != 0)
		;
	return text;
}

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

/* The mnemonic, behind which the format stands; NULL: there is none. */
static const char *type_find(uint16_t number)
{
	const char *name = type_texts;

	for (size_t i = 0; i < ARRAY_LEN(types); i++, name = behind(behind(name)))
		if (types[i] == number)
			return name;
	return NULL;
}

const char *dns_type_format(uint16_t number)
{
	const char *name = type_find(number);

	return name != NULL ? behind(name) : NULL;
}

bool dns_type_parse(uint16_t *number, struct view text)
{
	const char *name = type_texts;
	uint32_t value;

	for (size_t i = 0; i < ARRAY_LEN(types); i++, name = behind(behind(name))) {
		if (dns_text_is(text, name)) {
			*number = types[i];
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
	const char *name = type_find(number);

	if (name != NULL)
		format_text(text, DNS_TYPE_TEXT, "%s", name);
	else
		format_text(text, DNS_TYPE_TEXT, "TYPE%u", number);
	return text;
}

struct dns_shape dns_type_shape(uint16_t number)
{
	const char *field = dns_type_format(number);
	struct dns_shape shape = { 0, 0 };

	if (field == NULL)
		return shape;
	if (field[0] == '2' && field[1] == 'n') {
		shape.skip = 2;
		field++;
	}
	while (*field++ == 'n')
		shape.names++;
	return shape;
}

static bool mnemonic_parse(const uint16_t *numbers, size_t n, const char *name, uint32_t most,
	uint32_t *number, struct view text)
{
	for (size_t i = 0; i < n; i++, name = behind(name)) {
		if (dns_text_is(text, name)) {
			*number = numbers[i];
			return true;
		}
	}
	return dns_number_parse(number, text, most);
}

bool dns_algorithm_parse(uint8_t *number, struct view text)
{
	uint32_t value;

	if (!mnemonic_parse(algorithms, ARRAY_LEN(algorithms), algorithm_names, 255, &value, text))
		return false;
	*number = (uint8_t)value;
	return true;
}

bool dns_certificate_parse(uint16_t *number, struct view text)
{
	uint32_t value;

	if (!mnemonic_parse(
		    certificates, ARRAY_LEN(certificates), certificate_names, 65535, &value, text))
		return false;
	*number = (uint16_t)value;
	return true;
}
