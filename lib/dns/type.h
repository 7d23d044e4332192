/*
 * Record types: number, mnemonic, and how the data of each is written in a master file and on the
 * wire. One letter stands for one field; the same letters drive the reader of text (rdata.c) and the
 * check of data given in hexadecimal (RFC 3597).
 *
 *     1 2 4  number of that many bytes        t  TTL, 4 bytes, units allowed
 *     n      name, compressible (RFC 3597 4)  N  name that is never compressed
 *     a 6    IPv4, IPv6 address               s  character-string      S  one or more, to the end
 *     q      text without length, to the end  g  CAA tag
 *     H B    hexadecimal, base64 to the end   x  NSEC3 salt            3  NSEC3 hash, base32hex
 *     T W    type, type bitmap                A  DNSSEC algorithm      d  time of RRSIG
 *     e E i  EUI48, EUI64, ILNP's 64 bits     c  certificate type
 *     L P V  LOC, APL, SVCB's parameters      I  IPSECKEY
 */
#ifndef DIATOM_DNS_TYPE_H
#define DIATOM_DNS_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "diatom/view.h"
#include "wire/dns.h"

enum dns_type_number {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_KEY = 25,
	DNS_AAAA = 28,
	DNS_NXT = 30,
	DNS_SRV = 33,
	DNS_DNAME = 39,
	DNS_OPT = 41,
	DNS_DS = 43,
	DNS_RRSIG = 46,
	DNS_NSEC = 47,
	DNS_HTTPS = 65,
	DNS_META_FIRST = 128, /* 128 .. 255: types that only queries have (RFC 6895 3.1) */
	DNS_TKEY = 249,
	DNS_TSIG = 250,
	DNS_IXFR = 251,
	DNS_AXFR = 252,
	DNS_MAILB = 253,
	DNS_MAILA = 254,
	DNS_ANY = 255,
	DNS_CAA = 257,
};

/* The letters of that type; NULL for one that has only RFC 3597's form. */
const char *dns_type_format(uint16_t number);

/* The number behind a mnemonic or "TYPE123" of any case; false if there is none. */
bool dns_type_parse(uint16_t *number, struct view text);

/* "AAAA", "TYPE123"; returns `text`. */
#define DNS_TYPE_TEXT 12
const char *dns_type_text(uint16_t number, char text[DNS_TYPE_TEXT]);

/* Where the compressible names lie in the data of that type. */
struct dns_shape dns_type_shape(uint16_t number);

/* DNSSEC algorithm (RFC 4034 A.1), certificate type (RFC 4398 2.1): mnemonic or number. */
bool dns_algorithm_parse(uint8_t *number, struct view text);
bool dns_certificate_parse(uint16_t *number, struct view text);

/* A decimal number up to `most`, nothing else in the text. */
bool dns_number_parse(uint32_t *number, struct view text, uint32_t most);

/* Do they agree, but for the case of ASCII letters? */
bool dns_text_is(struct view text, const char *word);

#endif
