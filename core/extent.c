/*
 * Extents: a buddy allocator over the heap, built while it is used: nothing is written at start, for
 * the first touch of memory is what costs a young image its microseconds.
 *
 *     heap    | stacks -->|        never handed out        |<-- blocks, used and free | map |
 *     page    0          low                              high                      pages
 *
 * Fiber stacks come from the low end (they are the same memory as the stack window, see abi/boot.h),
 * blocks from the high end. A block is 2^order pages, order 0..9 (4 KiB..2 MiB), aligned to its
 * size; larger extents are runs of 2 MiB blocks. Freed blocks merge with their free buddies and wait
 * in a list for each order; those at `high` go back to the middle.
 *
 * The map has one byte a page; the first page of a block says what it is, the others say 0:
 *
 *     0x80 | order  in use       0x40 | order  free       0xa0  run in use; its length in 2 MiB
 *                                                         blocks is in the four bytes that follow
 *
 * So every free is checked: a wrong address, a wrong size or a second free stops the image.
 */
#include "core/extent.h"

#include <stdint.h>
#include <string.h>

#include "diatom/assert.h"
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "plat/hooks.h"
#include "plat/plat.h"

#define PAGE_SHIFT  12
#define PAGE_BYTES  ((size_t)1 << PAGE_SHIFT)
#define CHUNK_ORDER 9 /* 2 MiB */
#define CHUNK_PAGES ((size_t)1 << CHUNK_ORDER)
#define CHUNK_BYTES (CHUNK_PAGES << PAGE_SHIFT)
#define NO_PAGE	    SIZE_MAX

enum { MAP_USED = 0x80, MAP_FREE = 0x40, MAP_RUN = 0xa0 };

struct free_block {
	struct free_block *next;
	struct free_block **link; /* what points here */
};

static struct {
	uint8_t *start; /* NULL: not used yet */
	uint8_t *map;
	size_t pages; /* that blocks may cover: all but the map's own */
	size_t low, high;
	struct free_block *free[CHUNK_ORDER + 1];
	size_t free_chunks; /* blocks in free[CHUNK_ORDER] */
	size_t used_bytes, high_water_bytes;
} heap;

COUNTER(extent_refused, "memory.extent_refused", "extents that the heap could not serve");

static void heap_start(void)
{
	size_t pages = plat_boot->memory.heap_bytes >> PAGE_SHIFT;
	size_t map_pages = (pages + PAGE_BYTES - 1) >> PAGE_SHIFT;

	ASSERT(plat_boot->memory.heap % CHUNK_BYTES == 0 && pages > map_pages);
	heap.start = (uint8_t *)plat_boot->memory.heap;
	heap.pages = pages - map_pages;
	heap.map = heap.start + (heap.pages << PAGE_SHIFT);
	if (!plat_heap_is_zeroed())
		memset(heap.map, 0, map_pages << PAGE_SHIFT);
	heap.high = heap.pages;
}

static inline struct free_block *block_at(size_t page)
{
	return (struct free_block *)(heap.start + (page << PAGE_SHIFT));
}

static inline size_t page_of(const void *block)
{
	return (size_t)((const uint8_t *)block - heap.start) >> PAGE_SHIFT;
}

static void list_put(size_t page, unsigned order)
{
	struct free_block *block = block_at(page), **head = &heap.free[order];

	block->next = *head;
	block->link = head;
	if (block->next)
		block->next->link = &block->next;
	*head = block;
	heap.map[page] = (uint8_t)(MAP_FREE | order);
	heap.free_chunks += order == CHUNK_ORDER;
	hook_poison(block + 1, (PAGE_BYTES << order) - sizeof(*block));
}

static void list_take(size_t page, unsigned order)
{
	struct free_block *block = block_at(page);

	ASSERT(heap.map[page] == (MAP_FREE | order) && *block->link == block);
	*block->link = block->next;
	if (block->next)
		block->next->link = block->link;
	heap.map[page] = 0;
	heap.free_chunks -= order == CHUNK_ORDER;
	hook_unpoison(block, PAGE_BYTES << order);
}

/* Frees a block, merged with its buddies as far as they are free. */
static void block_put(size_t page, unsigned order)
{
	heap.map[page] = 0;
	while (order < CHUNK_ORDER) {
		size_t buddy = page ^ ((size_t)1 << order);

		if (buddy < heap.high || buddy >= heap.pages ||
			heap.map[buddy] != (MAP_FREE | order))
			break;
		list_take(buddy, order);
		page &= buddy;
		order++;
	}
	list_put(page, order);
}

/* The same, and what then lies at the edge of the middle goes back to it: stacks may want it. */
static void block_free(size_t page, unsigned order)
{
	block_put(page, order);
	while (heap.high < heap.pages && heap.map[heap.high] & MAP_FREE) {
		order = heap.map[heap.high] & 0xf;
		list_take(heap.high, order);
		heap.high += (size_t)1 << order;
	}
}

/*
 * `pages` (a power of two up to a chunk, or whole chunks) from below `high`, aligned to the smaller
 * of their size and a chunk. What alignment leaves over becomes free blocks.
 */
