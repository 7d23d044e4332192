/*
 * The wheel. A level's index is tick >> (8 * level). A timer stands in the lowest level whose index is
 * less than 256 ahead of the wheel's; slots of higher levels are emptied into lower ones when the
 * wheel's index reaches them.
 */
#include "net/tcp_timer.h"

#include <stddef.h>

#define TICK_SHIFT 17
#define FAN_BITS   8
#define TICK_NONE  UINT64_MAX

static uint64_t index_of(uint64_t tick, unsigned level)
{
	return tick >> (FAN_BITS * level);
}

/* The first tick at which it may expire. */
static uint64_t tick_of(instant when)
{
	uint64_t ns = when > 0 ? (uint64_t)when : 0;

	return (ns + ((1u << TICK_SHIFT) - 1)) >> TICK_SHIFT;
}

void tcp_wheel_start(struct tcp_wheel *wheel, instant now)
{
	wheel->tick = now > 0 ? (uint64_t)now >> TICK_SHIFT : 0;
}

/* Into the slot for `tick` >= wheel->tick. */
static void place(struct tcp_wheel *wheel, struct tcp_timer *timer, uint64_t tick)
{
	struct tcp_timer **slot;
	unsigned level = 0, number;
	uint64_t index;

	while (level < TCP_WHEEL_LEVELS - 1 &&
		index_of(tick, level) - index_of(wheel->tick, level) >= TCP_WHEEL_SLOTS)
		level++;
	index = index_of(tick, level);
	if (index - index_of(wheel->tick, level) >= TCP_WHEEL_SLOTS)
		index = index_of(wheel->tick, level) + TCP_WHEEL_SLOTS - 1;
	number = index % TCP_WHEEL_SLOTS;
	slot = &wheel->slots[level][number];
	timer->next = *slot;
	timer->link = slot;
	if (timer->next != NULL)
		timer->next->link = &timer->next;
	*slot = timer;
	wheel->words[level][number / 64] |= UINT64_C(1) << number % 64;
}

void tcp_timer_cancel(struct tcp_timer *timer)
{
	if (timer->link == NULL)
		return;
	*timer->link = timer->next;
	if (timer->next != NULL)
		timer->next->link = timer->link;
	timer->link = NULL;
}

void tcp_timer_set(struct tcp_wheel *wheel, struct tcp_timer *timer, instant when)
{
	uint64_t tick = tick_of(when);

	tcp_timer_cancel(timer);
	timer->when = when;
	if (when != FOREVER)
		place(wheel, timer, tick > wheel->tick ? tick : wheel->tick + 1);
}

/* The level's first slot that may have timers, from `start` on around the ring; TCP_WHEEL_SLOTS: none. */
static unsigned first_slot(const struct tcp_wheel *wheel, unsigned level, unsigned start)
{
	const uint64_t *words = wheel->words[level];
	unsigned word = start / 64;
	uint64_t bits = words[word] & ~UINT64_C(0) << start % 64;

	for (unsigned i = 0; i <= TCP_WHEEL_SLOTS / 64; i++) {
		if (bits != 0)
			return word * 64 + (unsigned)__builtin_ctzll(bits);
		word = (word + 1) % (TCP_WHEEL_SLOTS / 64);
		bits = words[word];
	}
	return TCP_WHEEL_SLOTS;
}

/* The first tick after the wheel's at which a slot may have to be emptied. */
static uint64_t next_event(const struct tcp_wheel *wheel)
{
	uint64_t event = TICK_NONE;

	for (unsigned level = 0; level < TCP_WHEEL_LEVELS; level++) {
		uint64_t from = index_of(wheel->tick, level) + 1, tick;
		unsigned start = from % TCP_WHEEL_SLOTS, slot = first_slot(wheel, level, start);

		if (slot == TCP_WHEEL_SLOTS)
			continue;
		tick = (from + (slot - start) % TCP_WHEEL_SLOTS) << (FAN_BITS * level);
		if (tick < event)
			event = tick;
	}
	return event;
}

/* Empties a slot of a higher level into lower ones. */
static void lower(struct tcp_wheel *wheel, unsigned level)
{
	unsigned number = index_of(wheel->tick, level) % TCP_WHEEL_SLOTS;
	struct tcp_timer **slot = &wheel->slots[level][number], *timer;

	wheel->words[level][number / 64] &= ~(UINT64_C(1) << number % 64);
	while ((timer = *slot) != NULL) {
		uint64_t tick = tick_of(timer->when);

		tcp_timer_cancel(timer);
		place(wheel, timer, tick > wheel->tick ? tick : wheel->tick);
	}
}

static void move_to(struct tcp_wheel *wheel, uint64_t tick)
{
	uint64_t before = wheel->tick;

	wheel->tick = tick;
	for (unsigned level = TCP_WHEEL_LEVELS - 1; level > 0; level--)
		if (index_of(before, level) != index_of(tick, level))
			lower(wheel, level);
}

struct tcp_timer *tcp_wheel_take(struct tcp_wheel *wheel, instant now)
{
	uint64_t target = now > 0 ? (uint64_t)now >> TICK_SHIFT : 0;

	for (;;) {
		unsigned number = wheel->tick % TCP_WHEEL_SLOTS;
		struct tcp_timer *timer = wheel->slots[0][number];
		uint64_t event;

		if (timer != NULL) {
			tcp_timer_cancel(timer);
			return timer;
		}
		wheel->words[0][number / 64] &= ~(UINT64_C(1) << number % 64);
		event = next_event(wheel);
		if (wheel->tick >= target)
			return NULL;
		move_to(wheel, event < target ? event : target);
	}
}

instant tcp_wheel_next(const struct tcp_wheel *wheel)
{
	uint64_t event = next_event(wheel);

	if (wheel->slots[0][wheel->tick % TCP_WHEEL_SLOTS] != NULL)
		event = wheel->tick;
	return event > (uint64_t)FOREVER >> TICK_SHIFT ? FOREVER : (instant)(event << TICK_SHIFT);
}
