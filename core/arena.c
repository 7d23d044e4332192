/*
 * Arenas: memory that is cut off the end of a chunk and freed all at once. Chunks are extents that
 * double, from 4 KiB to 2 MiB; an allocation too large for that gets a chunk of its size.
 */
#include <string.h>

#include "diatom/memory.h"

#define CHUNK_BYTES_MIN KIBIBYTES(4)
#define CHUNK_BYTES_MAX MEBIBYTES(2)

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
};

_Static_assert(sizeof(struct arena_chunk) == 16, "what follows is aligned to 16");

static bool chunk_add(struct arena *arena, size_t bytes)
{
	size_t size = arena->chunks ? arena->chunks->bytes * 2 : CHUNK_BYTES_MIN;
	struct arena_chunk *chunk;

	if (size > CHUNK_BYTES_MAX)
		size = CHUNK_BYTES_MAX;
	while (size < bytes + sizeof(*chunk))
		size *= 2;
	chunk = extent_alloc(size);
	if (!chunk)
		return false;
	*chunk = (struct arena_chunk){ arena->chunks, size };
	arena->chunks = chunk;
	arena->next = (uint8_t *)(chunk + 1);
	arena->end = (uint8_t *)chunk + size;
	return true;
}

static void *take(struct arena *arena, size_t bytes, size_t alignment)
{
	size_t padding = -(uintptr_t)arena->next & (alignment - 1);
	uint8_t *start;

	if (bytes > PTRDIFF_MAX / 4 ||
		(arena->limit &&
			(arena->used > arena->limit || bytes > arena->limit - arena->used)))
		return NULL;
	if ((size_t)(arena->end - arena->next) < padding ||
		(size_t)(arena->end - arena->next) - padding < bytes || !arena->next) {
		if (!chunk_add(arena, bytes))
			return NULL;
		padding = 0;
	}
	start = arena->next + padding;
	arena->next = start + bytes;
	arena->used += bytes;
	return memset(start, 0, bytes);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	return take(arena, bytes, 16);
}

void *arena_bytes(struct arena *arena, size_t bytes)
{
	return take(arena, bytes, 1);
}

void arena_clear(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		extent_free(chunk, chunk->bytes);
	}
	*arena = (struct arena){ .limit = arena->limit };
}
