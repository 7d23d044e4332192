/*
 * FIPS 180-4, 5.1.1 (padding), 6.1.2 (the compression function).
 */
#include "base/sha1.h"

#include "base/endian.h"

#define BLOCK_BYTES 64
#define LENGTH_AT   56

static uint32_t rotate(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

/* 4.1.1 and 4.2.1 */
static uint32_t round_function(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) ^ (~b & d)) + 0x5a827999u;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (t < 60)
		return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

static void compress(uint32_t state[5], const uint8_t *block)
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (unsigned t = 0; t < 16; t++)
		w[t] = be32_at(block + 4 * t);
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t sum = rotate(a, 5) + round_function(t, b, c, d) + e + w[t];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = sum;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void sha1(struct view bytes, uint8_t digest[SHA1_BYTES])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t last[2 * BLOCK_BYTES] = { 0 };
	size_t whole = bytes.length / BLOCK_BYTES * BLOCK_BYTES, rest = bytes.length - whole;
	size_t padded = rest < LENGTH_AT ? BLOCK_BYTES : 2 * BLOCK_BYTES;

	for (size_t at = 0; at < whole; at += BLOCK_BYTES)
		compress(state, bytes.data + at);
	if (rest > 0)
		memcpy(last, bytes.data + whole, rest);
	last[rest] = 0x80;
	be64_to(last + padded - 8, (uint64_t)bytes.length * 8);
	for (size_t at = 0; at < padded; at += BLOCK_BYTES)
		compress(state, last + at);
	for (unsigned i = 0; i < 5; i++)
		be32_to(digest + 4 * i, state[i]);
}
