/*
 * Each lane knows since when it waits to run and by whom it was woken; which lane runs, and since when,
 * is known once for all, as there is one vCPU.
 */
#include "host/observe/timeline.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SLOTS (4 * TIMELINE_LANES_MAX)

static int64_t clamp(int64_t time)
{
	return time < 0 ? 0 : time > TIMELINE_TIME_MAX ? TIMELINE_TIME_MAX : time;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void emit(struct timeline *t, struct timeline_event event)
{
	if (event.duration < 0)
		event.duration = 0;
	t->emit(t->self, &event);
}

/* --- lanes --- */

static uint32_t add_lane(struct timeline *t, uint32_t fiber, const char *name)
{
	struct timeline_lane *lane = &t->lanes[t->lane_count];

	lane->fiber = fiber;
	if (name[0] != '\0')
		snprintf(lane->name, sizeof(lane->name), "%s", name);
	else
		snprintf(lane->name, sizeof(lane->name), "fiber %u", fiber);
	return t->lane_count++;
}

/* A fiber's control block is used again by later ones: those of the same name share its lane. */
static uint32_t lane_of(struct timeline *t, uint32_t fiber, const char *name)
{
	uint32_t slot = (fiber * UINT32_C(2654435761) >> 8) % SLOTS, n;

	if (fiber == TRACE_FIBER_LOOP)
		return LANE_LOOP;
	if (fiber == TRACE_FIBER_MAIN)
		return LANE_MAIN;
	for (; (n = t->lane_of[slot]) != 0; slot = (slot + 1) % SLOTS)
		if (t->lanes[n - 1].fiber == fiber &&
			(name[0] == '\0' || strcmp(t->lanes[n - 1].name, name) == 0))
			return n - 1;
	if (t->lane_count == TIMELINE_LANES_MAX) {
		t->misplaced++;
		return LANE_LOOP;
	}
	n = add_lane(t, fiber, name);
	t->lane_of[slot] = n + 1;
	return n;
}

void timeline_begin(struct timeline *t)
{
	add_lane(t, 0, "monitor");
	add_lane(t, 0, "loop");
	add_lane(t, 0, "main");
	t->running = LANE_MAIN;
}

/* --- who runs --- */

/* The loop's own time is told by turns and sleeps. */
static void end_run(struct timeline *t, int64_t now)
{
	if (t->running != LANE_LOOP)
		emit(t, (struct timeline_event){ .kind = TIMELINE_RUN,
				.lane = t->running,
				.name = t->lanes[t->running].name,
				.start = t->running_since,
				.duration = now - t->running_since });
	t->lanes[t->running].left_at = now;
}

/* It was woken, waited for its turn, and runs now. */
static void end_ready(struct timeline *t, uint32_t number, int64_t now)
{
	struct timeline_lane *lane = &t->lanes[number];
	int64_t since = later(lane->ready_at, lane->left_at);

	if (!lane->is_ready)
		return;
	lane->is_ready = false;
	emit(t, (struct timeline_event){ .kind = TIMELINE_READY,
			.lane = number,
			.name = "ready",
			.start = since,
			.duration = now - since });
	if (lane->waker != number)
		emit(t, (struct timeline_event){ .kind = TIMELINE_WAKE,
				.lane = lane->waker,
				.to_lane = number,
				.name = "wake",
				.start = lane->ready_at,
				.duration = now - lane->ready_at });
}

static void switch_to(struct timeline *t, uint32_t lane, int64_t now)
{
	/* Clocks don't go back; a body that says so is not believed. */
	if (now < t->running_since)
		now = t->running_since;
	end_run(t, now);
	end_ready(t, lane, now);
	t->running = lane;
	t->running_since = now;
}

static void make_ready(struct timeline *t, uint32_t number, int64_t now)
{
	struct timeline_lane *lane = &t->lanes[number];

	lane->is_ready = true;
	lane->waker = t->running;
	lane->ready_at = now;
}

/* --- spans --- */

/* A lane's spans follow each other, so that they nest whatever the clock said. */
static void begin_span(struct timeline *t, const char *name, int64_t now)
{
	struct timeline_lane *lane = &t->lanes[t->running];

	if (lane->depth == TIMELINE_DEPTH_MAX) {
		t->misplaced++;
		return;
	}
	now = lane->spans_end = later(now, lane->spans_end);
	lane->spans[lane->depth++] = (struct timeline_span){ name[0] != '\0' ? name : "span", now };
}

static void end_span(struct timeline *t, uint32_t number, int64_t now)
{
	struct timeline_lane *lane = &t->lanes[number];
	const struct timeline_span *span;

	if (lane->depth == 0) {
		t->misplaced++;
		return;
	}
	now = lane->spans_end = later(now, lane->spans_end);
	span = &lane->spans[--lane->depth];
	emit(t, (struct timeline_event){ .kind = TIMELINE_SPAN,
			.lane = number,
			.depth = lane->depth,
			.name = span->name,
			.start = span->start,
			.duration = now - span->start });
}

/* --- records --- */

static void add_lasting(struct timeline *t, const struct trace_record *r, enum timeline_kind kind,
	uint32_t lane, const char *name)
{
	emit(t, (struct timeline_event){ .kind = kind,
			.lane = lane,
			.name = name,
			.start = clamp(r->time_ns),
			.duration = clamp(r->value),
			.value = r->fiber });
}

static void add_point(
	struct timeline *t, const struct trace_record *r, enum timeline_kind kind, const char *name)
{
	emit(t, (struct timeline_event){ .kind = kind,
			.lane = t->running,
			.name = name[0] != '\0' ? name : "?",
			.start = clamp(r->time_ns),
			.value = r->value });
}

static void add_host(struct timeline *t, const struct trace_record *record)
{
	switch (record->type) {
	case TRACE_HOST_EXIT:
		add_lasting(t, record, TIMELINE_EXIT, LANE_MONITOR, "exit");
		break;
	case TRACE_HOST_SERVE:
		add_lasting(t, record, TIMELINE_SERVE, LANE_MONITOR, "devices");
		break;
	case TRACE_HOST_SLEEP:
		add_lasting(t, record, TIMELINE_WAIT, LANE_MONITOR, "wait");
		break;
	default:
		t->misplaced++;
	}
}

static void add_body(struct timeline *t, const struct trace_record *record, const char *name)
{
	int64_t now = clamp(record->time_ns);

	switch (record->type) {
	case TRACE_SWITCH:
		switch_to(t, lane_of(t, record->fiber, name), now);
		break;
	case TRACE_READY:
		make_ready(t, lane_of(t, record->fiber, name), now);
		break;
	case TRACE_TURN:
		add_lasting(t, record, TIMELINE_TURN, LANE_LOOP, "turn");
		break;
	case TRACE_SLEEP:
		add_lasting(t, record, TIMELINE_SLEEP, LANE_LOOP, "sleep");
		break;
	case TRACE_BEGIN:
		begin_span(t, name, now);
		break;
	case TRACE_END:
		end_span(t, t->running, now);
		break;
	default:
		add_host(t, record);
	}
}

void timeline_add(struct timeline *t, const struct trace_record *record)
{
	static const char *const points[] = {
		[TRACE_RECEIVE] = "receive",
		[TRACE_TRANSMIT] = "transmit",
		[TRACE_DOORBELL] = "doorbell",
	};
	const char *name = names_at(&t->names, record->name);
	int64_t now = clamp(record->time_ns);

	t->records++;
	if (now > t->last && now < TIMELINE_TIME_MAX)
		t->last = now;
	switch (record->type) {
	case TRACE_RECEIVE:
	case TRACE_TRANSMIT:
	case TRACE_DOORBELL:
		add_point(t, record, TIMELINE_INSTANT, points[record->type]);
		break;
	case TRACE_INSTANT:
		add_point(t, record, TIMELINE_INSTANT, name);
		break;
	case TRACE_COUNTER:
		add_point(t, record, TIMELINE_COUNTER, name);
		break;
	default:
		add_body(t, record, name);
	}
}

void timeline_end(struct timeline *t)
{
	end_run(t, later(t->last, t->running_since));
	for (uint32_t i = 0; i < t->lane_count; i++)
		while (t->lanes[i].depth > 0)
			end_span(t, i, t->last);
}
