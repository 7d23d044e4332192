/*
 * memchr: a register at a time. Fewer bytes than a register are read as a whole one where that can't
 * cross into another page.
 */
#include <string.h>

#include "libc/wide.h"

#define PAGE 4096

static unsigned matches(const uint8_t *at, __m128i wanted)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(LOAD16B(at), wanted));
}

static const uint8_t *find_to_16(const uint8_t *at, uint8_t byte, size_t n)
{
	if (n == 0)
		return NULL; /* there may be no page */
	if (((uintptr_t)at & (PAGE - 1)) <= PAGE - 16) {
		unsigned found = matches(at, _mm_set1_epi8((char)byte)) & ((1u << n) - 1);

		return found ? at + __builtin_ctz(found) : NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (at[i] == byte)
			return at + i;
	return NULL;
}

/* More than 16 bytes. */
static const uint8_t *find(const uint8_t *at, uint8_t byte, size_t n)
{
	__m128i wanted = _mm_set1_epi8((char)byte);
	const uint8_t *last = at + n - 16;
	unsigned found;

	for (; at < last; at += 16) {
		found = matches(at, wanted);
		if (found)
			return at + __builtin_ctz(found);
	}
	found = matches(last, wanted);
	return found ? last + __builtin_ctz(found) : NULL;
}

/* More than 32 bytes. */
WIDE static const uint8_t *find_wide(const uint8_t *at, uint8_t byte, size_t n)
{
	__m256i wanted = _mm256_set1_epi8((char)byte);
	const uint8_t *end = at + n, *last = end - 32;
	unsigned found;

	for (; (size_t)(end - at) > 128; at += 128) {
		__m256i w = _mm256_cmpeq_epi8(LOAD32B(at), wanted);
		__m256i x = _mm256_cmpeq_epi8(LOAD32B(at + 32), wanted);
		__m256i y = _mm256_cmpeq_epi8(LOAD32B(at + 64), wanted);
		__m256i z = _mm256_cmpeq_epi8(LOAD32B(at + 96), wanted);

		w = _mm256_or_si256(_mm256_or_si256(w, x), _mm256_or_si256(y, z));
		if (_mm256_movemask_epi8(w))
			break;
	}
	for (; at < last; at += 32) {
		found = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(LOAD32B(at), wanted));
		if (found)
			return at + __builtin_ctz(found);
	}
	found = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(LOAD32B(last), wanted));
	return found ? last + __builtin_ctz(found) : NULL;
}

void *memchr(const void *bytes, int byte, size_t n)
{
	const uint8_t *at = (const uint8_t *)bytes;

	if (n <= 16)
		return (void *)find_to_16(at, (uint8_t)byte, n);
	if (wide_is_on && n > 32)
		return (void *)find_wide(at, (uint8_t)byte, n);
	return (void *)find(at, (uint8_t)byte, n);
}
