/*
 * A path's settings from the command line: "NAME=NUMBER,NAME=NUMBER...", or "-" for a perfect one.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/impair/path.h"

#define FIELD(field) offsetof(struct path_settings, field)
#define PERCENT	     1e4 /* in a million */
#define MS	     1e6 /* in nanoseconds */

static const struct {
	const char *name;
	size_t field;
	double unit, most;
} names[] = {
	{ "delay_ms", FIELD(delay_ns), MS, 10000 },
	{ "jitter_ms", FIELD(jitter_ns), MS, 10000 },
	{ "loss", FIELD(loss), PERCENT, 100 }, /* percent, and so on */
	{ "burst_begin", FIELD(burst_begin), PERCENT, 100 },
	{ "burst_end", FIELD(burst_end), PERCENT, 100 },
	{ "duplicate", FIELD(duplicate), PERCENT, 100 },
	{ "corrupt", FIELD(corrupt), PERCENT, 100 },
	{ "reorder", FIELD(reorder), PERCENT, 100 },
	{ "reorder_ms", FIELD(reorder_ns), MS, 10000 },
	{ "rate_mbit", FIELD(bytes_a_second), 1e6 / 8, 100000 },
	{ "queue_kib", FIELD(queue_bytes), 1024, 1 << 20 },
	{ "mtu", FIELD(mtu), 1, 65535 },
};

/* The setting "NAME=NUMBER" of that length. */
static bool parse_one(struct path_settings *settings, const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t name = strlen(names[i].name);
		char *end;
		double value;

		if (length <= name + 1 || strncmp(text, names[i].name, name) != 0 ||
			text[name] != '=')
			continue;
		value = strtod(text + name + 1, &end);
		if (end != text + length || !(value >= 0 && value <= names[i].most)) {
			fprintf(stderr, "impair: %.*s: a number from 0 to %g is wanted\n",
				(int)length, text, names[i].most);
			return false;
		}
		*(uint64_t *)(void *)((char *)settings + names[i].field) =
			(uint64_t)(value * names[i].unit + 0.5);
		return true;
	}
	fprintf(stderr, "impair: %.*s: no such setting; there are", (int)length, text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fprintf(stderr, " %s", names[i].name);
	fprintf(stderr, "\n");
	return false;
}

static bool is_whole(const struct path_settings *s)
{
	if (s->burst_begin != 0 && s->burst_end == 0)
		fprintf(stderr,
			"impair: burst_begin without burst_end: all would be lost for ever\n");
	else if (s->bytes_a_second != 0 && s->queue_bytes == 0)
		fprintf(stderr, "impair: rate_mbit wants a queue_kib\n");
	else
		return true;
	return false;
}

bool path_settings_parse(struct path_settings *settings, const char *text)
{
	memset(settings, 0, sizeof(*settings));
	if (strcmp(text, "-") == 0)
		return true;
	for (;;) {
		size_t length = strcspn(text, ",");

		if (!parse_one(settings, text, length))
			return false;
		if (text[length] == 0)
			return is_whole(settings);
		text += length + 1;
	}
}
