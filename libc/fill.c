/*
 * memset: short blocks by two overlapping stores, longer ones by aligned stores between two
 * unaligned ends.
 */
#include <string.h>

#include "libc/wide.h"

static void fill_to_16(uint8_t *to, uint64_t bytes, size_t n)
{
	if (n >= 8) {
		AT64(to) = bytes;
		AT64(to + n - 8) = bytes;
	} else if (n >= 4) {
		AT32(to) = (uint32_t)bytes;
		AT32(to + n - 4) = (uint32_t)bytes;
	} else if (n >= 2) {
		AT16(to) = (uint16_t)bytes;
		AT16(to + n - 2) = (uint16_t)bytes;
	} else if (n == 1) {
		*to = (uint8_t)bytes;
	}
}

/* More than 16 bytes. */
static void fill(uint8_t *to, uint8_t byte, size_t n)
{
	__m128i value = _mm_set1_epi8((char)byte);
	uint8_t *end = to + n, *at = to + 16 - ((uintptr_t)to & 15);

	STORE16B(to, value);
	for (; (size_t)(end - at) > 64 && at < end; at += 64) {
		_mm_store_si128((__m128i *)at, value);
		_mm_store_si128((__m128i *)(at + 16), value);
		_mm_store_si128((__m128i *)(at + 32), value);
		_mm_store_si128((__m128i *)(at + 48), value);
	}
	for (; at < end - 16; at += 16)
		_mm_store_si128((__m128i *)at, value);
	STORE16B(end - 16, value);
}

/* More than 64 bytes. */
WIDE static void fill_wide(uint8_t *to, uint8_t byte, size_t n)
{
	__m256i value = _mm256_set1_epi8((char)byte);
	uint8_t *end = to + n, *at = (uint8_t *)(((uintptr_t)to + 64) & ~(uintptr_t)31);

	STORE32B(to, value);
	STORE32B(to + 32, value);
	for (; at + 128 <= end; at += 128) {
		_mm256_store_si256((__m256i *)at, value);
		_mm256_store_si256((__m256i *)(at + 32), value);
		_mm256_store_si256((__m256i *)(at + 64), value);
		_mm256_store_si256((__m256i *)(at + 96), value);
	}
	for (; at + 32 <= end; at += 32)
		_mm256_store_si256((__m256i *)at, value);
	STORE32B(end - 32, value);
}

void *memset(void *target, int byte, size_t n)
{
	uint8_t *to = (uint8_t *)target;

	if (n <= 16)
		fill_to_16(to, (uint8_t)byte * UINT64_C(0x0101010101010101), n);
	else if (wide_is_on && n > 64)
		fill_wide(to, (uint8_t)byte, n);
	else
		fill(to, (uint8_t)byte, n);
	return target;
}
