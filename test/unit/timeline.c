/*
 * Trace records and the events that become of them, row by row; rings whose other end lies; folded
 * stacks.
 */
#include "host/observe/timeline.h"

#include <stdlib.h>
#include <unistd.h>

#include "host/observe/chrome.h"
#include "host/observe/ring.h"
#include "host/observe/stacks.h"
#include "test/check.h"

#define LOOP TRACE_FIBER_LOOP
#define MAIN TRACE_FIBER_MAIN

static struct timeline timeline;
static char events[2048];

/* One event as text: "kind lane start+duration". */
static void note(void *self, const struct timeline_event *e)
{
	static const char *const kinds[] = { "run", "ready", "turn", "sleep", "span", "exit",
		"serve", "wait", "instant", "counter", "wake" };
	size_t used = strlen(events);

	snprintf(events + used, sizeof(events) - used, "%s %u %lld+%lld; ", kinds[e->kind], e->lane,
		(long long)e->start, (long long)e->duration);
}

struct row {
	uint32_t type, fiber;
	int64_t time, value;
};

static void play(const struct row *rows, unsigned count)
{
	memset(&timeline, 0, sizeof(timeline));
	events[0] = '\0';
	timeline.emit = note;
	timeline_begin(&timeline);
	for (unsigned i = 0; i < count; i++) {
		const struct trace_record record = { .type = rows[i].type,
			.fiber = rows[i].fiber,
			.time_ns = rows[i].time,
			.value = rows[i].value };

		timeline_add(&timeline, &record);
	}
	timeline_end(&timeline);
}

#define PLAY(...)                                                                                  \
	play((const struct row[]){ __VA_ARGS__ },                                                  \
		sizeof((const struct row[]){ __VA_ARGS__ }) / sizeof(struct row))

static void runs_and_wakes(void)
{
	PLAY({ TRACE_READY, 7, 10, 0 }, { TRACE_SWITCH, 7, 30, TRACE_LEFT_WAITING },
		{ TRACE_READY, MAIN, 40, 0 }, { TRACE_SWITCH, MAIN, 50, TRACE_LEFT_ENDED },
		{ TRACE_SWITCH, LOOP, 60, TRACE_LEFT_WAITING }, { TRACE_SLEEP, LOOP, 60, 100 });
	CHECK_TEXT(events,
		"run 2 0+30; ready 3 10+20; wake 2 10+20; "
		"run 3 30+20; ready 2 40+10; wake 3 40+10; run 2 50+10; sleep 1 60+100; ");
	CHECK_EQUAL(timeline.misplaced, 0);
}

static void yields(void)
{
	/* Ready while it still runs: it waits from when it is left. */
	PLAY({ TRACE_READY, MAIN, 10, 0 }, { TRACE_SWITCH, 7, 20, TRACE_LEFT_READY },
		{ TRACE_SWITCH, MAIN, 30, TRACE_LEFT_ENDED });
	CHECK_TEXT(events, "run 2 0+20; run 3 20+10; ready 2 20+10; run 2 30+0; ");
}

static void spans_nest(void)
{
	PLAY({ TRACE_BEGIN, 0, 10, 0 }, { TRACE_BEGIN, 0, 20, 0 }, { TRACE_SWITCH, 7, 25, 2 },
		{ TRACE_BEGIN, 0, 30, 0 }, { TRACE_SWITCH, MAIN, 40, 2 }, { TRACE_END, 0, 50, 0 },
		{ TRACE_END, 0, 60, 0 }, { TRACE_END, 0, 70, 0 });
	/* The third end has no beginning; lane 3's span ends with the trace. */
	CHECK_TEXT(events, "run 2 0+25; run 3 25+15; span 2 20+30; span 2 10+50; "
			   "run 2 40+30; span 3 30+40; ");
	CHECK_EQUAL(timeline.misplaced, 1);
}

static void clock_goes_back(void)
{
	PLAY({ TRACE_SWITCH, 7, 100, 2 }, { TRACE_BEGIN, 0, 120, 0 }, { TRACE_BEGIN, 0, 90, 0 },
		{ TRACE_END, 0, 110, 0 }, { TRACE_END, 0, -5, 0 }, { TRACE_SWITCH, MAIN, 50, 2 });
	CHECK_TEXT(events, "run 2 0+100; span 3 120+0; span 3 120+0; run 3 100+0; run 2 100+20; ");
}

