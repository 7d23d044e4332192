/*
 * Timers: a hierarchical timing wheel (Varghese and Lauck) of three levels, each a ring of 2048
 * lists. Time is counted in ticks of 4.096 us; a deadline is rounded up to a tick, so no task runs
 * early, and none more than a tick late by the wheel's doing.
 *
 *     level   a slot lasts         a ring reaches
 *     0       4.096 us             8.4 ms
 *     1       4.19 ms (1024 of 0)  8.6 s
 *     2       4.29 s  (1024 of 1)  2.4 h      later timers stand in its last slot, and move on
 *
 * A task waits in the lowest level whose ring reaches it. Insert and cancel are a few instructions.
 * Before its time comes, each slot of level 1 and 2 is emptied into the level below. Rings are twice
 * as long as one slot of the next level, so the slot that comes next can be emptied any time during
 * the one before: the loop does it in small portions while it is idle (timer_tidy). Thus 10^6 timers
 * in one slot don't make one burst of moving.
 *
 *     wheel_tick: all ticks up to it have expired. A level's index is wheel_tick >> (10 * level);
 *     its tasks have indexes in (index, index + 2047]; those of levels 1 and 2 can be emptied when
 *     they are index + 1, and must be when the index reaches them.
 *
 * Bitmaps say which slots have tasks, so the next event is found in a few instructions however far
 * away it is. A bit may be stale (its last task was cancelled): it is cleared when it is found.
 */
#include "core/timer.h"

#include <stddef.h>

#include "core/task.h"
#include "diatom/assert.h"

#define TICK_SHIFT 12
#define FAN_BITS   10
#define LEVELS	   3
#define SLOTS	   2048
#define WORDS	   (SLOTS / 64)
#define TIDY_IDLE  64	/* tasks moved in one portion while idle: some us */
#define TIDY_BUSY  2048 /* and at least so many in each slot of level 1, while busy */
#define TICK_NONE  UINT64_MAX

struct level {
	struct task *slots[SLOTS];
	uint64_t words[WORDS]; /* bit = slot: may have tasks */
	uint32_t summary;      /* bit = word: not zero */
};

_Static_assert(WORDS == 32, "one bit of the summary for each word");

static struct level levels[LEVELS];
static uint64_t wheel_tick;
static uint64_t wheel_event; /* nothing has to be done at a tick before this one */

static inline uint64_t index_of(uint64_t tick, unsigned level)
{
	return tick >> (FAN_BITS * level);
}

/* The first tick at which a task may run. */
static inline uint64_t tick_of(instant when)
{
	uint64_t ns = when > 0 ? (uint64_t)when : 0;

	return (ns + ((1 << TICK_SHIFT) - 1)) >> TICK_SHIFT;
}

/* Puts an idle task, due at `tick` > wheel_tick, into its slot. */
static void place(struct task *task, uint64_t tick)
{
	unsigned level = 0, slot;
	uint64_t index, last;

	while (level < LEVELS - 1 &&
		index_of(tick, level + 1) > index_of(wheel_tick, level + 1) + 1)
		level++;
	index = index_of(tick, level);
	last = index_of(wheel_tick, level) + SLOTS - 1;
	if (index > last)
		index = last; /* only in the highest level: it will move on from there */
	slot = index % SLOTS;
	task_link(task, &levels[level].slots[slot]);
	levels[level].words[slot / 64] |= UINT64_C(1) << slot % 64;
	levels[level].summary |= UINT32_C(1) << slot / 64;
	if (index << (FAN_BITS * level) < wheel_event)
		wheel_event = index << (FAN_BITS * level);
}

void task_at(struct task *task, instant when)
{
	uint64_t tick = tick_of(when);

	ASSERT(task->run != NULL);
	task_cancel(task);
	task->when = when;
	if (when == FOREVER)
		return;
	if (tick <= wheel_tick)
		task_post(task);
	else
		place(task, tick);
}

