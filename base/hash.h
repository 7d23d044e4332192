/*
 * Keyed hash, for tables whose keys come from outside: SipHash (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF"). Who doesn't know the key can't choose inputs that collide, so can't turn
 * a table into a list. Fill the key from diatom/random.h, once a table.
 */
#ifndef DIATOM_BASE_HASH_H
#define DIATOM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k0, k1;
};

/* One SipRound on v[0..3], figure 2.1 of the paper. */
static inline void hash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
	v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
	v[0] = v[0] << 32 | v[0] >> 32;
	v[2] += v[1];
	v[0] += v[3];
	v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
	v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
	v[2] = v[2] << 32 | v[2] >> 32;
}

static inline void hash_word(uint64_t v[4], uint64_t word, unsigned rounds)
{
	v[3] ^= word;
	for (unsigned i = 0; i < rounds; i++)
		hash_round(v);
	v[0] ^= word;
}

/* SipHash with `word_rounds` rounds a word and `end_rounds` at the end. */
static inline uint64_t hash_sip(const struct hash_key *key, const void *data, size_t length,
	unsigned word_rounds, unsigned end_rounds)
{
	uint64_t v[4] = { key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d), key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573) };
	const uint8_t *next = (const uint8_t *)data;
	size_t left = length;
	uint64_t word;

	for (; left >= 8; left -= 8, next += 8) {
		memcpy(&word, next, 8);
		hash_word(v, word, word_rounds);
	}
	word = 0;
	if (left)
		memcpy(&word, next, left);
	hash_word(v, word | (uint64_t)(length & 0xff) << 56, word_rounds);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < end_rounds; i++)
		hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* SipHash-1-3: what tables use. `data` may be NULL when length is 0. About 10 ns for 16 bytes. */
static inline uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length)
{
	return hash_sip(key, data, length, 1, 3);
}

#endif
