/*
 * A program whose doings are known, for test/e2e/observe.py. The first argument says which:
 *
 *     shares     computes: of 100 parts, 70 in large, 20 in medium (both called by nested), 10 in small;
 *                half of all in main, half in two fibers
 *     sleeps     computes a little, then sleeps a second
 *     deep       computes at the bottom of 150 calls
 *     fibers     a producer wakes consumers; spans, a counter, instants
 *     flood      switches fibers as fast as it can, to overflow the ring
 *     forever    computes until it is asked to finish
 *     measured   computes as shares does, says "done", and waits until it is asked to finish
 */
#include <diatom/app.h>
#include <diatom/fiber.h>
#include <diatom/time.h>
#include <diatom/trace.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static volatile uint64_t sink;
static unsigned rounds = 60000;

/* A function of its own for each, which no optimiser merges: the number makes them differ. */
#define COMPUTE(name, parts)                                                                       \
	NOINLINE static void name(void)                                                            \
	{                                                                                          \
		uint64_t x = sink;                                                                 \
                                                                                                   \
		for (unsigned i = 0; i < (parts) * 300u; i++)                                      \
			x = x * 6364136223846793005u + (parts);                                    \
		sink = x;                                                                          \
	}

COMPUTE(large, 70)
COMPUTE(medium, 20)
COMPUTE(small, 10)

NOINLINE static void nested(void)
{
	large();
	medium();
	sink++;
}

static void worker(void *unused)
{
	for (unsigned i = 0; i < rounds / 4; i++) {
		nested();
		small();
		fiber_yield();
	}
}

NOINLINE static void shares(void)
{
	struct fiber *a = fiber_start("first", worker, NULL);
	struct fiber *b = fiber_start("second", worker, NULL);

	fiber_join(a);
	fiber_join(b);
	for (unsigned i = 0; i < rounds / 2; i++) {
		nested();
		small();
	}
	sink++;
}

static int sleeps(void)
{
	for (unsigned i = 0; i < 1000; i++)
		nested();
	sleep_for(SECONDS(1));
	return 0;
}

NOINLINE static void descend(unsigned depth)
{
	if (depth == 0) {
		for (unsigned i = 0; i < 3000; i++)
			nested();
	} else {
		descend(depth - 1);
	}
	sink++;
}

static struct wait_queue waiting;
static int items;

static void produce(void *unused)
{
	for (int i = 0; i < 10; i++) {
		TRACE_SPAN("produce");
		{
			TRACE_SPAN("pack");
			large();
		}
		items += 2;
		trace_counter("items", items);
		wake_all(&waiting);
		sleep_for(MILLISECONDS(1));
	}
}

static void consume(void *unused)
{
	for (int i = 0; i < 10; i++) {
		TRACE_SPAN("request");
		while (items == 0)
			wait_on(&waiting, in_ms(1000));
		items--;
		trace_counter("items", items);
		medium();
		trace_instant("item \"done\"");
	}
}

static int fibers(void)
{
	struct fiber *all[] = { fiber_start("producer", produce, NULL),
		fiber_start("consumer <a>", consume, NULL),
		fiber_start("consumer \\b", consume, NULL) };

	for (unsigned i = 0; i < 3; i++)
		fiber_join(all[i]);
	return trace_is_watched() ? 0 : 1;
}

static void yield_often(void *unused)
{
	for (unsigned i = 0; i < 1000000; i++)
		fiber_yield();
}

static int flood(void)
{
	struct fiber *other = fiber_start("other", yield_often, NULL);

	yield_often(NULL);
	fiber_join(other);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc > 2)
		rounds = (unsigned)atoi(argv[2]);
	if (strcmp(what, "shares") == 0 || strcmp(what, "measured") == 0)
		shares();
	sink++; /* main stays on the stack */
	if (strcmp(what, "sleeps") == 0)
		return sleeps();
	if (strcmp(what, "deep") == 0)
		descend(150);
	else if (strcmp(what, "fibers") == 0)
		return fibers();
	else if (strcmp(what, "flood") == 0)
		return flood();
	if (strcmp(what, "measured") == 0) {
		puts("done");
		fflush(stdout);
		while (!finish_is_requested())
			sleep_for(MILLISECONDS(100));
	}
	while (strcmp(what, "forever") == 0 && !finish_is_requested())
		nested();
	return 0;
}
