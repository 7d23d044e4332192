/* See points.h. Tables are short and searched from the start: gdb has a handful of each. */
#include "host/gdb/points.h"

#include <string.h>

#define INT3 0xcc

/* DR7 (Intel SDM volume 3, 18.2.4): local enable of register i, exact match, kind and length. */
#define DR7_EXACT  (UINT64_C(1) << 8)
#define DR7_ON(i)  (UINT64_C(1) << 2 * (i))
#define DR7_AT(i)  (16 + 4 * (i))
#define DR7_WRITE  UINT64_C(1)
#define DR7_ACCESS UINT64_C(3)

/* Its index, or the number of breakpoints. */
static unsigned find_break(const struct points *points, uint64_t address)
{
	unsigned i = 0;

	while (i < points->breakpoint_count && points->breakpoints[i].address != address)
		i++;
	return i;
}

bool points_has_break(const struct points *points, uint64_t address)
{
	return find_break(points, address) < points->breakpoint_count;
}

bool points_add_break(struct points *points, uint64_t address)
{
	const struct gdb_target_ops *ops = points->target->ops;
	struct breakpoint *new = &points->breakpoints[points->breakpoint_count];
	uint8_t trap = INT3;

	if (points_has_break(points, address))
		return true;
	if (points->breakpoint_count == BREAKPOINTS_MAX)
		return false;
	new->address = address;
	if (ops->read(points->target, address, &new->byte, 1) != 1 ||
		ops->write(points->target, address, &trap, 1) != 1)
		return false;
	points->breakpoint_count++;
	return true;
}

bool points_remove_break(struct points *points, uint64_t address)
{
	struct breakpoint *old = &points->breakpoints[find_break(points, address)];
	bool is_good;

	if (!points_has_break(points, address))
		return true;
	is_good = points->target->ops->write(points->target, address, &old->byte, 1) == 1;
	*old = points->breakpoints[--points->breakpoint_count];
	return is_good;
}

/* A debug register covers 1, 2, 4 or 8 bytes at a multiple of their number. */
static uint64_t piece_at(uint64_t address, uint64_t length)
{
	uint64_t piece = 8;

	while (piece > length || address % piece != 0)
		piece /= 2;
	return piece;
}

/* Deals the watches out over debug registers. False: four are not enough. */
static bool deal(const struct points *points, uint64_t *addresses, uint64_t *control)
{
	/* The codes of lengths 1, 2, 4 and 8 in DR7. */
	static const uint8_t codes[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	unsigned used = 0;

	memset(addresses, 0, GDB_DEBUG_REGISTERS * sizeof(*addresses));
	*control = 0;
	for (unsigned i = 0; i < points->watch_count; i++) {
		const struct watch *w = &points->watches[i];
		uint64_t kind = w->kind == WATCH_WRITE ? DR7_WRITE : DR7_ACCESS, piece;

		for (uint64_t done = 0; done < w->length; done += piece, used++) {
			if (used == GDB_DEBUG_REGISTERS)
				return false;
			piece = piece_at(w->address + done, w->length - done);
			addresses[used] = w->address + done;
			*control |= DR7_EXACT | DR7_ON(used) |
				    (kind | (uint64_t)codes[piece] << 2) << DR7_AT(used);
		}
	}
	return true;
}

/* Puts the watches into force. False: they can't all be kept. */
static bool enforce(struct points *points)
{
	const struct gdb_target_ops *ops = points->target->ops;
	const uint64_t none[GDB_DEBUG_REGISTERS] = { 0 };
	uint64_t control;

	points->is_stepping = false;
	if (deal(points, points->debug, &control) &&
		ops->set_debug(points->target, points->debug, control))
		return true;
	(void)ops->set_debug(points->target, none, 0);
	points->is_stepping = points->watch_count > 0;
	for (unsigned i = 0; i < points->watch_count; i++)
		if (points->watches[i].kind != WATCH_WRITE)
			return false;
	return true;
}

static struct watch *find_watch(
	struct points *points, enum watch_kind kind, uint64_t address, uint64_t length)
{
	for (unsigned i = 0; i < points->watch_count; i++) {
		struct watch *w = &points->watches[i];

		if (w->kind == kind && w->address == address && w->length == length)
			return w;
	}
	return NULL;
}

bool points_add_watch(
	struct points *points, enum watch_kind kind, uint64_t address, uint64_t length)
{
	struct watch *new = &points->watches[points->watch_count];

	if (find_watch(points, kind, address, length) != NULL)
		return true;
	if (points->watch_count == WATCHES_MAX || length == 0 || length > WATCH_BYTES_MAX ||
		address + length < address)
		return false;
	*new = (struct watch){ .kind = kind, .address = address, .length = length };
	points->watch_count++;
	if (enforce(points))
		return true;
	points->watch_count--;
	(void)enforce(points);
	return false;
}

void points_remove_watch(
	struct points *points, enum watch_kind kind, uint64_t address, uint64_t length)
{
	struct watch *old = find_watch(points, kind, address, length);

	if (old == NULL)
		return;
	*old = points->watches[--points->watch_count];
	(void)enforce(points);
}

void points_arm(struct points *points)
{
	if (!points->is_stepping)
		return;
	for (unsigned i = 0; i < points->watch_count; i++) {
		struct watch *w = &points->watches[i];

		memset(w->last, 0, sizeof(w->last));
		(void)points_read(points, w->address, w->last, w->length);
	}
}

const struct watch *points_changed(struct points *points, uint64_t *address)
{
	uint8_t now[WATCH_BYTES_MAX];

	if (!points->is_stepping)
		return NULL;
	for (unsigned i = 0; i < points->watch_count; i++) {
		struct watch *w = &points->watches[i];

		memset(now, 0, sizeof(now));
		(void)points_read(points, w->address, now, w->length);
		if (memcmp(now, w->last, w->length) == 0)
			continue;
		*address = w->address;
		return w;
	}
	return NULL;
}

const struct watch *points_hit(const struct points *points, uint64_t dr6, uint64_t *address)
{
	for (unsigned i = 0; i < GDB_DEBUG_REGISTERS; i++) {
		if ((dr6 >> i & 1) == 0)
			continue;
		for (unsigned j = 0; j < points->watch_count; j++) {
			const struct watch *w = &points->watches[j];

			if (points->debug[i] - w->address >= w->length)
				continue;
			*address = points->debug[i];
			return w;
		}
	}
	return NULL;
}

uint64_t points_read(struct points *points, uint64_t address, void *bytes, uint64_t length)
{
	uint64_t done = points->target->ops->read(points->target, address, bytes, length);

	for (unsigned i = 0; i < points->breakpoint_count; i++) {
		const struct breakpoint *b = &points->breakpoints[i];

		if (b->address - address < done)
			((uint8_t *)bytes)[b->address - address] = b->byte;
	}
	return done;
}

uint64_t points_write(struct points *points, uint64_t address, const void *bytes, uint64_t length)
{
	const struct gdb_target_ops *ops = points->target->ops;
	uint64_t done = ops->write(points->target, address, bytes, length);
	uint8_t trap = INT3;

	for (unsigned i = 0; i < points->breakpoint_count; i++) {
		struct breakpoint *b = &points->breakpoints[i];

		if (b->address - address >= done)
			continue;
		b->byte = ((const uint8_t *)bytes)[b->address - address];
		(void)ops->write(points->target, b->address, &trap, 1);
	}
	return done;
}

void points_clear(struct points *points)
{
	while (points->breakpoint_count > 0)
		(void)points_remove_break(points, points->breakpoints[0].address);
	points->watch_count = 0;
	(void)enforce(points);
}
