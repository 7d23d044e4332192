/*
 * What the stack allocator needs of the extent allocator, beside diatom/memory.h.
 */
#ifndef DIATOM_CORE_EXTENT_H
#define DIATOM_CORE_EXTENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reserves the heap's first `bytes` for fiber stacks (abi/boot.h: stack i is the heap's bytes
 * [i * stack_bytes, (i+1) * stack_bytes)). Grows only. False (counted) when extents are in the way.
 */
bool extent_claim_low(size_t bytes);

#endif
