/*
 * Pools: equal objects, cut from slabs as they are first needed.
 *
 *     slab (one extent)   | object | object | object | fresh ...          | tail |
 *                                                    ^ fresh     ^ fresh_end
 *
 * Freed objects form a stack, linked through their first bytes: the last one freed, still in the
 * cache, is the next one given. Slabs grow with the pool, from 4 KiB to 2 MiB, so a small pool stays
 * small and a large one has few extents. An extent is aligned to its size, so no object crosses a
 * 2 MiB page.
 */
#include <string.h>

#include "diatom/assert.h"
#include "diatom/memory.h"
#include "plat/hooks.h"

#define SLAB_BYTES_MIN KIBIBYTES(4)
#define SLAB_BYTES_MAX MEBIBYTES(2)

static struct pool *pools;

static size_t stride_of(const struct pool *pool)
{
	size_t alignment = pool->alignment ? pool->alignment : 16;

	return (pool->object_bytes + alignment - 1) & ~(alignment - 1);
}

/* The size of the next slab: half of what there is, no more than the limit leaves. */
static size_t slab_bytes(const struct pool *pool, size_t stride)
{
	size_t wanted = pool->used * stride / 2, bytes = SLAB_BYTES_MIN;

	if (pool->limit && wanted > (pool->limit - pool->used) * stride)
		wanted = (pool->limit - pool->used) * stride;
	if (wanted < stride)
		wanted = stride;
	while (bytes < wanted && (bytes < SLAB_BYTES_MAX || bytes < stride))
		bytes *= 2;
	return bytes;
}

static bool slab_add(struct pool *pool, size_t stride)
{
	size_t bytes = slab_bytes(pool, stride);
	uint8_t *slab = extent_alloc(bytes);

	while (!slab && bytes / 2 >= stride && bytes > SLAB_BYTES_MIN)
		slab = extent_alloc(bytes /= 2);
	if (!slab)
		return false;
	if (!pool->fresh_end) { /* its first */
		ASSERT(pool->object_bytes >= sizeof(void *));
		ASSERT((pool->alignment & (pool->alignment - 1)) == 0);
		pool->next_pool = pools;
		pools = pool;
	}
	pool->fresh = slab;
	pool->fresh_end = slab + bytes / stride * stride;
	hook_poison(slab, bytes);
	return true;
}

/* An object that was never used. */
static void *fresh_take(struct pool *pool)
{
	size_t stride = stride_of(pool);
	void *object;

	if (pool->limit && pool->used >= pool->limit)
		return NULL;
	if (pool->fresh == pool->fresh_end && !slab_add(pool, stride))
		return NULL;
	object = pool->fresh;
	pool->fresh = (uint8_t *)pool->fresh + stride;
	return object;
}

void *pool_alloc(struct pool *pool)
{
	void *object = pool->free_list;

	if (object) {
		hook_unpoison(object, pool->object_bytes);
		pool->free_list = *(void **)object;
	} else {
		object = fresh_take(pool);
		if (!object) {
			pool->refused++;
			return NULL;
		}
		hook_unpoison(object, pool->object_bytes);
	}
	if (++pool->used > pool->high_water)
		pool->high_water = pool->used;
	return object;
}

void *pool_alloc_zeroed(struct pool *pool)
{
	void *object = pool_alloc(pool);

	return object ? memset(object, 0, pool->object_bytes) : NULL;
}

void pool_free(struct pool *pool, void *object)
{
	if (!object)
		return;
	ASSERT(pool->used > 0 && object != pool->free_list);
	*(void **)object = pool->free_list;
	pool->free_list = object;
	pool->used--;
	hook_poison(object, pool->object_bytes);
}

const struct pool *pool_first(void)
{
	return pools;
}