static void absurd_numbers(void)
{
	PLAY({ TRACE_SLEEP, LOOP, INT64_MAX, INT64_MAX },
		{ TRACE_SLEEP, LOOP, INT64_MIN, INT64_MIN }, { 0, 0, 0, 0 },
		{ UINT32_MAX, 0, 0, 0 });
	CHECK_TEXT(events, "sleep 1 9007199254740992+9007199254740992; sleep 1 0+0; run 2 0+0; ");
	CHECK_EQUAL(timeline.misplaced, 2);
}

static void too_many_lanes(void)
{
	static struct row rows[4 * TIMELINE_LANES_MAX];
	unsigned count = sizeof(rows) / sizeof(rows[0]);

	for (unsigned i = 0; i < count; i++)
		rows[i] = (struct row){ TRACE_READY, i + 1, i, 0 };
	play(rows, count);
	CHECK_EQUAL(timeline.lane_count, TIMELINE_LANES_MAX);
	CHECK_EQUAL(timeline.misplaced, count - (TIMELINE_LANES_MAX - LANE_FIRST_FIBER));
}

static void too_many_spans(void)
{
	static struct row rows[TIMELINE_DEPTH_MAX + 5];

	for (unsigned i = 0; i < TIMELINE_DEPTH_MAX + 5; i++)
		rows[i] = (struct row){ TRACE_BEGIN, 0, i, 0 };
	play(rows, TIMELINE_DEPTH_MAX + 5);
	CHECK_EQUAL(timeline.misplaced, 5);
}

static void lying_ring(void)
{
	struct ring ring;
	struct trace_record record;

	CHECK_EQUAL(ring_make(&ring, 4, sizeof(record)), 0);
	CHECK(!ring_take(&ring, &record));
	for (unsigned i = 0; i < 4; i++) {
		struct trace_record *slot = ring_slot(&ring);

		CHECK(slot != NULL);
		slot->value = i;
		ring_publish(&ring);
	}
	CHECK(ring_slot(&ring) == NULL);
	CHECK_EQUAL(ring_dropped(&ring), 1);
	CHECK(ring_take(&ring, &record) && record.value == 0);
	/* More than it holds, and backwards: nothing is taken, once, and it goes on from there. */
	ring.shared->head = 1000;
	CHECK(!ring_take(&ring, &record));
	CHECK(!ring_take(&ring, &record));
	ring.shared->head = 3;
	CHECK(!ring_take(&ring, &record));
	CHECK_EQUAL(ring.lost_by_lie, 2);
	ring.shared->head = 4;
	CHECK(ring_take(&ring, &record) && record.value == 3);
}

static void folded_stacks(void)
{
	struct stacks stacks;
	struct stacks_function top[3];
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	uint32_t a, b, c;

	stacks_init(&stacks);
	a = stacks_name(&stacks, "a");
	b = stacks_name(&stacks, "b;\n");
	c = stacks_name(&stacks, "c");
	CHECK_EQUAL(stacks_name(&stacks, "a"), a);
	stacks_add(&stacks, (uint32_t[]){ a, c }, 2);
	stacks_add(&stacks, (uint32_t[]){ a, b }, 2);
	stacks_add(&stacks, (uint32_t[]){ a, b, a }, 3);
	stacks_add(&stacks, (uint32_t[]){ a, b }, 2);
	stacks_sort(&stacks);
	stacks_write_folded(&stacks, file);
	fclose(file);
	CHECK_TEXT(text, "a;b:? 2\na;b:?;a 1\na;c 1\n");
	CHECK_EQUAL(stacks_top(&stacks, top, 3), 3);
	CHECK_TEXT(top[0].name, "b;\n");
	/* a is in each of the four, once even where it calls itself. */
	CHECK_EQUAL(top[1].total, 4);
	free(text);
	for (uint32_t i = 0; i < stacks.name_count; i++)
		free(stacks.names[i]);
	free(stacks.names);
	free(stacks.nodes);
}

int main(void)
{
	return RUN(TEST(runs_and_wakes), TEST(yields), TEST(spans_nest), TEST(clock_goes_back),
		TEST(absurd_numbers), TEST(too_many_lanes), TEST(too_many_spans), TEST(lying_ring),
		TEST(folded_stacks));
}
