/*
 * Memory: extents, pools and arenas over the heap that the host gave.
 *
 *     heap (2 MiB pages)  ->  extents (buddy: powers of two from 4 KiB)  ->  pools  (equal objects)
 *                                                                        ->  arenas (grow, end at once)
 *                                                                        ->  malloc (libc/)
 *
 * Every pool has a limit, a high-water mark and a count of refusals; exhaustion fails the call and is
 * counted, never a hang. None of these functions blocks.
 */
#ifndef DIATOM_MEMORY_H
#define DIATOM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIBIBYTES(n) ((size_t)(n) << 10)
#define MEBIBYTES(n) ((size_t)(n) << 20)

/*
 * At least `bytes` (rounded up to a power of two from 4 KiB, above 2 MiB to whole 2 MiB), aligned to
 * their size up to 2 MiB. Contents are undefined. NULL when the heap can't serve it. Owner: the caller.
 */
void *extent_alloc(size_t bytes);
/* Gives back what extent_alloc(bytes) gave; NULL is allowed. A wrong address or size, or a second
 * free, stops the image. */
void extent_free(void *extent, size_t bytes);

struct memory_usage {
	size_t heap_bytes;
	size_t used_bytes;
	size_t high_water_bytes;
	uint64_t refused; /* allocations that failed */
};
struct memory_usage memory_usage(void);

/* A pool of equal objects, its slabs taken from extents as needed. */
struct pool {
	const char *name;
	size_t object_bytes; /* at least 8 */
	size_t limit;	     /* objects at once; 0: as many as memory allows */
	size_t alignment;    /* power of two; 0: 16 */
	/* Kept by the pool: */
	size_t used;
	size_t high_water;
	uint64_t refused;
	void *free_list;
	void *fresh, *fresh_end; /* never used part of the newest slab */
	struct pool *next_pool;	 /* all pools with a slab, for reports */
};

#define POOL(pool_name, bytes, most)                                                               \
	{ .name = (pool_name), .object_bytes = (bytes), .limit = (most) }

/* An object with undefined contents, or NULL at the limit or the end of memory (counted). O(1). */
void *pool_alloc(struct pool *pool);
/* The same, zero-filled. */
void *pool_alloc_zeroed(struct pool *pool);
/* Gives an object back; NULL is allowed. O(1). Slabs stay with the pool. */
void pool_free(struct pool *pool, void *object);
/* The first of all pools in use, linked by next_pool. */
const struct pool *pool_first(void);

/* An arena: allocations that end together. Zero-initialise; `limit` is optional. */
struct arena {
	size_t limit; /* bytes; 0: none */
	size_t used;
	struct arena_chunk *chunks;
	uint8_t *next, *end;
};

/* Zero-filled, aligned to 16 (arena_alloc) or unaligned (arena_bytes). NULL at the limit. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_bytes(struct arena *arena, size_t bytes);
/* Frees every allocation; the arena may be used again. */
void arena_clear(struct arena *arena);

#endif
