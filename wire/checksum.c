/*
 * One's-complement sums, eight bytes at a time: both 32-bit halves go to accumulators that can't
 * overflow for any length that fits memory, so carries are folded once, at the end.
 */
#include "wire/checksum.h"

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint64_t low = 0, high = 0, word;

	for (; length >= 8; p += 8, length -= 8) {
		memcpy(&word, p, 8);
		low += (uint32_t)word;
		high += word >> 32;
	}
	if (length > 0) {
		word = 0;
		memcpy(&word, p, length); /* the odd last byte is padded with zero: RFC 1071, 1 */
		low += (uint32_t)word;
		high += word >> 32;
	}
	sum = (sum >> 32) + (uint32_t)sum;
	return sum + low + high;
}

uint64_t checksum_join(uint64_t sum, uint64_t part, size_t offset)
{
	uint16_t folded = checksum_fold(part);

	return sum + (offset & 1 ? __builtin_bswap16(folded) : folded);
}

uint64_t checksum_pseudo_v6(
	const void *source, const void *destination, uint8_t protocol, uint32_t length)
{
	uint64_t sum = __builtin_bswap32(length) + (uint64_t)__builtin_bswap32(protocol);

	return checksum_add(checksum_add(sum, source, 16), destination, 16);
}
