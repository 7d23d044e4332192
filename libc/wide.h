/*
 * The memory functions (copy.c, fill.c, compare.c, find.c) work with 16-byte registers on any x86-64
 * and with 32-byte ones where the host says that the CPU has AVX2: CPUID can't be asked in ring 3.
 *
 * They are compiled without LTO and without builtins, or the compiler would see memcpy's loop and
 * call memcpy.
 */
#ifndef DIATOM_LIBC_WIDE_H
#define DIATOM_LIBC_WIDE_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool wide_is_on;

/* Called once, before any of the memory functions. */
void wide_choose(uint64_t cpu_features);

#define WIDE __attribute__((target("avx2"), noinline))

/* Another name of a function; one that a test renames is meant by its new name. */
#define SAME_AS(function)      SAME_AS_TEXT(function)
#define SAME_AS_TEXT(function) __attribute__((alias(#function)))

/* Loads and stores at any alignment; structs with these attributes may alias anything. */
struct unaligned16 {
	uint16_t value;
} __attribute__((packed, may_alias));
struct unaligned32 {
	uint32_t value;
} __attribute__((packed, may_alias));
struct unaligned64 {
	uint64_t value;
} __attribute__((packed, may_alias));

#define AT16(pointer)		 (((struct unaligned16 *)(pointer))->value)
#define AT32(pointer)		 (((struct unaligned32 *)(pointer))->value)
#define AT64(pointer)		 (((struct unaligned64 *)(pointer))->value)

#define LOAD16B(pointer)	 _mm_loadu_si128((const __m128i *)(pointer))
#define STORE16B(pointer, value) _mm_storeu_si128((__m128i *)(pointer), (value))
#define LOAD32B(pointer)	 _mm256_loadu_si256((const __m256i *)(pointer))
#define STORE32B(pointer, value) _mm256_storeu_si256((__m256i *)(pointer), (value))

#endif
