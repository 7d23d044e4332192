/*
 * The body's memory functions (libc/copy.c, fill.c, compare.c, find.c) against plain loops: every
 * length around their borders, at every alignment, overlapping, and with an unmapped page right
 * before or behind the bytes. Once with 16-byte and once with 32-byte registers.
 *
 * They are renamed here, for the test itself runs on the host's.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "test/check.h"

#define memmove body_memmove
#define memcpy	body_memcpy
#define memset	body_memset
#define memcmp	body_memcmp
#define bcmp	body_bcmp
#define memchr	body_memchr
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "libc/copy.c"
#include "libc/fill.c"
#include "libc/compare.c"
#include "libc/find.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef memmove
#undef memcpy
#undef memset
#undef memcmp
#undef bcmp
#undef memchr

#define BYTES 8192 /* of a field; unmapped pages lie on both sides */

bool wide_is_on;

static uint8_t *field(void)
{
	uint8_t *base = mmap(NULL, BYTES + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED || mprotect(base + 4096, BYTES, PROT_READ | PROT_WRITE) != 0)
		abort();
	return base + 4096;
}

static void scribble(uint8_t *bytes, unsigned salt)
{
	for (unsigned i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)((i * 167 + salt) ^ (i >> 8));
}

/* Lengths 0..600, then sparser. */
static size_t next_length(size_t n)
{
	return n < 600 ? n + 1 : n + 251;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static void with_both(void (*run)(void))
{
	wide_is_on = false;
	run();
	wide_is_on = __builtin_cpu_supports("avx2");
	if (wide_is_on)
		run();
}

/* What a copy must leave: the bytes moved, all others untouched. */
static void check_move(uint8_t *bytes, size_t to, size_t from, size_t n)
{
	static uint8_t wanted[BYTES];

	scribble(bytes, 1);
	scribble(wanted, 1);
	for (size_t i = 0; i < n; i++)
		wanted[to + i] = bytes[from + i];
	CHECK(body_memmove(bytes + to, bytes + from, n) == bytes + to);
	if (first_difference(bytes, wanted, BYTES) != BYTES)
		CHECK_FAIL("memmove of %zu bytes from %zu to %zu (wide %d): byte %zu", n, from, to,
			wide_is_on, first_difference(bytes, wanted, BYTES));
}

static void moves(void)
{
	static const int distances[] = { -300, -129, -64, -33, -31, -16, -7, -1, 0, 1, 3, 8, 15, 17,
		32, 63, 65, 127, 200, 1000 };
	uint8_t *bytes = field();

	for (size_t n = 0; n < 3000; n = next_length(n))
		for (unsigned i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
			check_move(bytes, (size_t)(2048 + distances[i] + (int)(n % 32)),
				2048 + n % 32 / 3, n);
		}
}

static void moves_beside_unmapped_pages(void)
{
	uint8_t *a = field(), *b = field();

	scribble(a, 3);
	for (size_t n = 0; n <= BYTES; n = next_length(n)) {
		body_memcpy(b, a + BYTES - n, n);
		CHECK_EQUAL(first_difference(b, a + BYTES - n, n), n);
		body_memcpy(b + BYTES - n, a, n);
		CHECK_EQUAL(first_difference(b + BYTES - n, a, n), n);
	}
}

static void fills(void)
{
	uint8_t *bytes = field();

	for (size_t n = 0; n < 3000; n = next_length(n))
		for (size_t at = 64; at < 64 + 33; at += n < 300 ? 1 : 7) {
			scribble(bytes, 5);
			CHECK(body_memset(bytes + at, 0x1a5, n) == bytes + at);
			for (size_t i = 0; i < 4000; i++)
				if (i >= at && i < at + n
						? bytes[i] != 0xa5
						: bytes[i] != (uint8_t)((i * 167 + 5) ^ (i >> 8)))
					CHECK_FAIL("memset of %zu at %zu: byte %zu", n, at, i);
		}
	body_memset(bytes, 7, BYTES);
	for (size_t n = 0; n <= 300; n++)
		body_memset(bytes + BYTES - n, 8, n);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void compares(void)
{
	uint8_t *a = field(), *b = field();

	for (size_t n = 1; n < 3000; n = next_length(n)) {
		uint8_t *x = a + BYTES - n, *y = b + n % 17;

		memset(x, 'm', n);
		memset(y, 'm', n);
		CHECK_EQUAL(body_memcmp(x, y, n), 0);
		for (size_t at = 0; at < n; at += n < 100 ? 1 : n / 29) {
			y[at] = 0xf0;
			y[n - 1] ^= at < n - 1; /* a later difference must not count */
			CHECK_EQUAL(sign(body_memcmp(x, y, n)), -1);
			CHECK_EQUAL(sign(body_memcmp(y, x, n)), 1);
			CHECK_EQUAL(body_memcmp(x, y, at), 0);
			y[n - 1] = 'm';
			y[at] = 'm';
		}
	}
	CHECK_EQUAL(body_memcmp(a + BYTES, b, 0), 0);
}

static void finds(void)
{
	uint8_t *bytes = field();

	memset(bytes, 'x', BYTES);
	for (size_t n = 0; n < 3000; n = next_length(n)) {
		uint8_t *at_end = bytes + BYTES - n;

		CHECK(body_memchr(at_end, 'q', n) == NULL);
		for (size_t at = 0; at < n; at += n < 100 ? 1 : n / 29 + 1) {
			at_end[at] = 'q';
			CHECK(body_memchr(at_end, 'q' + 256, n) == at_end + at);
			CHECK(body_memchr(at_end, 'q', at) == NULL);
			at_end[at] = 'x';
		}
		bytes[n] = 'q'; /* just behind the bytes */
		CHECK(body_memchr(bytes, 'q', n) == NULL);
		bytes[n] = 'x';
	}
}

static void move_any(void)
{
	with_both(moves);
}

static void move_beside_unmapped(void)
{
	with_both(moves_beside_unmapped_pages);
}

static void fill_any(void)
{
	with_both(fills);
}

static void compare_any(void)
{
	with_both(compares);
}

static void find_any(void)
{
	with_both(finds);
}

int main(void)
{
	return RUN(TEST(move_any), TEST(move_beside_unmapped), TEST(fill_any), TEST(compare_any),
		TEST(find_any));
}
