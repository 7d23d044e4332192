/*
 * The body's trace ring under a virtual clock: what fibers, sleeps and the program's own spans leave in
 * it, in order, and what happens when nobody empties it.
 */
#include "diatom/trace.h"

#include <stdlib.h>

#include "abi/trace.h"
#include "diatom/fiber.h"
#include "diatom/time.h"
#include "plat/hosted.h"
#include "test/check.h"

#define SLOTS 64

static _Alignas(4096) uint8_t memory[TRACE_RING_BYTES + SLOTS * sizeof(struct trace_record)];
static struct trace_ring *const ring = (struct trace_ring *)memory;
static const struct trace_record *const records = (void *)(memory + TRACE_RING_BYTES);
static const char image[64] = "request"; /* stands for the image's constants */

/* Empties the ring and turns tracing on. */
static void watch(void)
{
	struct boot_info *boot = plat_hosted_boot();

	memset(memory, 0, sizeof(memory));
	boot->memory.image = (uint64_t)image - 16;
	boot->memory.image_bytes = sizeof(image) + 16;
	boot->trace_slots = SLOTS;
	boot->trace_ring = (uint64_t)ring;
}

static void unwatch(void)
{
	plat_hosted_boot()->trace_ring = 0;
}

/* "SWITCH READY ..." by first letters: what was recorded. */
static const char *types(void)
{
	static const char letters[] = "?srTStrdBEiC";
	static char text[SLOTS + 1];
	uint64_t n;

	for (n = 0; n < ring->head && n < SLOTS; n++)
		text[n] = letters[records[n].type < sizeof(letters) ? records[n].type : 0];
	text[n] = '\0';
	return text;
}

static void off(void)
{
	watch();
	unwatch();
	trace_begin(image);
	trace_counter(image, 1);
	sleep_for(SECONDS(1));
	CHECK_EQUAL(ring->head, 0);
	CHECK(!trace_is_watched());
}

static void sleep_of_main(void)
{
	int64_t slept = 0;

	watch();
	plat_hosted_use_virtual_time(SECONDS(5));
	sleep_for(SECONDS(1));
	unwatch();
	/* To the loop, asleep (in as many pieces as timers like), woken in a turn, back to main. */
	CHECK(strncmp(types(), "sS", 2) == 0 && strcmp(strchr(types(), 'r'), "rTs") == 0);
	CHECK_EQUAL(records[0].fiber, TRACE_FIBER_LOOP);
	CHECK_EQUAL(records[0].value, TRACE_LEFT_WAITING);
	CHECK_EQUAL(records[1].time_ns, SECONDS(5));
	for (uint64_t i = 0; i < ring->head; i++)
		slept += records[i].type == TRACE_SLEEP ? records[i].value : 0;
	/* Timers are as fine as a microsecond. */
	CHECK(slept >= SECONDS(1) && slept < SECONDS(1) + 2048);
	CHECK_EQUAL(records[ring->head - 1].fiber, TRACE_FIBER_MAIN);
}

static void span_of_fiber(void *unused)
{
	TRACE_SPAN(image);
	fiber_yield();
}

static void spans_of_fibers(void)
{
	struct fiber *fiber;

	watch();
	fiber = fiber_start(image, span_of_fiber, NULL);
	fiber_join(fiber);
	unwatch();
	/* Started; runs; span; yields to itself, the only one; span ends; main is woken and runs. */
	CHECK_TEXT(types(), "rsBrErs");
	CHECK_EQUAL(records[0].name, 16);
	CHECK_EQUAL(records[1].fiber, records[0].fiber);
	CHECK_EQUAL(records[2].fiber, records[0].fiber);
	CHECK_EQUAL(records[2].name, 16);
	CHECK_EQUAL(records[6].fiber, TRACE_FIBER_MAIN);
	CHECK_EQUAL(records[6].value, TRACE_LEFT_ENDED);
}

static void full_ring(void)
{
	watch();
	for (int i = 0; i < SLOTS + 10; i++)
		trace_counter(image, i);
	CHECK_EQUAL(ring->head, SLOTS);
	CHECK_EQUAL(ring->dropped, 10);
	ring->tail = SLOTS - 1; /* the host took all but one */
	trace_counter(image, 1000);
	unwatch();
	CHECK_EQUAL(ring->head, SLOTS + 1);
	CHECK_EQUAL(records[0].value, 1000);
	CHECK_EQUAL(records[1].value, 1);
}

int main(void)
{
	return RUN(TEST(off), TEST(sleep_of_main), TEST(spans_of_fibers), TEST(full_ring));
}
