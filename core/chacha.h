/*
 * The ChaCha20 block function of RFC 8439, section 2.3: pure.
 */
#ifndef DIATOM_CORE_CHACHA_H
#define DIATOM_CORE_CHACHA_H

#include <stdint.h>

#define CHACHA_KEY_BYTES   32
#define CHACHA_BLOCK_BYTES 64

/* One block of key stream, for a 32-byte key, a block counter and a 12-byte nonce. */
void chacha_block(uint8_t out[CHACHA_BLOCK_BYTES], const uint8_t key[CHACHA_KEY_BYTES],
	uint32_t counter, const uint8_t nonce[12]);

#endif
