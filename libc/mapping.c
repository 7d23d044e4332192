/*
 * Anonymous memory for malloc and whoever calls mmap: extents of the heap (diatom/memory.h).
 *
 * Each mapping is remembered, ordered by address:
 *
 *     start                                        start + bytes
 *     | part still mapped | part unmapped | part still mapped |        extent of `bytes`, rounded up
 *
 * An extent is given back when all of it is unmapped, in however many pieces (programs that align map
 * too much and trim both ends). Protection can't change in a sealed image: mprotect to anything that
 * asks for execution fails, the rest is granted and does nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "diatom/memory.h"
#include "libc/calls.h"

#define PAGE 4096

struct mapping {
	uint8_t *start;
	size_t bytes;  /* whole pages, as asked for */
	size_t mapped; /* bytes not unmapped yet */
};

static struct mapping *mappings;
static size_t mapping_count, mapping_room;

static size_t whole_pages(size_t bytes)
{
	return (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* How many mappings start at or below the address. */
static size_t rank_of(const uint8_t *address)
{
	size_t low = 0, high = mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mappings[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room(void)
{
	size_t old = mapping_room * sizeof(*mappings);
	struct mapping *larger;

	if (mapping_count < mapping_room)
		return true;
	larger = (struct mapping *)extent_alloc(old ? 2 * old : PAGE);
	if (!larger)
		return false;
	if (old)
		memcpy(larger, mappings, mapping_count * sizeof(*mappings));
	if (old)
		extent_free(mappings, old);
	mappings = larger;
	mapping_room = (old ? 2 * old : PAGE) / sizeof(*mappings);
	return true;
}

long libc_mmap(long address, long length, long protection, long flags, long fd, long offset)
{
	size_t bytes = whole_pages((size_t)length), rank;
	uint8_t *start;

	if (length <= 0 || bytes == 0)
		return length == 0 ? -EINVAL : -ENOMEM;
	if (!(flags & MAP_ANONYMOUS))
		return -EBADF;
	if (flags & MAP_FIXED)
		return -EINVAL;
	if (protection & PROT_EXEC)
		return -EPERM;
	if (!make_room())
		return -ENOMEM;
	start = (uint8_t *)extent_alloc(bytes);
	if (!start)
		return -ENOMEM;
	memset(start, 0, bytes);
	rank = rank_of(start);
	memmove(&mappings[rank + 1], &mappings[rank], (mapping_count - rank) * sizeof(*mappings));
	mappings[rank] = (struct mapping){ .start = start, .bytes = bytes, .mapped = bytes };
	mapping_count++;
	return (long)start;
}

long libc_munmap(long address, long length)
{
	uint8_t *start = (uint8_t *)address;
	size_t bytes = whole_pages((size_t)length), rank = rank_of(start);
	struct mapping *mapping = rank ? &mappings[rank - 1] : NULL;

	if (length <= 0 || address % PAGE)
		return -EINVAL;
	if (!mapping || (size_t)(start - mapping->start) >= mapping->bytes ||
		bytes > mapping->bytes - (size_t)(start - mapping->start) ||
		bytes > mapping->mapped)
		return -EINVAL;
	mapping->mapped -= bytes;
	if (mapping->mapped > 0)
		return 0;
	extent_free(mapping->start, mapping->bytes);
	memmove(mapping, mapping + 1, (mapping_count - rank) * sizeof(*mappings));
	mapping_count--;
	return 0;
}

long libc_mprotect(long address, long length, long protection)
{
	return protection & PROT_EXEC ? -EPERM : 0;
}

/* Advice is not taken, except where it has a meaning that programs rely on: zero pages. */
long libc_madvise(long address, long length, long advice)
{
	if (advice == MADV_DONTNEED)
		memset((void *)address, 0, (size_t)length);
	return 0;
}

/* There is no break: its end is where it starts, so malloc takes mappings. */
long libc_brk(long end)
{
	return 0;
}
