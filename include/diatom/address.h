/*
 * Addresses: one type for IPv4 and IPv6. An IPv4 address is kept IPv4-mapped (::ffff:a.b.c.d,
 * RFC 4291 2.5.5.2), so comparing and hashing need not ask for the family.
 */
#ifndef DIATOM_ADDRESS_H
#define DIATOM_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "diatom/status.h"

struct address {
	_Alignas(8) uint8_t bytes[16]; /* network order */
};

struct endpoint {
	struct address address;
	uint16_t port; /* host order */
};

struct prefix {
	struct address address;
	uint8_t bits; /* of the family's own length: 0..32 or 0..128 */
};

/* From an IPv4 address in host order. */
static inline struct address address_v4(uint32_t host_order)
{
	return (struct address){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff,
		(uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16),
		(uint8_t)(host_order >> 8), (uint8_t)host_order } };
}

static inline bool address_is_v4(const struct address *a)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

/* In host order; only for an IPv4 address. */
static inline uint32_t address_to_v4(const struct address *a)
{
	return (uint32_t)a->bytes[12] << 24 | (uint32_t)a->bytes[13] << 16 |
	       (uint32_t)a->bytes[14] << 8 | a->bytes[15];
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a->bytes, b->bytes, 16) == 0;
}

#define ADDRESS_TEXT_BYTES 46 /* longest address text with its NUL */

/* RFC 5952 text, NUL-ended; returns `text`. */
const char *address_text(const struct address *a, char text[ADDRESS_TEXT_BYTES]);
/* Dotted quad or RFC 4291 2.2 text: OK or MALFORMED. */
enum status address_parse(struct address *out, const char *text);
/* "ADDRESS/BITS"; without "/BITS" a host's own prefix (32 or 128): OK or MALFORMED. */
enum status prefix_parse(struct prefix *out, const char *text);
/* Is the address inside the prefix? Never across families. */
bool prefix_contains(const struct prefix *prefix, const struct address *a);

#endif
