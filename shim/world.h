/*
 * The sealed world: the image relocated, boot info written, page tables as abi/boot.h promises.
 */
#ifndef DIATOM_SHIM_WORLD_H
#define DIATOM_SHIM_WORLD_H

#include "abi/boot.h"
#include "shim/cmdline.h"
#include "shim/layout.h"
#include "shim/loader.h"

struct world {
	struct layout layout;
	struct boot_info *boot;	     /* as the shim sees it */
	struct boot_host_page *page; /* likewise */
};

/* The one world that there is. */
extern struct world world;

/* Lets the shim see physical memory or registers one to one: below 4 GiB, beyond the first 16 MiB. */
void world_see(uint64_t start, uint64_t end);

/* Where the body's notes lie, as the hypervisor loaded them. */
const uint8_t *world_notes(uint64_t *bytes);

/*
 * Lays the world out for the devices that boot->device_count counts, relocates and maps it, and fills
 * in all of boot info but the clock and the seed. Refuses the start when memory is too small.
 */
void world_make(struct boot_info *boot, const struct loader *loader, const struct cmdline *line);

/* The physical address of the body's bytes; NULL if they aren't the body's. */
const void *world_body(uint64_t address, uint64_t bytes);

#endif
