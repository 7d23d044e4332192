/*
 * Random numbers: ChaCha20 with fast key erasure (Bernstein, "Fast-key-erasure random-number
 * generators", 2017). Each refill makes eight blocks with the key:
 *
 *     | next key 32 | handed out from here on, and zeroed as it goes ...            480 |
 *
 * and the key is replaced at once. So who reads the state later learns nothing that was handed out
 * before.
 */
#include "diatom/random.h"

#include <stdbool.h>
#include <string.h>

#include "core/chacha.h"
#include "diatom/assert.h"
#include "plat/plat.h"

#define BLOCKS	      8
#define COLLECT_EVERY 128 /* refills: about 64 KiB */

/* The entropy device's driver, in images that declare one; else NULL. */
void random_collect(void) __attribute__((weak, visibility("hidden")));

static struct {
	uint8_t key[CHACHA_KEY_BYTES];
	uint8_t bytes[BLOCKS * CHACHA_BLOCK_BYTES];
	size_t left;	  /* of bytes, at its end, not handed out */
	unsigned refills; /* since entropy was collected */
	bool is_seeded;
} state;

/* Overwrites what must not stay, even where the compiler sees no later reader. */
static void erase(void *bytes, size_t length)
{
	memset(bytes, 0, length);
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

static void refill(void)
{
	static const uint8_t nonce[12];

	for (uint32_t i = 0; i < BLOCKS; i++)
		chacha_block(&state.bytes[i * CHACHA_BLOCK_BYTES], state.key, i, nonce);
	state.refills++;
	memcpy(state.key, state.bytes, sizeof(state.key));
	erase(state.bytes, sizeof(state.key));
	state.left = sizeof(state.bytes) - sizeof(state.key);
}

/* Absorbs entropy, 32 bytes at a time: added to the key, which then goes through the cipher. */
static void absorb(const uint8_t *entropy, size_t length)
{
	while (length > 0) {
		size_t part = length < sizeof(state.key) ? length : sizeof(state.key);

		for (size_t i = 0; i < part; i++)
			state.key[i] ^= entropy[i];
		refill();
		entropy += part;
		length -= part;
	}
}

/* Four words of RDRAND where the CPU has it. A word that fails ten times is left out. */
static void absorb_rdrand(void)
{
	uint64_t words[4] = { 0 };
	unsigned char is_good;

	for (unsigned i = 0; i < 4; i++)
		for (unsigned tries = 0; tries < 10; tries++) {
			__asm__ volatile("rdrand %0; setc %1"
				: "=r"(words[i]), "=qm"(is_good)
				:
				: "cc");
			if (is_good)
				break;
		}
	absorb((const uint8_t *)words, sizeof(words));
	erase(words, sizeof(words));
}

static void collect(void)
{
	state.refills = 0;
	if (random_collect != NULL)
		random_collect();
}

static void seed(void)
{
	state.is_seeded = true;
	absorb(plat_boot->seed, sizeof(plat_boot->seed));
	if (plat_boot->cpu_features & BOOT_CPU_RDRAND)
		absorb_rdrand();
	collect();
}

void random_bytes(void *out, size_t length)
{
	uint8_t *to = (uint8_t *)out;

	if (!state.is_seeded)
		seed();
	else if (state.refills >= COLLECT_EVERY)
		collect();
	while (length > 0) {
		uint8_t *from = state.bytes + sizeof(state.bytes) - state.left;
		size_t part = length < state.left ? length : state.left;

		memcpy(to, from, part);
		erase(from, part);
		state.left -= part;
		to += part;
		length -= part;
		if (state.left == 0)
			refill();
	}
}

void random_add(const void *entropy, size_t length)
{
	if (!state.is_seeded)
		seed();
	absorb((const uint8_t *)entropy, length);
}

uint32_t random_u32(void)
{
	uint32_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

/* Lemire, "Fast random integer generation in an interval": multiply, and draw again in the small
 * part of the range where the result would be biased. */
uint32_t random_below(uint32_t bound)
{
	uint64_t product;
	uint32_t biased;

	ASSERT(bound > 0);
	biased = -bound % bound;
	do
		product = (uint64_t)random_u32() * bound;
	while ((uint32_t)product < biased);
	return (uint32_t)(product >> 32);
}
