/*
 *     body's ring --\                    /--> JSON, while it runs
 *                    timeline --> events
 *     monitor's ---/                    \--> kept for the picture
 *
 * The two rings have the same clock, and nothing needs them in one order: the monitor's records stand
 * for themselves.
 */
#include "host/observe/trace.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/image/image.h"
#include "host/observe/chrome.h"
#include "host/observe/lanes.h"
#include "host/observe/ring.h"
#include "host/observe/session.h"
#include "host/observe/text.h"
#include "host/observe/words.h"
#include "host/report.h"

#define BILLION	      INT64_C(1000000000)
#define SECONDS_MAX   INT64_C(100000000)
#define PERIOD_NS     (BILLION / 200)
#define BODY_SLOTS    65536
#define MONITOR_SLOTS 16384
#define MIB	      (INT64_C(1) << 20)
#define SIZE_DEFAULT  256 /* MiB */
#define SIZE_MAX_MIB  (INT64_C(1) << 20)
#define DRAIN_MAX     (4 * BODY_SLOTS) /* a body that writes as fast as we read must not hold us */

static const char help[] =
	"diatom trace [OPTION ...] [OPTION OF RUN ...] IMAGE [ARGUMENT ...]\n"
	"\n"
	"Runs the image as \"diatom run\" does and writes when which fiber ran, who woke whom, what\n"
	"the devices did, and the spans that the program names (<diatom/trace.h>). The image needs\n"
	"nothing for it. Open the file in ui.perfetto.dev or chrome://tracing.\n"
	"\n"
	"  --output, -o FILE.json  the timeline; without: NAME.trace.json, after the image\n"
	"  --svg FILE.svg          also a picture of it\n"
	"  --seconds N             ask the image to finish after that time\n"
	"  --size MIB              leave out what comes when the file is that large; without: 256\n"
	"\n"
	"All other options are those of diatom run, see  diatom run --help\n";

enum { WORD_OUTPUT, WORD_SVG, WORD_SECONDS, WORD_SIZE, WORD_COUNT };

struct trace {
	struct ring body, monitor;
	struct timeline timeline;
	struct chrome chrome;
	struct lanes lanes;
	bool has_picture;
};

static void take_event(void *self, const struct timeline_event *event)
{
	struct trace *trace = self;

	chrome_add(&trace->chrome, event);
	if (trace->has_picture)
		lanes_add(&trace->lanes, event);
}

static void drain_ring(struct trace *trace, struct ring *ring)
{
	struct trace_record record;

	for (unsigned i = 0; i < DRAIN_MAX && ring_take(ring, &record); i++)
		timeline_add(&trace->timeline, &record);
}

static void drain(void *self)
{
	struct trace *trace = self;

	drain_ring(trace, &trace->body);
	drain_ring(trace, &trace->monitor);
}

/* --- the command --- */

static int take_numbers(const struct word *words, struct trace *trace, int64_t *limit_ns)
{
	int64_t mib = SIZE_DEFAULT;

	if (words[WORD_SECONDS].value != NULL && !words_number(words[WORD_SECONDS].value, BILLION,
							 1, SECONDS_MAX * BILLION, limit_ns))
		return report_error(EXIT_USAGE, "say how many seconds, for instance --seconds 10",
			"--seconds: \"%s\" won't do", words[WORD_SECONDS].value);
	if (words[WORD_SIZE].value != NULL &&
		!words_number(words[WORD_SIZE].value, 1, 1, SIZE_MAX_MIB, &mib))
		return report_error(EXIT_USAGE, "say how many MiB, for instance --size 100",
			"--size: \"%s\" won't do", words[WORD_SIZE].value);
	trace->chrome.bytes_max = (uint64_t)(mib * MIB);
	return 0;
}

static int allocate(struct trace *trace)
{
	if (ring_make(&trace->body, BODY_SLOTS, sizeof(struct trace_record)) != 0 ||
		ring_make(&trace->monitor, MONITOR_SLOTS, sizeof(struct trace_record)) != 0)
		return report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for the trace");
	return 0;
}

