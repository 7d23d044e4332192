/*
 * Loads and stores of network-order integers at any alignment.
 */
#ifndef DIATOM_BASE_ENDIAN_H
#define DIATOM_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

static inline uint16_t be16_at(const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap16(value);
}

static inline uint32_t be32_at(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t be64_at(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap64(value);
}

static inline void be16_to(uint8_t *p, uint16_t value)
{
	value = __builtin_bswap16(value);
	memcpy(p, &value, sizeof(value));
}

static inline void be32_to(uint8_t *p, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(p, &value, sizeof(value));
}

static inline void be64_to(uint8_t *p, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(p, &value, sizeof(value));
}

#endif
