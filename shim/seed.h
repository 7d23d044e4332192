/*
 * Random numbers for places and for boot_info.seed. What they are worth is said in SECURITY.md.
 */
#ifndef DIATOM_SHIM_SEED_H
#define DIATOM_SHIM_SEED_H

#include <stdint.h>

/* Looks for RDRAND, and stirs what the loader gave into the state. */
void seed_begin(const uint64_t *words, uint64_t count);

uint64_t seed_next(void);

#endif
