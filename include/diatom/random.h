/*
 * Random numbers: ChaCha20 (RFC 8439 block function) with fast key erasure, keyed from the host's
 * seed in boot info, RDRAND where the CPU has it and the entropy device where the image declares
 * one; rekeyed with each 480 bytes. Fit for keys, sequence numbers and ids. Never blocks or fails.
 */
#ifndef DIATOM_RANDOM_H
#define DIATOM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t length);
uint32_t random_u32(void);
uint64_t random_u64(void);
/* Uniform in [0, bound), bound > 0. */
uint32_t random_below(uint32_t bound);
/* Mixes further entropy into the key. */
void random_add(const void *entropy, size_t length);

#endif
