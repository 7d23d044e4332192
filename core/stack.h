/*
 * Fiber stacks out of the stack window (abi/boot.h).
 */
#ifndef DIATOM_CORE_STACK_H
#define DIATOM_CORE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "plat/plat.h"

#define STACK_NONE UINT32_MAX

/* The number of a free stack, or STACK_NONE (counted) when the window or memory ends. */
uint32_t stack_alloc(void);
void stack_free(uint32_t stack);
/* Marks it as the fiber's, for whoever looks at a crashed image: in the stack's highest word, which
 * stays the mark's. */
void stack_own(uint32_t stack, const void *fiber);

static inline size_t stack_bytes(void)
{
	return plat_boot->memory.stack_bytes;
}

/* Its lowest byte; the page below is a guard. */
static inline uint8_t *stack_low(uint32_t stack)
{
	const struct boot_memory *memory = &plat_boot->memory;

	return (uint8_t *)memory->stacks + stack * (memory->stack_bytes + BOOT_PAGE_BYTES) +
	       BOOT_PAGE_BYTES;
}

#endif
