/*
 * The machine's memory, which we share with QEMU, and the body's in it: virtual addresses are looked up in
 * the page tables that the shim made.
 *
 *     memory_make   a file in memory, of the machine's size; QEMU maps it (see command.c)
 *     file offset = physical address, below 2 GiB and for all that the shim uses
 *
 * It stays when QEMU ends. Whatever is in it may be the work of an attacker: every read is bounded by the
 * file, a walk has four steps, and pages that ring 3 can't see are not the body's.
 */
#ifndef DIATOM_QEMU_MEMORY_H
#define DIATOM_QEMU_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	int fd; /* -1: there is none */
	uint64_t bytes;
	uint64_t tables; /* physical, of the page tables; set before memory_read_body */
	/* The page that was found last. */
	uint64_t page, page_physical, page_bytes;
};

/* A descriptor that is not inherited. False with errno. */
bool memory_make(struct memory *memory, uint64_t bytes);

/* Reads physical memory; false if it is not all there. */
bool memory_read(const struct memory *memory, uint64_t physical, void *to, size_t bytes);

/* Reads the body's memory (`self` is a struct memory), as struct body wants it; false if not all of it is
 * the body's. */
bool memory_read_body(void *self, uint64_t address, void *to, size_t bytes);

#endif
