/*
 * Page tables of the guest: four levels, 4 KiB and 2 MiB pages, written once before the first run.
 *
 * The tables lie in guest-physical memory that no entry maps, so nothing that runs in the guest can
 * read or change them, in ring 3 or ring 0.
 */
#ifndef DIATOM_WORLD_TABLES_H
#define DIATOM_WORLD_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BYTES  UINT64_C(4096)
#define LARGE_BYTES UINT64_C(0x200000)
#define GIANT_BYTES UINT64_C(0x40000000) /* what one page directory covers */

/* Of an entry of a table (Intel SDM volume 3, 4.5). */
#define ENTRY_PRESENT	 UINT64_C(1)
#define ENTRY_WRITABLE	 UINT64_C(2)
#define ENTRY_USER	 UINT64_C(4)
#define ENTRY_ACCESSED	 UINT64_C(0x20)
#define ENTRY_DIRTY	 UINT64_C(0x40)
#define ENTRY_LARGE	 UINT64_C(0x80)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)
#define ENTRY_ADDRESS	 UINT64_C(0x000ffffffffff000)
#define TABLE_ENTRIES	 512

enum page_rights {
	PAGE_WRITE = 1,
	PAGE_EXECUTE = 2,
	PAGE_USER = 4, /* for ring 3 */
};

struct tables {
	uint8_t *host; /* guest-physical 0 */
	uint64_t root; /* guest-physical: cr3 */
	uint64_t next; /* guest-physical: next free table page */
	uint64_t end;
	bool is_zero; /* memory that no table has yet */
	bool is_full; /* a table did not fit: a mistake in the layout's arithmetic */
};

/* Tables are taken from guest-physical [start, end). Unless they are zero, each is
 * zeroed when it is taken. */
void tables_init(struct tables *tables, uint8_t *host, uint64_t start, uint64_t end, bool is_zero);

/* Maps whole pages: 4 KiB ones, or 2 MiB ones when `is_large` (all three then multiples of 2 MiB). */
void tables_map(struct tables *tables, uint64_t virtual, uint64_t physical, uint64_t bytes,
	unsigned rights, bool is_large);

/*
 * Maps `count` pieces of physical memory, one behind the other, each of `bytes` with an unmapped page
 * before it: the stack window of abi/boot.h.
 */
void tables_map_window(struct tables *tables, uint64_t virtual, uint64_t physical, uint64_t bytes,
	uint64_t count, unsigned rights);

/* Most table pages that a region of so many bytes can take, wherever it lies. */
uint64_t tables_pages_for(uint64_t bytes, bool is_large);

#endif
