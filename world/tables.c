/*
 *     root (512 GiB an entry) -> directory pointers (1 GiB) -> directory (2 MiB) -> table (4 KiB)
 *
 * Rights are decided in the last level; the levels above allow everything.
 */
#include "world/tables.h"

#include <stddef.h>

static uint64_t *table_at(struct tables *tables, uint64_t physical)
{
	return (uint64_t *)(void *)(tables->host + physical);
}

static uint64_t take_page(struct tables *tables)
{
	uint64_t page = tables->next;

	if (!tables->is_zero)
		__builtin_memset(table_at(tables, page), 0, PAGE_BYTES);
	tables->next += PAGE_BYTES;
	return page;
}

void tables_init(struct tables *tables, uint8_t *host, uint64_t start, uint64_t end, bool is_zero)
{
	*tables = (struct tables){
		.host = host, .root = start, .next = start, .end = end, .is_zero = is_zero
	};
	take_page(tables);
}

/* The table below an entry, made if it isn't there; NULL when there is no room. */
static uint64_t *descend(struct tables *tables, uint64_t *entry)
{
	if ((*entry & ENTRY_PRESENT) == 0) {
		if (tables->next + PAGE_BYTES > tables->end) {
			tables->is_full = true;
			return NULL;
		}
		*entry = take_page(tables) | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER |
			 ENTRY_ACCESSED;
	}
	return table_at(tables, *entry & ENTRY_ADDRESS);
}

static unsigned index_at(uint64_t virtual, unsigned shift)
{
	return (virtual >> shift) % TABLE_ENTRIES;
}

/* The level that holds the leaves of `virtual`. */
static uint64_t *leaf_table(struct tables *tables, uint64_t virtual, bool is_large)
{
	uint64_t *table = table_at(tables, tables->root);

	for (unsigned shift = 39; shift >= (is_large ? 30U : 21U) && table != NULL; shift -= 9)
		table = descend(tables, &table[index_at(virtual, shift)]);
	return table;
}

static uint64_t flags_of(unsigned rights)
{
	uint64_t flags = ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_DIRTY;

	flags |= (rights & PAGE_WRITE) != 0 ? ENTRY_WRITABLE : 0;
	flags |= (rights & PAGE_EXECUTE) != 0 ? 0 : ENTRY_NO_EXECUTE;
	flags |= (rights & PAGE_USER) != 0 ? ENTRY_USER : 0;
	return flags;
}

void tables_map(struct tables *tables, uint64_t virtual, uint64_t physical, uint64_t bytes,
	unsigned rights, bool is_large)
{
	uint64_t page = is_large ? LARGE_BYTES : PAGE_BYTES;
	unsigned shift = is_large ? 21 : 12;
	uint64_t flags = flags_of(rights) | (is_large ? ENTRY_LARGE : 0);
	uint64_t *table = NULL;

	for (uint64_t done = 0; done < bytes; done += page) {
		unsigned index = index_at(virtual + done, shift);

		if (table == NULL || index == 0)
			table = leaf_table(tables, virtual + done, is_large);
		if (table == NULL)
			return;
		table[index] = (physical + done) | flags;
	}
}

/* The inner loop is short: where ring 0 is emulated, an instruction takes a microsecond. */
void tables_map_window(struct tables *tables, uint64_t virtual, uint64_t physical, uint64_t bytes,
	uint64_t count, unsigned rights)
{
	uint64_t flags = flags_of(rights), entry = physical | flags;
	unsigned index = index_at(virtual, 12), hole = 1, pages = (unsigned)(bytes / PAGE_BYTES);
	uint64_t *table = leaf_table(tables, virtual, false);

	for (uint64_t left = count * (pages + 1); left > 0 && table != NULL; left--) {
		if (--hole == 0) {
			hole = pages + 1;
		} else {
			table[index] = entry;
			entry += PAGE_BYTES;
		}
		virtual += PAGE_BYTES;
		if (++index == TABLE_ENTRIES && left > 1) {
			index = 0;
			table = leaf_table(tables, virtual, false);
		}
	}
}

uint64_t tables_pages_for(uint64_t bytes, bool is_large)
{
	uint64_t directories = bytes / GIANT_BYTES + 2;
	uint64_t leaves = is_large ? 0 : bytes / LARGE_BYTES + 2;

	return 1 + directories + leaves;
}
