/*
 * Stacks: the window's stacks are first used in order; those given back are used first again, while
 * they are warm. The highest word of a stack says whose it is, or, when it is free, which one is free
 * after it (abi/inside.h). A stack is never returned to the heap.
 *
 * This file is linked into images that start fibers, and only there: so its note, which has no
 * wishes, is what makes the host build a stack window.
 */
#include "core/stack.h"

#include "abi/inside.h"
#include "abi/manifest.h"
#include "core/extent.h"
#include "diatom/counter.h"

MANIFEST_NOTE(diatom_stacks, MANIFEST_STACKS, struct manifest_stacks, 0);

COUNTER(stack_refused, "fiber.stack_refused", "fibers not started: no stack was left");

static uint32_t carved;			 /* stacks [0, carved) were used */
static uint32_t free_first = STACK_NONE; /* of those that are free now */

static uint64_t *top_word(uint32_t stack)
{
	return (uint64_t *)(stack_low(stack) + stack_bytes() - 8);
}

uint32_t stack_alloc(void)
{
	const struct boot_memory *memory = &plat_boot->memory;
	uint32_t stack = free_first;

	if (stack != STACK_NONE) {
		free_first = (uint32_t)*top_word(stack);
		return stack;
	}
	if (!memory->stacks || carved >= memory->stack_count ||
		!extent_claim_low((carved + (size_t)1) * memory->stack_bytes)) {
		count(&stack_refused);
		return STACK_NONE;
	}
	plat_guard_install(stack_low(carved) - BOOT_PAGE_BYTES);
	return carved++;
}

void stack_own(uint32_t stack, const void *fiber)
{
	*top_word(stack) = (uint64_t)fiber;
}

void stack_free(uint32_t stack)
{
	*top_word(stack) = INSIDE_STACK_FREE | free_first;
	free_first = stack;
}
