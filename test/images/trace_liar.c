/*
 * A body that lies in its trace ring: it looks for boot info on its own, which is where the first
 * argument of _start points, and fills the ring with what it likes. For test/e2e/observe.py.
 */
#include <diatom/app.h>
#include <diatom/fiber.h>
#include <diatom/random.h>
#include <diatom/time.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "abi/trace.h"

extern const struct boot_info *plat_boot;

static volatile struct trace_ring *ring;

static void write_junk(void)
{
	struct trace_record *records = (void *)(plat_boot->trace_ring + TRACE_RING_BYTES);

	for (uint64_t i = 0; i < plat_boot->trace_slots; i++) {
		random_bytes(&records[i], sizeof(records[i]));
		records[i].type %= 16;
	}
}

/* An edge of a number's range, or any. */
static uint64_t draw(void)
{
	static const uint64_t edges[] = { 0, 1, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN };
	uint32_t n = random_u32();

	return n % 2 == 0 ? edges[n / 2 % 5] : (uint64_t)random_u32() << 32 | n;
}

int main(void)
{
	if (plat_boot->trace_ring == 0)
		return 1;
	ring = (volatile struct trace_ring *)plat_boot->trace_ring;
	for (unsigned i = 0; i < 50; i++) {
		write_junk();
		/* Half of the time a number of records that could be. */
		ring->head = i % 2 == 0 ? draw() : ring->tail + random_u32() % 65536;
		ring->dropped = draw();
		sleep_for(MILLISECONDS(7));
	}
	return 0;
}
