/*
 * RDRAND where the CPU has it. Without it, a mixed counter whose start is the time stamp of many port
 * accesses and what the loader gave: hard to guess from the network, not for who shares the host.
 */
#include "shim/seed.h"

#include <stdbool.h>

#include "shim/machine.h"

#define HAS_RDRAND  (1U << 30) /* CPUID 1, ecx */
#define RETRIES	    10	       /* Intel: more never help */
#define UNUSED_PORT 0x80
#define LOOKS	    32

static bool has_rdrand;
static uint64_t state;

/* A permutation of 64 bits in which each bit of the input moves half of the output's (splitmix64). */
static uint64_t mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static bool rdrand(uint64_t *value)
{
	unsigned char is_good;

	__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=q"(is_good));
	return is_good;
}

void seed_begin(const uint64_t *words, uint64_t count)
{
	has_rdrand = (cpuid_read(1, 0).c & HAS_RDRAND) != 0;
	for (uint64_t i = 0; i < count; i++)
		state = mix(state ^ words[i]);
	state = mix(state ^ tsc_read());
	for (unsigned i = 0; i < LOOKS && !has_rdrand; i++) {
		port_write8(UNUSED_PORT, (uint8_t)i);
		state = mix(state ^ tsc_read());
	}
}

uint64_t seed_next(void)
{
	uint64_t value;

	state = mix(state ^ tsc_read());
	for (unsigned i = 0; i < RETRIES && has_rdrand; i++)
		if (rdrand(&value))
			return value ^ state;
	return mix(state);
}