static size_t carve(size_t pages)
{
	size_t alignment = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
	size_t end = heap.high & ~(alignment - 1);

	if (end < pages || end - pages < heap.low)
		return NO_PAGE;
	while (heap.high > end) {
		unsigned order = (unsigned)__builtin_ctzl(heap.high);

		heap.high -= (size_t)1 << order;
		block_put(heap.high, order);
	}
	heap.high -= pages;
	return heap.high;
}

/* A block out of the free lists, split as needed; else from the untouched middle. */
static size_t block_take(unsigned order)
{
	unsigned have = order;
	size_t page;

	while (have <= CHUNK_ORDER && !heap.free[have])
		have++;
	if (have > CHUNK_ORDER) {
		page = carve((size_t)1 << order);
	} else {
		page = page_of(heap.free[have]);
		list_take(page, have);
		while (have > order) {
			have--;
			list_put(page + ((size_t)1 << have), have);
		}
	}
	if (page != NO_PAGE)
		heap.map[page] = (uint8_t)(MAP_USED | order);
	return page;
}

/* `chunks` free chunks side by side, or NO_PAGE. */
static size_t run_find(size_t chunks)
{
	size_t found = 0;

	if (heap.free_chunks < chunks)
		return NO_PAGE;
	for (size_t page = heap.pages & ~(CHUNK_PAGES - 1); page > heap.high;) {
		page -= CHUNK_PAGES;
		if (page < heap.high)
			break;
		found = heap.map[page] == (MAP_FREE | CHUNK_ORDER) ? found + 1 : 0;
		if (found == chunks)
			return page;
	}
	return NO_PAGE;
}

static size_t run_take(size_t chunks)
{
	uint32_t length = (uint32_t)chunks;
	size_t page = run_find(chunks);

	if (page == NO_PAGE)
		page = carve(chunks * CHUNK_PAGES);
	else
		for (size_t i = 0; i < chunks; i++)
			list_take(page + i * CHUNK_PAGES, CHUNK_ORDER);
	if (page != NO_PAGE) {
		heap.map[page] = MAP_RUN;
		memcpy(&heap.map[page + 1], &length, sizeof(length));
	}
	return page;
}

static void run_put(size_t page, size_t chunks)
{
	uint32_t length;

	memcpy(&length, &heap.map[page + 1], sizeof(length));
	ASSERT(length == chunks);
	memset(&heap.map[page], 0, 1 + sizeof(length));
	for (size_t i = 0; i < chunks; i++)
		block_free(page + i * CHUNK_PAGES, CHUNK_ORDER);
}

static unsigned order_of(size_t bytes)
{
	if (bytes <= PAGE_BYTES)
		return 0;
	return 64 - PAGE_SHIFT - (unsigned)__builtin_clzl(bytes - 1);
}

static size_t rounded(size_t bytes)
{
	if (bytes > CHUNK_BYTES)
		return (bytes + CHUNK_BYTES - 1) & ~(CHUNK_BYTES - 1);
	return PAGE_BYTES << order_of(bytes);
}

static void use_bytes(size_t bytes)
{
	heap.used_bytes += bytes;
	if (heap.used_bytes > heap.high_water_bytes)
		heap.high_water_bytes = heap.used_bytes;
}

void *extent_alloc(size_t bytes)
{
	size_t page = NO_PAGE;

	if (!heap.start)
		heap_start();
	if (bytes <= CHUNK_BYTES)
		page = block_take(order_of(bytes));
	else if (bytes <= heap.pages << PAGE_SHIFT)
		page = run_take(rounded(bytes) / CHUNK_BYTES);
	if (page == NO_PAGE) {
		count(&extent_refused);
		return NULL;
	}
	use_bytes(rounded(bytes));
	return block_at(page);
}

void extent_free(void *extent, size_t bytes)
{
	size_t offset, page;

	if (!extent)
		return;
	offset = (size_t)((uint8_t *)extent - heap.start);
	page = offset >> PAGE_SHIFT;
	ASSERT(heap.start && offset % PAGE_BYTES == 0 && page >= heap.high && page < heap.pages);
	if (bytes > CHUNK_BYTES) {
		ASSERT(heap.map[page] == MAP_RUN);
		run_put(page, rounded(bytes) / CHUNK_BYTES);
	} else {
		ASSERT(heap.map[page] == (MAP_USED | order_of(bytes)));
		block_free(page, order_of(bytes));
	}
	heap.used_bytes -= rounded(bytes);
}

bool extent_claim_low(size_t bytes)
{
	size_t pages = (bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;

	if (!heap.start)
		heap_start();
	if (pages > heap.high) {
		count(&extent_refused);
		return false;
	}
	if (pages > heap.low) {
		use_bytes((pages - heap.low) << PAGE_SHIFT);
		heap.low = pages;
	}
	return true;
}

struct memory_usage memory_usage(void)
{
	return (struct memory_usage){
		.heap_bytes = plat_boot->memory.heap_bytes,
		.used_bytes = heap.used_bytes,
		.high_water_bytes = heap.high_water_bytes,
		.refused = extent_refused.value,
	};
}
