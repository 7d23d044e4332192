/*
 * memcmp: a register at a time; the first that differs is looked into. The last, partial block is
 * read as a whole one that ends where the bytes end.
 */
#include <string.h>
#include <strings.h>

#include "libc/wide.h"

/* Big-endian order of integers is the order of their bytes. */
static int order64(uint64_t a, uint64_t b)
{
	a = __builtin_bswap64(a);
	b = __builtin_bswap64(b);
	return (a > b) - (a < b);
}

static int compare_to_16(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t x = 0, y = 0;

	if (n >= 8) {
		int order = order64(AT64(a), AT64(b));

		return order ? order : order64(AT64(a + n - 8), AT64(b + n - 8));
	}
	if (n >= 4) {
		x = (uint64_t)__builtin_bswap32(AT32(a)) << 32 | __builtin_bswap32(AT32(a + n - 4));
		y = (uint64_t)__builtin_bswap32(AT32(b)) << 32 | __builtin_bswap32(AT32(b + n - 4));
		return (x > y) - (x < y);
	}
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] - b[i];
	return 0;
}

static int order_at(const uint8_t *a, const uint8_t *b, unsigned differing)
{
	unsigned first = (unsigned)__builtin_ctz(differing);

	return a[first] - b[first];
}

static unsigned difference(const uint8_t *a, const uint8_t *b)
{
	return 0xffff ^ (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(LOAD16B(a), LOAD16B(b)));
}

/* More than 16 bytes. */
static int compare(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t at = 0;
	unsigned differing;

	for (; at + 16 < n; at += 16) {
		differing = difference(a + at, b + at);
		if (differing)
			return order_at(a + at, b + at, differing);
	}
	differing = difference(a + n - 16, b + n - 16);
	return differing ? order_at(a + n - 16, b + n - 16, differing) : 0;
}

__attribute__((target("avx2"))) static inline unsigned difference_wide(
	const uint8_t *a, const uint8_t *b)
{
	return ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(LOAD32B(a), LOAD32B(b)));
}

/* More than 32 bytes. */
WIDE static int compare_wide(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t at = 0;
	unsigned differing;

	for (; at + 128 < n; at += 128) {
		__m256i w = _mm256_cmpeq_epi8(LOAD32B(a + at), LOAD32B(b + at));
		__m256i x = _mm256_cmpeq_epi8(LOAD32B(a + at + 32), LOAD32B(b + at + 32));
		__m256i y = _mm256_cmpeq_epi8(LOAD32B(a + at + 64), LOAD32B(b + at + 64));
		__m256i z = _mm256_cmpeq_epi8(LOAD32B(a + at + 96), LOAD32B(b + at + 96));
		__m256i all = _mm256_and_si256(_mm256_and_si256(w, x), _mm256_and_si256(y, z));

		if (~(unsigned)_mm256_movemask_epi8(all))
			break;
	}
	for (; at + 32 < n; at += 32) {
		differing = difference_wide(a + at, b + at);
		if (differing)
			return order_at(a + at, b + at, differing);
	}
	differing = difference_wide(a + n - 32, b + n - 32);
	return differing ? order_at(a + n - 32, b + n - 32, differing) : 0;
}

int memcmp(const void *first, const void *second, size_t n)
{
	const uint8_t *a = (const uint8_t *)first, *b = (const uint8_t *)second;

	if (n <= 16)
		return compare_to_16(a, b, n);
	if (wide_is_on && n > 32)
		return compare_wide(a, b, n);
	return compare(a, b, n);
}

SAME_AS(memcmp) int bcmp(const void *first, const void *second, size_t n);
