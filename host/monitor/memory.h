/*
 * Guest memory, and the one gate through which devices reach it.
 *
 *     0         low memory: tables, main stack, boot info, blobs     devices: never
 *     image     text, rodata, data                                   devices may read
 *     heap      heap, rings, packet buffers                          devices may read and write
 *     bytes     end
 *
 * A device writing anywhere else could undo what the page tables forbid the body: a compromised body
 * would have "the network" write its text or its page tables. So every address that a guest gives
 * becomes a pointer here or nowhere.
 */
#ifndef DIATOM_MONITOR_MEMORY_H
#define DIATOM_MONITOR_MEMORY_H

#include <stdint.h>

struct guest_memory {
	uint8_t *host; /* guest-physical 0 */
	uint64_t bytes;
	uint64_t image, image_end; /* guest-physical */
	uint64_t heap, heap_end;
};

/* The host's address of guest-physical [address, address + length) if a device may write it, else
 * NULL. */
void *memory_writable(const struct guest_memory *memory, uint64_t address, uint64_t length);

/* Likewise, if a device may read it. */
const void *memory_readable(const struct guest_memory *memory, uint64_t address, uint64_t length);

#endif
