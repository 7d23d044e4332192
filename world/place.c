/* Places by chance, see place.h. */
#include "world/place.h"

#include "world/tables.h"

#define SLOT_BYTES (GIANT_BYTES * 512)
#define SLOTS	   255 /* lower half of the address space, without the slot of page zero */

static uint64_t below(const uint64_t **numbers, uint64_t bound)
{
	return bound == 0 ? 0 : *(*numbers)++ % bound;
}

static void shuffle(struct placing *placings, unsigned count, const uint64_t **numbers)
{
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)below(numbers, i);
		struct placing kept = placings[i - 1];

		placings[i - 1] = placings[j];
		placings[j] = kept;
	}
}

/* Each region gets the gigabytes that it needs and one more, within which it slides. */
void place_regions(struct placing *placings, unsigned count, const uint64_t *numbers)
{
	uint64_t needed = 0, at, spare;

	for (unsigned i = 0; i < count; i++)
		needed += placings[i].region->bytes / GIANT_BYTES + 2;
	spare = needed < 512 ? 512 - needed : 0;
	shuffle(placings, count, &numbers);
	at = SLOT_BYTES * (1 + below(&numbers, SLOTS - 1 - needed / 512));
	for (unsigned i = 0; i < count; i++) {
		struct region *region = placings[i].region;
		uint64_t alignment = placings[i].alignment;

		at += GIANT_BYTES * below(&numbers, spare / count + 1);
		region->virtual = at + alignment * below(&numbers, GIANT_BYTES / alignment);
		at += GIANT_BYTES * (region->bytes / GIANT_BYTES + 2);
	}
}
