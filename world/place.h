/*
 * Random virtual places for the regions of a sealed world.
 *
 * All regions share one 512 GiB slot (so that they share the two upper page table levels), in a random
 * order, at random gigabytes, at a random page within.
 */
#ifndef DIATOM_WORLD_PLACE_H
#define DIATOM_WORLD_PLACE_H

#include <stdint.h>

struct region {
	uint64_t virtual;
	uint64_t physical;
	uint64_t bytes;
};

/* A region whose `bytes` are known, and the alignment (a power of two, at most 1 GiB) of its place. */
struct placing {
	struct region *region;
	uint64_t alignment;
};

/* How many random numbers placing so many regions takes. */
#define PLACE_NUMBERS(regions) (3 * (regions) + 1)

/* Sets each region's `virtual`. The placings are reordered. */
void place_regions(struct placing *placings, unsigned count, const uint64_t *numbers);

#endif
