/*
 * Two passes in one: ours are taken out, the others move up over them, and the image ends it.
 */
#include "host/observe/words.h"

#include <stdio.h>
#include <string.h>

#include "abi/call.h"
#include "host/options.h"
#include "host/report.h"

/* The option that `text` is, and where its value begins if that is in the same word. */
static struct word *find(struct word *words, unsigned count, const char *text, const char **value)
{
	const char *equals = strchr(text, '=');
	size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);

	*value = equals != NULL ? equals + 1 : NULL;
	for (unsigned i = 0; i < count; i++) {
		struct word *w = &words[i];

		if (length == 2 && text[0] == '-' && w->letter != 0 && text[1] == w->letter)
			return w;
		if (length == strlen(w->name) + 2 && strncmp(text, "--", 2) == 0 &&
			strncmp(text + 2, w->name, length - 2) == 0)
			return w;
	}
	return NULL;
}

int words_take(struct word *words, unsigned count, const char *command, int *argc, char **argv)
{
	int from = 0, to = 0;

	while (from < *argc && argv[from][0] == '-' && strcmp(argv[from], "--") != 0) {
		const char *value;
		struct word *word = find(words, count, argv[from], &value);
		char remedy[64];

		if (word == NULL) {
			if (options_takes_next(argv[from]) && from + 1 < *argc)
				argv[to++] = argv[from++];
			argv[to++] = argv[from++];
			continue;
		}
		snprintf(remedy, sizeof(remedy), "all options:  diatom %s --help", command);
		if (value == NULL && from + 1 == *argc)
			return report_error(EXIT_USAGE, remedy, "%s needs a value", argv[from]);
		word->value = value != NULL ? value : argv[++from];
		from++;
	}
	while (from < *argc)
		argv[to++] = argv[from++];
	*argc = to;
	return 0;
}

bool words_number(const char *text, int64_t unit, int64_t least, int64_t most, int64_t *number)
{
	int64_t value = 0, decimal = unit;
	const char *start = text;

	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (*text - '0');
		if (value > most / unit)
			return false;
	}
	if (text == start)
		return false;
	value *= unit;
	if (*text == '.' && unit > 1 && text[1] != '\0')
		for (text++; *text >= '0' && *text <= '9'; text++)
			value += (decimal /= 10) * (*text - '0');
	*number = value;
	return *text == '\0' && value >= least && value <= most;
}
