/*
 * memcpy and memmove: one function, for every block up to four (eight) registers is loaded whole
 * before any of it is stored, and longer ones go towards whichever side is safe.
 *
 *     up to two registers    |first----|
 *                                 |----last|        they overlap in the middle
 *     longer, forwards       |first| |aligned 4 registers| ... |last 4 registers|
 */
#include <string.h>

#include "libc/wide.h"

static void copy_to_16(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n >= 8) {
		uint64_t first = AT64(from), last = AT64(from + n - 8);

		AT64(to) = first;
		AT64(to + n - 8) = last;
	} else if (n >= 4) {
		uint32_t first = AT32(from), last = AT32(from + n - 4);

		AT32(to) = first;
		AT32(to + n - 4) = last;
	} else if (n >= 2) {
		uint16_t first = AT16(from), last = AT16(from + n - 2);

		AT16(to) = first;
		AT16(to + n - 2) = last;
	} else if (n == 1) {
		*to = *from;
	}
}

static void copy_to_64(uint8_t *to, const uint8_t *from, size_t n)
{
	__m128i a = LOAD16B(from), b = LOAD16B(from + 16);
	__m128i y = LOAD16B(from + n - 32), z = LOAD16B(from + n - 16);

	STORE16B(to, a);
	STORE16B(to + 16, b);
	STORE16B(to + n - 32, y);
	STORE16B(to + n - 16, z);
}

/*
 * More than 64 bytes, towards higher addresses: right unless `to` is inside [from, from + n). Both
 * ends are loaded before the loop can overwrite them and stored after it; what they store twice is
 * the same.
 */
static void copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
	uint8_t *start = to, *end = to + n - 64;
	const uint8_t *last = from + n - 64;
	size_t step = 16 - ((uintptr_t)to & 15);
	__m128i first = LOAD16B(from);
	__m128i w = LOAD16B(last), x = LOAD16B(last + 16);
	__m128i y = LOAD16B(last + 32), z = LOAD16B(last + 48);

	for (to += step, from += step; to < end; to += 64, from += 64) {
		__m128i a = LOAD16B(from), b = LOAD16B(from + 16);
		__m128i c = LOAD16B(from + 32), d = LOAD16B(from + 48);

		_mm_store_si128((__m128i *)to, a);
		_mm_store_si128((__m128i *)(to + 16), b);
		_mm_store_si128((__m128i *)(to + 32), c);
		_mm_store_si128((__m128i *)(to + 48), d);
	}
	STORE16B(start, first);
	STORE16B(end, w);
	STORE16B(end + 16, x);
	STORE16B(end + 32, y);
	STORE16B(end + 48, z);
}

/* The mirror image: towards lower addresses, right when `to` is above `from`. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
	uint8_t *end = to + n;
	size_t step = (uintptr_t)end & 15;
	uint8_t *at = end - step;
	const uint8_t *source = from + n - step;
	__m128i last = LOAD16B(from + n - 16);
	__m128i w = LOAD16B(from), x = LOAD16B(from + 16);
	__m128i y = LOAD16B(from + 32), z = LOAD16B(from + 48);

	for (; at > to + 64; at -= 64, source -= 64) {
		__m128i a = LOAD16B(source - 16), b = LOAD16B(source - 32);
		__m128i c = LOAD16B(source - 48), d = LOAD16B(source - 64);

		_mm_store_si128((__m128i *)(at - 16), a);
		_mm_store_si128((__m128i *)(at - 32), b);
		_mm_store_si128((__m128i *)(at - 48), c);
		_mm_store_si128((__m128i *)(at - 64), d);
	}
	STORE16B(end - 16, last);
	STORE16B(to, w);
	STORE16B(to + 16, x);
	STORE16B(to + 32, y);
	STORE16B(to + 48, z);
}

/* 65 to 256 bytes in 32-byte registers, all loaded before any is stored. */
WIDE static void copy_to_256_wide(uint8_t *to, const uint8_t *from, size_t n)
{
	const uint8_t *last = from + n;
	uint8_t *end = to + n;
	__m256i a = LOAD32B(from), b = LOAD32B(from + 32);
	__m256i y = LOAD32B(last - 64), z = LOAD32B(last - 32);

	if (n > 128) {
		__m256i c = LOAD32B(from + 64), d = LOAD32B(from + 96);
		__m256i w = LOAD32B(last - 128), x = LOAD32B(last - 96);

		STORE32B(to + 64, c);
		STORE32B(to + 96, d);
		STORE32B(end - 128, w);
		STORE32B(end - 96, x);
	}
	STORE32B(to, a);
	STORE32B(to + 32, b);
	STORE32B(end - 64, y);
	STORE32B(end - 32, z);
}

/* As copy_up, for more than 128 bytes. */
WIDE static void copy_up_wide(uint8_t *to, const uint8_t *from, size_t n)
{
	uint8_t *start = to, *end = to + n - 128;
	const uint8_t *last = from + n - 128;
	size_t step = 32 - ((uintptr_t)to & 31);
	__m256i first = LOAD32B(from);
	__m256i w = LOAD32B(last), x = LOAD32B(last + 32);
	__m256i y = LOAD32B(last + 64), z = LOAD32B(last + 96);

	for (to += step, from += step; to < end; to += 128, from += 128) {
		__m256i a = LOAD32B(from), b = LOAD32B(from + 32);
		__m256i c = LOAD32B(from + 64), d = LOAD32B(from + 96);

		_mm256_store_si256((__m256i *)to, a);
		_mm256_store_si256((__m256i *)(to + 32), b);
		_mm256_store_si256((__m256i *)(to + 64), c);
		_mm256_store_si256((__m256i *)(to + 96), d);
	}
	STORE32B(start, first);
	STORE32B(end, w);
	STORE32B(end + 32, x);
	STORE32B(end + 64, y);
	STORE32B(end + 96, z);
}

void *memmove(void *target, const void *source, size_t n)
{
	uint8_t *to = (uint8_t *)target;
	const uint8_t *from = (const uint8_t *)source;

	if (n <= 16) {
		copy_to_16(to, from, n);
	} else if (n <= 32) {
		__m128i first = LOAD16B(from), last = LOAD16B(from + n - 16);

		STORE16B(to, first);
		STORE16B(to + n - 16, last);
	} else if (n <= 64) {
		copy_to_64(to, from, n);
	} else if (wide_is_on && n <= 256) {
		copy_to_256_wide(to, from, n);
	} else if ((uintptr_t)to - (uintptr_t)from < n) {
		copy_down(to, from, n);
	} else if (wide_is_on) {
		copy_up_wide(to, from, n);
	} else {
		copy_up(to, from, n);
	}
	return target;
}

SAME_AS(memmove) void *memcpy(void *restrict target, const void *restrict source, size_t n);
