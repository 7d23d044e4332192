/*
 * The body's end of the trace ring: the only producer, so head needs no atomic increment. One function
 * for all records, and for size: every image with fibers carries it, and hardly ever calls it.
 */
#include "core/trace.h"

#include <stddef.h>

#include "core/fiber_inner.h"
#include "diatom/trace.h"

_Static_assert((int)TRACE_LEFT_RUNNING == FIBER_RUNNING && (int)TRACE_LEFT_READY == FIBER_READY &&
		       (int)TRACE_LEFT_WAITING == FIBER_WAITING &&
		       (int)TRACE_LEFT_ENDED == FIBER_ENDED,
	"states are recorded as they are");

static uint32_t running; /* TRACE_FIBER_MAIN, first */

/* Control blocks are objects of the heap, but for main's. */
static uint32_t id_of(const struct fiber *fiber)
{
	uint64_t offset = (uint64_t)fiber - plat_boot->memory.heap;

	if (!fiber)
		return TRACE_FIBER_LOOP;
	return offset < plat_boot->memory.heap_bytes ? (uint32_t)(offset / 64) + 1
						     : TRACE_FIBER_MAIN;
}

/* Where in the image a text lies; the host takes it for unknown if it is elsewhere. */
static uint32_t place_of(const char *text)
{
	return text ? (uint32_t)((uint64_t)text - plat_boot->memory.image) : 0;
}

__attribute__((noinline, cold)) void trace_emit(
	enum trace_type type, const void *subject, int64_t value)
{
	struct trace_ring *ring = (struct trace_ring *)plat_boot->trace_ring;
	struct trace_record *record = (struct trace_record *)((uint8_t *)ring + TRACE_RING_BYTES);
	bool is_fiber = type <= TRACE_READY, has_lasted = type == TRACE_TURN || type == TRACE_SLEEP;
	const struct fiber *fiber = subject;
	uint32_t id = is_fiber ? id_of(fiber) : running;
	int64_t now = time_now();

	if (type == TRACE_SWITCH && id == running)
		return;
	if (type == TRACE_SWITCH)
		running = id;
	if (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= plat_boot->trace_slots) {
		ring->dropped++;
		return;
	}
	record += ring->head % plat_boot->trace_slots;
	record->time_ns = has_lasted ? value : now;
	record->value = has_lasted ? now - value : value;
	record->type = type;
	record->fiber = id;
	record->name = place_of(is_fiber && fiber ? fiber->name : subject);
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
}

/* --- the program's --- */

bool trace_is_watched(void)
{
	return trace_is_on();
}

static void emit_if_on(enum trace_type type, const char *name, int64_t value)
{
	if (trace_is_on())
		trace_emit(type, name, value);
}

void trace_begin(const char *name)
{
	emit_if_on(TRACE_BEGIN, name, 0);
}

void trace_end(void)
{
	emit_if_on(TRACE_END, NULL, 0);
}

void trace_instant(const char *name)
{
	emit_if_on(TRACE_INSTANT, name, 0);
}

void trace_counter(const char *name, int64_t value)
{
	emit_if_on(TRACE_COUNTER, name, value);
}
