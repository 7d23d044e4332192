/*
 * By pread, not by a mapping: to read a hole of the file through a mapping would fill it.
 */
#define _GNU_SOURCE /* memfd_create, seals */
#include "host/qemu/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world/tables.h"

#define ROOT_SHIFT  39 /* what an entry of the root covers */
#define LEVEL_SHIFT 9
#define LARGE_SHIFT 21
#define PAGE_SHIFT  12
#define LOWER_HALF  (UINT64_C(1) << 47)

bool memory_make(struct memory *memory, uint64_t bytes)
{
	*memory = (struct memory){ .fd = memfd_create("machine", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		.bytes = bytes };
	return memory->fd >= 0 && ftruncate(memory->fd, (off_t)bytes) == 0 &&
	       fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

bool memory_read(const struct memory *memory, uint64_t physical, void *to, size_t bytes)
{
	return physical <= memory->bytes && bytes <= memory->bytes - physical &&
	       pread(memory->fd, to, bytes, (off_t)physical) == (ssize_t)bytes;
}

/* Finds the page of an address of the body's. */
static bool find_page(struct memory *memory, uint64_t address)
{
	uint64_t table = memory->tables, entry;
	unsigned shift = ROOT_SHIFT;

	if (address - memory->page < memory->page_bytes)
		return true;
	if (address >= LOWER_HALF)
		return false;
	for (;; shift -= LEVEL_SHIFT) {
		uint64_t index = (address >> shift) % TABLE_ENTRIES;

		if (!memory_read(memory, table + index * sizeof(entry), &entry, sizeof(entry)) ||
			(entry & ENTRY_PRESENT) == 0 || (entry & ENTRY_USER) == 0)
			return false;
		table = entry & ENTRY_ADDRESS;
		if (shift == PAGE_SHIFT || (shift == LARGE_SHIFT && (entry & ENTRY_LARGE) != 0))
			break;
	}
	memory->page_bytes = UINT64_C(1) << shift;
	memory->page = address & -memory->page_bytes;
	memory->page_physical = table & -memory->page_bytes;
	return true;
}

bool memory_read_body(void *self, uint64_t address, void *to, size_t bytes)
{
	struct memory *memory = self;
	uint8_t *at = to;

	while (bytes > 0) {
		uint64_t offset, piece;

		if (!find_page(memory, address))
			return false;
		offset = address - memory->page;
		piece = memory->page_bytes - offset;
		piece = piece < bytes ? piece : bytes;
		if (!memory_read(memory, memory->page_physical + offset, at, piece))
			return false;
		address += piece;
		at += piece;
		bytes -= piece;
	}
	return true;
}