/* The first slot at or after `start`, around the ring, whose bit is set. There is one. */
static unsigned bitmap_next(const struct level *level, unsigned start)
{
	unsigned word = start / 64, ahead;
	uint64_t bits = level->words[word] & ~UINT64_C(0) << start % 64;
	uint64_t twice = (uint64_t)level->summary << 32 | level->summary;

	if (!bits) {
		ahead = (unsigned)__builtin_ctz((uint32_t)(twice >> (word + 1)));
		word = (word + 1 + ahead) % WORDS;
		bits = level->words[word];
	}
	return word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* The level's first index after the wheel's that has tasks; TICK_NONE: none has. */
static uint64_t first_index(struct level *level, unsigned number)
{
	uint64_t from = index_of(wheel_tick, number) + 1;

	while (level->summary) {
		unsigned slot = bitmap_next(level, from % SLOTS);

		if (level->slots[slot])
			return from + (slot - from) % SLOTS;
		level->words[slot / 64] &= ~(UINT64_C(1) << slot % 64);
		if (!level->words[slot / 64])
			level->summary &= ~(UINT32_C(1) << slot / 64);
	}
	return TICK_NONE;
}

/* The first tick at which a slot must be emptied, down or out. */
static uint64_t next_event(void)
{
	uint64_t event = TICK_NONE;

	for (unsigned i = 0; i < LEVELS; i++) {
		uint64_t index = first_index(&levels[i], i);

		if (index != TICK_NONE && index << (FAN_BITS * i) < event)
			event = index << (FAN_BITS * i);
	}
	return event;
}

/* Moves up to `most` tasks of the slot that comes next to lower levels; returns how many. */
static unsigned slot_lower(unsigned number, unsigned most)
{
	struct task **slot = &levels[number].slots[(index_of(wheel_tick, number) + 1) % SLOTS];
	unsigned moved = 0;

	for (; *slot && moved < most; moved++) {
		struct task *task = *slot;

		task_unlink(task);
		place(task, tick_of(task->when));
	}
	return moved;
}

static bool tidy(unsigned most)
{
	unsigned moved = 0;

	for (unsigned i = LEVELS - 1; i > 0 && moved < most; i--)
		moved += slot_lower(i, most - moved);
	return moved == most;
}

bool timer_tidy(void)
{
	return tidy(TIDY_IDLE);
}

/* All that happens at one tick: higher slots that begin with it come down, its own is posted. */
static bool event_run(uint64_t tick)
{
	struct task **slot = &levels[0].slots[tick % SLOTS], *first;

	wheel_tick = tick - 1;
	for (unsigned i = LEVELS - 1; i > 0; i--)
		if (index_of(wheel_tick, i) != index_of(tick, i))
			slot_lower(i, UINT32_MAX);
	wheel_tick = tick;
	first = *slot;
	if (!first)
		return false;
	*slot = NULL;
	task_post_list(first);
	return true;
}

bool timer_expire(instant now)
{
	uint64_t target = (uint64_t)now >> TICK_SHIFT, before = wheel_tick, event;
	bool is_any = false;

	if (now < 0 || target <= wheel_tick)
		return false;
	if (target >= wheel_event) {
		while ((event = next_event()) <= target)
			is_any |= event_run(event);
		wheel_event = event;
	}
	wheel_tick = target;
	if (index_of(before, 1) != index_of(target, 1))
		tidy(TIDY_BUSY);
	return is_any;
}

instant timer_next(void)
{
	uint64_t first = first_index(&levels[0], 0), ticks = first;

	for (unsigned i = 1; i < LEVELS; i++) {
		uint64_t index = first_index(&levels[i], i);

		/* Be there one slot before, to empty it at leisure. */
		if (index != TICK_NONE && (index - 1) << (FAN_BITS * i) < ticks)
			ticks = (index - 1) << (FAN_BITS * i);
	}
	return ticks > (uint64_t)FOREVER >> TICK_SHIFT ? FOREVER : (instant)(ticks << TICK_SHIFT);
}
