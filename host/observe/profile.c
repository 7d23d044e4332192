/*
 * Samples are kept as they come and made sense of at the end, so that the parent takes no time from
 * the body; only when they fill SPOOL_BYTES it works them off in between.
 *
 *     ring --drain, 20 times a second--> spool --callers--> stacks --> SVG, folded stacks, table
 */
#include "host/observe/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/image/image.h"
#include "host/observe/callers.h"
#include "host/observe/flame.h"
#include "host/observe/ring.h"
#include "host/observe/session.h"
#include "host/observe/text.h"
#include "host/observe/words.h"
#include "host/report.h"

#define HZ_DEFAULT  1000
#define HZ_MAX	    20000
#define SECONDS_MAX INT64_C(100000000)
#define BILLION	    INT64_C(1000000000)
#define PERIOD_NS   (BILLION / 20)
/* Two periods of samples, and some: what is written over and over stays in the cache. */
#define SLOTS_FOR(hz) (128 + (hz) / 10)
#define SPOOL_BYTES   (UINT64_C(256) << 20)
#define TOP	      10
#define SAMPLE_HEAD   offsetof(struct sample, stack)

static const char help[] =
	"diatom profile [OPTION ...] [OPTION OF RUN ...] IMAGE [ARGUMENT ...]\n"
	"\n"
	"Runs the image as \"diatom run\" does, looks where it is 1000 times a second, and draws a\n"
	"flame graph. The image needs nothing for it; IMAGE.debug, which diatom build leaves beside it,\n"
	"gives the names.\n"
	"\n"
	"  --output, -o FILE.svg  the flame graph; without: NAME.svg, after the image\n"
	"  --folded FILE          also the stacks as text, as flamegraph.pl and speedscope read them\n"
	"  --hz N                 samples a second of running time, 1 to 20000; without: 1000\n"
	"  --seconds N            ask the image to finish after that time\n"
	"\n"
	"All other options are those of diatom run, see  diatom run --help\n";

enum { WORD_OUTPUT, WORD_FOLDED, WORD_HZ, WORD_SECONDS, WORD_COUNT };

struct profile {
	struct ring ring;
	struct debug_file debug_file;
	struct callers callers;
	struct stacks stacks;
	struct observed *told;
	uint8_t *spool;
	uint64_t spool_used;
	unsigned hz;
};

/* --- samples --- */

static void work_off_spool(struct profile *profile)
{
	static struct sample sample;

	profile->callers.image = profile->told->image;
	for (uint64_t at = 0; at < profile->spool_used;) {
		memcpy(&sample, profile->spool + at, SAMPLE_HEAD);
		memcpy(sample.stack, profile->spool + at + SAMPLE_HEAD, sample.stack_bytes);
		at += SAMPLE_HEAD + sample.stack_bytes;
		callers_add(&profile->callers, &sample);
	}
	profile->spool_used = 0;
}

static void drain(void *self)
{
	static struct sample sample;
	struct profile *profile = self;

	while (ring_take(&profile->ring, &sample)) {
		if (sample.stack_bytes > SAMPLE_STACK_BYTES)
			continue; /* the body wrote into the ring */
		if (profile->spool_used + SAMPLE_BYTES > SPOOL_BYTES)
			work_off_spool(profile);
		memcpy(profile->spool + profile->spool_used, &sample,
			SAMPLE_HEAD + sample.stack_bytes);
		profile->spool_used += SAMPLE_HEAD + sample.stack_bytes;
	}
}

/* --- what is written --- */

static double share(uint64_t part, uint64_t all)
{
	return all > 0 ? 100.0 * (double)part / (double)all : 0;
}

static void describe(const struct profile *profile, char *text, size_t room)
{
	uint64_t ticks = profile->told->ticks, asleep = profile->told->ticks_asleep;
	uint64_t dropped = ring_dropped(&profile->ring) + profile->ring.lost_by_lie;
	int used = snprintf(text, room, "%llu samples at %u Hz, asleep %.0f %% of the time",
		(unsigned long long)profile->stacks.nodes[0].total, profile->hz,
		share(asleep, ticks));

	if (dropped > 0 && used > 0 && (size_t)used < room)
		snprintf(text + used, room - (size_t)used, ", %llu samples lost",
			(unsigned long long)dropped);
}

static void print_table(const struct profile *profile, const char *summary)
{
	struct stacks_function top[TOP];
	unsigned count = stacks_top(&profile->stacks, top, TOP);
	uint64_t all = profile->stacks.nodes[0].total;

	report_line("profile: %s", summary);
	if (all == 0)
		return;
	report_line("     self    total  function");
	for (unsigned i = 0; i < count; i++)
		report_line("  %5.1f %%  %5.1f %%  %s", share(top[i].self, all),
			share(top[i].total, all), top[i].name);
}

