/*
 * ChaCha20's block function: twenty rounds over a 4x4 matrix of 32-bit words,
 *
 *     constants | key (8 words) | counter | nonce (3 words)        RFC 8439, section 2.3
 *
 * which is then added to the result. All integers are little-endian, as this machine is.
 */
#include "core/chacha.h"

#include <string.h>

#define ROTATE(value, by) ((value) << (by) | (value) >> (32 - (by)))

/* RFC 8439, section 2.1. */
static inline void quarter_round(uint32_t x[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[a] += x[b];
	x[d] = ROTATE(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = ROTATE(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = ROTATE(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = ROTATE(x[b] ^ x[c], 7);
}

void chacha_block(uint8_t out[CHACHA_BLOCK_BYTES], const uint8_t key[CHACHA_KEY_BYTES],
	uint32_t counter, const uint8_t nonce[12])
{
	uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];

	memcpy(&start[4], key, CHACHA_KEY_BYTES);
	start[12] = counter;
	memcpy(&start[13], nonce, 12);
	memcpy(x, start, sizeof(x));
	for (unsigned i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (unsigned i = 0; i < 16; i++)
		x[i] += start[i];
	memcpy(out, x, CHACHA_BLOCK_BYTES);
}
