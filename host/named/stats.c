/*
 * `diatom stats`: a run's counters, from outside. The run does nothing for it and does not notice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/commands.h"
#include "host/named/counters.h"
#include "host/json.h"
#include "host/named/state.h"
#include "host/options.h"
#include "host/report.h"

#define TEXT_BYTES (COUNTERS_MAX * 512)
#define WATCH_MAX  86400

static const char help[] =
	"diatom stats [--all] [--json | --prometheus] [--watch SECONDS] NAME\n"
	"\n"
	"  --all, -a         counters that are zero, too\n"
	"  --json            a JSON object, all counters\n"
	"  --prometheus      the text format that Prometheus reads, all counters\n"
	"  --watch SECONDS   again and again, until the run ended\n"
	"\n"
	"Prints the counters of a run that has a name, while it runs or after it ended.\n";

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PROMETHEUS };

struct wish {
	const char *name;
	enum format format;
	bool wants_all;
	uint32_t watch_s; /* 0: once */
};

static void put_text(struct json *out, const struct counter_value *c, unsigned count, bool all)
{
	for (unsigned i = 0; i < count; i++)
		if (all || c[i].value != 0)
			json_put(out, "%20llu  %-28s %s\n", (unsigned long long)c[i].value,
				c[i].name, c[i].help);
}

static void put_json(struct json *out, const struct counter_value *c, unsigned count)
{
	json_put(out, "{");
	for (unsigned i = 0; i < count; i++)
		json_put(out, "%s\n\t\"%s\": %llu", i > 0 ? "," : "", c[i].name,
			(unsigned long long)c[i].value);
	json_put(out, "\n}\n");
}

/* "ipv4.rx_bad" becomes "diatom_ipv4_rx_bad_total". */
static void put_metric_name(struct json *out, const char *name)
{
	json_put(out, "diatom_");
	for (; *name != '\0'; name++)
		json_put(out, "%c", *name == '.' || *name == '-' ? '_' : *name);
	json_put(out, "_total");
}

/* A help text has two characters to escape, of which we print one: '\\'. */
static void put_metric(struct json *out, const struct counter_value *c, const char *run)
{
	json_put(out, "# HELP ");
	put_metric_name(out, c->name);
	json_put(out, " ");
	for (const char *at = c->help; *at != '\0'; at++)
		json_put(out, *at == '\\' ? "\\\\" : "%c", *at);
	json_put(out, "\n# TYPE ");
	put_metric_name(out, c->name);
	json_put(out, " counter\n");
	put_metric_name(out, c->name);
	json_put(out, "{run=\"%s\"} %llu\n", run, (unsigned long long)c->value);
}

static void put_prometheus(struct json *out, const struct counter_value *c, unsigned count,
	const char *run, const struct state *state)
{
	json_put(out,
		"# HELP diatom_up Does the run live?\n# TYPE diatom_up gauge\n"
		"diatom_up{run=\"%s\"} %d\n",
		run, state->is_alive);
	json_put(out,
		"# HELP diatom_start_time_seconds When the run started, since 1970.\n"
		"# TYPE diatom_start_time_seconds gauge\n"
		"diatom_start_time_seconds{run=\"%s\"} %lld\n",
		run, (long long)state_number(state, "started_at"));
	for (unsigned i = 0; i < count; i++)
		put_metric(out, &c[i], run);
}

/* Two files of a program may each have a counter of one name: they count as one. */
static unsigned merge(struct counter_value *c, unsigned count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned same = 0;

		while (same < kept && strcmp(c[same].name, c[i].name) != 0)
			same++;
		if (same < kept)
			c[same].value += c[i].value;
		else if (kept++ != i)
			c[kept - 1] = c[i];
	}
	return kept;
}

static int print(const struct place *place, const struct state *state, const struct wish *wish)
{
	static char text[TEXT_BYTES];
	struct json out;
	unsigned count;
	struct counter_value *counters = counters_read(place, &count);

	if (counters == NULL)
		return report_error(EXIT_REFUSED, "it may not have come that far:  diatom ps --all",
			"\"%s\" has no counters", place->name);
	count = merge(counters, count);
	json_begin(&out, text, sizeof(text));
	switch (wish->format) {
	case FORMAT_TEXT:
		put_text(&out, counters, count, wish->wants_all);
		break;
	case FORMAT_JSON:
		put_json(&out, counters, count);
		break;
	case FORMAT_PROMETHEUS:
		put_prometheus(&out, counters, count, place->name, state);
		break;
	}
	report_write(STDOUT_FILENO, text, out.used);
	free(counters);
	return 0;
}

static int show(const struct place *place, const struct wish *wish)
{
	static struct state state;
	struct timespec pause = { wish->watch_s, 0 };
	int code;

	for (;;) {
		state_read(place, &state);
		code = print(place, &state, wish);
		if (code != 0 || wish->watch_s == 0 || !state.is_alive)
			return code;
		nanosleep(&pause, NULL);
		report_write(STDOUT_FILENO, "\n", 1);
	}
}

/* Takes one word, and the next if it is its value. False: it won't do. */
static bool take_word(struct wish *wish, char **words, int *at, int count)
{
	const char *word = words[(*at)++];

	if (strcmp(word, "--json") == 0)
		wish->format = FORMAT_JSON;
	else if (strcmp(word, "--prometheus") == 0)
		wish->format = FORMAT_PROMETHEUS;
	else if (strcmp(word, "--all") == 0 || strcmp(word, "-a") == 0)
		wish->wants_all = true;
	else if (strcmp(word, "--watch") == 0)
		return *at < count &&
		       options_parse_number(words[(*at)++], WATCH_MAX, &wish->watch_s) &&
		       wish->watch_s > 0;
	else if (word[0] == '-' || wish->name != NULL)
		return false;
	else
		wish->name = word;
	return true;
}

int stats_command(int argc, char **argv)
{
	struct wish wish = { 0 };
	struct place place;
	int at = 0, code;

	while (at < argc) {
		const char *word = argv[at];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			report_write(STDOUT_FILENO, help, sizeof(help) - 1);
			return 0;
		}
		if (!take_word(&wish, argv, &at, argc))
			return report_error(EXIT_USAGE, "all options:  diatom stats --help",
				"stats does not take \"%s\"", word);
	}
	if (wish.name == NULL)
		return report_error(EXIT_USAGE, "those that run:  diatom ps",
			"whose counters? say:  diatom stats NAME");
	code = place_find(&place, wish.name);
	if (code != 0)
		return code;
	code = show(&place, &wish);
	place_close(&place);
	return code;
}
