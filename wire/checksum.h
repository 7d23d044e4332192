/*
 * The Internet checksum (RFC 1071): the one's complement of the one's-complement sum of 16-bit words.
 *
 * Sums are taken over words as they lie in memory and results are stored as they are: byte order
 * cancels out (RFC 1071, 2 (B)). A sum is a plain 64-bit accumulator, folded once at the end:
 *
 *     sum = checksum_pseudo_v4(source, destination, protocol, length);
 *     sum = checksum_add(sum, bytes, length);
 *     checksum_store(field, sum);                  or: if (!checksum_is_good(sum)) drop
 */
#ifndef DIATOM_WIRE_CHECKSUM_H
#define DIATOM_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Adds the bytes to the sum; they start at an even offset of what is summed. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t length);

/* Adds a part's own sum that starts at `offset` of what is summed: odd ones are byte-swapped. */
uint64_t checksum_join(uint64_t sum, uint64_t part, size_t offset);

static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* A sum that includes a right checksum field folds to all ones. */
static inline bool checksum_is_good(uint64_t sum)
{
	return checksum_fold(sum) == 0xffff;
}

/* The field's value for a sum taken with the field zero. */
static inline void checksum_store(uint8_t field[2], uint64_t sum)
{
	uint16_t value = (uint16_t)~checksum_fold(sum);

	memcpy(field, &value, sizeof(value));
}

/* The sum alone, not complemented: what a device that completes it expects in the field. */
static inline void checksum_store_partial(uint8_t field[2], uint64_t sum)
{
	uint16_t value = checksum_fold(sum);

	memcpy(field, &value, sizeof(value));
}

/* Of the IPv4 pseudo-header (RFC 768); addresses and length in host order. */
static inline uint64_t checksum_pseudo_v4(
	uint32_t source, uint32_t destination, uint8_t protocol, uint16_t length)
{
	return (uint64_t)__builtin_bswap32(source) + __builtin_bswap32(destination) +
	       __builtin_bswap16(protocol) + __builtin_bswap16(length);
}

/* Of the IPv6 pseudo-header (RFC 8200 8.1); addresses as they lie in a packet, length in host order. */
uint64_t checksum_pseudo_v6(
	const void *source, const void *destination, uint8_t protocol, uint32_t length);

#endif