static int write_folded(const struct profile *profile, const char *path)
{
	FILE *file;

	if (path == NULL)
		return 0;
	file = text_open(path);
	if (file == NULL)
		return EXIT_USAGE;
	stacks_write_folded(&profile->stacks, file);
	return text_close(file, path);
}

static int write_flame(
	const struct profile *profile, const char *path, const char *name, const char *summary)
{
	FILE *file = text_open(path);
	char title[160];

	if (file == NULL)
		return EXIT_USAGE;
	snprintf(title, sizeof(title), "%s: where the time went", name);
	flame_write(&profile->stacks, title, summary, file);
	return text_close(file, path);
}

/* --- the command --- */

static int take_numbers(const struct word *words, struct profile *profile, int64_t *limit_ns)
{
	int64_t hz = HZ_DEFAULT;

	if (words[WORD_HZ].value != NULL && !words_number(words[WORD_HZ].value, 1, 1, HZ_MAX, &hz))
		return report_error(EXIT_USAGE, "say how many samples a second, 1 to 20000",
			"--hz: \"%s\" won't do", words[WORD_HZ].value);
	if (words[WORD_SECONDS].value != NULL && !words_number(words[WORD_SECONDS].value, BILLION,
							 1, SECONDS_MAX * BILLION, limit_ns))
		return report_error(EXIT_USAGE, "say how many seconds, for instance --seconds 10",
			"--seconds: \"%s\" won't do", words[WORD_SECONDS].value);
	profile->hz = (unsigned)hz;
	return 0;
}

/* Opens the image for its names. The run opens it anew, and says so if it is none. */
static void open_names(struct profile *profile, struct image *image, const char *path)
{
	struct image_error error;

	stacks_init(&profile->stacks);
	profile->callers.stacks = &profile->stacks;
	if (!image_open(image, path, &error))
		return;
	profile->callers.image_bytes = image->span_bytes;
	if (debug_file_load(&profile->debug_file, image, path))
		profile->callers.debug = &profile->debug_file.debug;
	else
		report_error(0, "diatom build leaves it beside the image; keep them together",
			"no names of functions, for %s%s", path,
			profile->debug_file.why[0] != '\0' ? profile->debug_file.why
							   : ".debug is not there");
}

static int allocate(struct profile *profile)
{
	profile->spool = mmap(NULL, SPOOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (profile->spool == MAP_FAILED ||
		ring_make(&profile->ring, SLOTS_FOR(profile->hz), SAMPLE_BYTES) != 0)
		return report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for samples");
	return 0;
}

static int write_all(const struct profile *profile, const struct word *words, const char *name)
{
	char path[288], summary[160];
	const char *output = words[WORD_OUTPUT].value;
	int code;

	snprintf(path, sizeof(path), "%.280s.svg", name);
	output = output != NULL ? output : path;
	describe(profile, summary, sizeof(summary));
	code = write_folded(profile, words[WORD_FOLDED].value);
	if (code == 0)
		code = write_flame(profile, output, name, summary);
	print_table(profile, summary);
	if (code == 0)
		report_line("flame graph: %s", output);
	return code;
}

static int run(struct profile *profile, struct options *options, int64_t limit_ns)
{
	struct session session = { .options = options,
		.observer = { .samples = &profile->ring, .hz = profile->hz },
		.limit_ns = limit_ns,
		.period_ns = PERIOD_NS,
		.drain = drain,
		.self = profile };
	int code = session_begin(&session);

	if (code != 0)
		return code;
	profile->told = session.observer.told;
	return session_run(&session);
}

int profile_command(int argc, char **argv)
{
	static struct options options;
	static struct profile profile;
	static struct image image;
	struct word words[WORD_COUNT] = { [WORD_OUTPUT] = { "output", 'o', NULL },
		[WORD_FOLDED] = { "folded", 0, NULL },
		[WORD_HZ] = { "hz", 0, NULL },
		[WORD_SECONDS] = { "seconds", 0, NULL } };
	int64_t limit_ns = 0;
	bool is_done = false;
	int code = session_words(
		    &options, words, WORD_COUNT, "profile", help, argc, argv, &is_done),
	    written;

	if (is_done)
		return 0;
	if (code == 0)
		code = take_numbers(words, &profile, &limit_ns);
	if (code == 0)
		code = allocate(&profile);
	if (code != 0)
		return code;
	open_names(&profile, &image, options.image);
	code = run(&profile, &options, limit_ns);
	if (profile.told == NULL || profile.told->image == 0)
		return code; /* it never ran */
	work_off_spool(&profile);
	stacks_sort(&profile.stacks);
	written = write_all(&profile, words, session_name(&options));
	return written != 0 ? written : code;
}
