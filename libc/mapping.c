/*
 * Anonymous memory for malloc and whoever calls mmap: extents of the heap (diatom/memory.h).
 *
 * Each mapping is remembered, ordered by address:
 *
 *     start          low                high       start + bytes
 *     | unmapped     | still mapped     | unmapped |                    extent of `bytes`, rounded up
 *
 * An extent is given back when all of it is unmapped: at once, or from its ends inwards (programs that
 * align map too much and trim both). A hole in its middle stays ours until then, so that unmapping
 * pages twice, which Linux allows, frees nothing that is in use. Protection can't change in a sealed image: mprotect to anything that
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
	size_t bytes;	  /* whole pages, as asked for */
	size_t low, high; /* from `start`: what is not unmapped yet */
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
	mappings[rank] = (struct mapping){ .start = start, .bytes = bytes, .high = bytes };
	mapping_count++;
	return (long)start;
}

/* The mapping that all of [address, address + bytes) was once part of, or NULL. */
static struct mapping *find(const uint8_t *address, size_t bytes)
{
	size_t rank = rank_of(address), offset;
	struct mapping *mapping;

	if (rank == 0)
		return NULL;
	mapping = &mappings[rank - 1];
	offset = (size_t)(address - mapping->start);
	return offset < mapping->bytes && bytes <= mapping->bytes - offset ? mapping : NULL;
}

static void forget(struct mapping *mapping)
{
	size_t after = mapping_count - (size_t)(mapping - mappings) - 1;

	extent_free(mapping->start, mapping->bytes);
	memmove(mapping, mapping + 1, after * sizeof(*mappings));
	mapping_count--;
}

long libc_munmap(long address, long length)
{
	const uint8_t *at = (const uint8_t *)address;
	struct mapping *mapping;
	size_t start, end;

	if (length <= 0 || address % PAGE)
		return -EINVAL;
	mapping = find(at, whole_pages((size_t)length));
	if (!mapping)
		return -EINVAL;
	start = (size_t)(at - mapping->start);
	end = start + whole_pages((size_t)length);
	if (start <= mapping->low && end > mapping->low)
		mapping->low = end;
	if (end >= mapping->high && start < mapping->high)
		mapping->high = start;
	if (mapping->low >= mapping->high)
		forget(mapping);
	return 0;
}

long libc_mprotect(long address, long length, long protection)
{
	return protection & PROT_EXEC ? -EPERM : 0;
}

/* Advice is not taken, except where it has a meaning that programs rely on: zero pages. */
long libc_madvise(long address, long length, long advice)
{
	if (advice != MADV_DONTNEED || length == 0)
		return 0;
	if (length < 0 || address % PAGE)
		return -EINVAL;
	if (!find((const uint8_t *)address, whole_pages((size_t)length)))
		return -ENOMEM;
	memset((void *)address, 0, whole_pages((size_t)length));
	return 0;
}

/* There is no break: its end is where it starts, so malloc takes mappings. */
long libc_brk(long end)
{
	return 0;
}