static uint64_t dropped(const struct trace *trace)
{
	return ring_dropped(&trace->body) + ring_dropped(&trace->monitor) +
	       trace->body.lost_by_lie + trace->monitor.lost_by_lie;
}

static void describe(const struct trace *trace, char *text, size_t room)
{
	const struct timeline *t = &trace->timeline;
	char took[REPORT_TIME_BYTES];
	int used = snprintf(text, room, "%llu records of %s, main and %u more fibers",
		(unsigned long long)t->records, report_time(took, t->last),
		t->lane_count - LANE_FIRST_FIBER);
	const struct {
		uint64_t count;
		const char *what;
	} lost[] = {
		{ dropped(trace), "dropped: the ring was full" },
		{ trace->chrome.left_out, "left out: the file was full" },
		{ t->misplaced, "without a place" },
	};

	for (unsigned i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		if (lost[i].count > 0 && used > 0 && (size_t)used < room)
			used += snprintf(text + used, room - (size_t)used, "; %llu %s",
				(unsigned long long)lost[i].count, lost[i].what);
}

static int write_picture(
	const struct trace *trace, const char *path, const char *name, const char *summary)
{
	FILE *file = text_open(path);
	char title[160];

	if (file == NULL)
		return EXIT_USAGE;
	snprintf(title, sizeof(title), "%s: what it did when", name);
	lanes_write(&trace->lanes, &trace->timeline, title, summary, file);
	return text_close(file, path);
}

/* Ends both files. */
static int finish(struct trace *trace, const char *output, const char *svg, const char *name)
{
	char summary[256];
	int code, second = 0;

	timeline_end(&trace->timeline);
	chrome_end(&trace->chrome, &trace->timeline, name, dropped(trace));
	code = text_close(trace->chrome.file, output);
	describe(trace, summary, sizeof(summary));
	if (svg != NULL)
		second = write_picture(trace, svg, name, summary);
	report_line("trace: %s", summary);
	if (code == 0)
		report_line("timeline: %s", output);
	return code != 0 ? code : second;
}

static int run(struct trace *trace, struct options *options, int64_t limit_ns)
{
	struct session session = { .options = options,
		.observer = { .events = &trace->body, .monitor = &trace->monitor },
		.limit_ns = limit_ns,
		.period_ns = PERIOD_NS,
		.drain = drain,
		.self = trace };
	int code = session_begin(&session);

	return code != 0 ? code : session_run(&session);
}

static int trace_to(
	struct trace *trace, struct options *options, const struct word *words, int64_t limit_ns)
{
	static struct image image;
	struct image_error error;
	const char *name = session_name(options), *output = words[WORD_OUTPUT].value;
	char path[288];
	int code, written;

	snprintf(path, sizeof(path), "%.270s.trace.json", name);
	output = output != NULL ? output : path;
	/* The run opens it anew, and says so if it is none. */
	if (image_open(&image, options->image, &error))
		trace->timeline.names.image = &image;
	trace->has_picture = words[WORD_SVG].value != NULL;
	trace->timeline.emit = take_event;
	trace->timeline.self = trace;
	timeline_begin(&trace->timeline);
	trace->chrome.file = text_open(output);
	if (trace->chrome.file == NULL)
		return EXIT_USAGE;
	chrome_begin(&trace->chrome);
	code = run(trace, options, limit_ns);
	written = finish(trace, output, words[WORD_SVG].value, name);
	return written != 0 ? written : code;
}

int trace_command(int argc, char **argv)
{
	static struct options options;
	static struct trace trace;
	struct word words[WORD_COUNT] = { [WORD_OUTPUT] = { "output", 'o', NULL },
		[WORD_SVG] = { "svg", 0, NULL },
		[WORD_SECONDS] = { "seconds", 0, NULL },
		[WORD_SIZE] = { "size", 0, NULL } };
	int64_t limit_ns = 0;
	bool is_done = false;
	int code = session_words(&options, words, WORD_COUNT, "trace", help, argc, argv, &is_done);

	if (is_done)
		return 0;
	if (code == 0)
		code = take_numbers(words, &trace, &limit_ns);
	if (code == 0)
		code = allocate(&trace);
	return code != 0 ? code : trace_to(&trace, &options, words, limit_ns);
}
