/*
 * The command line of `diatom build`: options with a value are rows of a table, the compiler's own
 * options pass through, and all else is a source.
 */
#include "host/build/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/report.h"

static const char help[] =
	"diatom build SOURCE.c ... [-o IMAGE] [OPTION ...]    makes a sealed image of a C program\n"
	"\n"
	"  -o IMAGE          the file to make; IMAGE.debug, beside it, has the symbols.\n"
	"                    Without it the image is named after the first source.\n"
	"  --seed N          the layout's seed: the same N gives the same file, bit for bit.\n"
	"                    Without it every build has a layout of its own.\n"
	"  --cc clang|gcc    the compiler; clang adds control-flow integrity. Default: clang\n"
	"  --name NAME, --version TEXT    what the image calls itself\n"
	"  --verbose         show the commands and the seed\n"
	"  -I DIR, -D NAME[=VALUE], -O..., -W..., -f..., -m..., -std=...    go to the compiler\n";

#define SEE_HELP "all options:  diatom build --help"

static bool set_output(struct request *request, const char *value)
{
	return snprintf(request->output, PATH_MAX, "%s", value) < PATH_MAX - 16 && value[0];
}

static bool set_seed(struct request *request, const char *value)
{
	char *end;

	request->seed = strtoull(value, &end, 0);
	request->has_seed = true;
	return *value >= '0' && *value <= '9' && *end == '\0';
}

static bool set_compiler(struct request *request, const char *value)
{
	request->compiler = value;
	return strcmp(value, "clang") == 0 || strcmp(value, "gcc") == 0;
}

/* Text that fits into a manifest and needs no quoting in C. */
static bool is_label(const char *value)
{
	size_t length = strlen(value);

	return length > 0 && length < 32 && strpbrk(value, "\"\\\n") == NULL;
}

static bool set_name(struct request *request, const char *value)
{
	request->name = value;
	return is_label(value);
}

static bool set_version(struct request *request, const char *value)
{
	request->version = value;
	return is_label(value);
}

static const struct option {
	const char *name;
	bool (*set)(struct request *request, const char *value);
	const char *form;
} options[] = {
	{ "-o", set_output, "it takes a file name:  -o IMAGE" },
	{ "--seed", set_seed, "it takes a number:  --seed 1" },
	{ "--cc", set_compiler, "it takes one of the two:  --cc clang  or  --cc gcc" },
	{ "--name", set_name, "it takes a text of 1 to 31 characters without quotes" },
	{ "--version", set_version, "it takes a text of 1 to 31 characters without quotes" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* The option of that word; *value is what follows its "=", or NULL. */
static const struct option *find_option(const char *word, const char **value)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		size_t length = strlen(options[i].name);

		if (strncmp(word, options[i].name, length) != 0)
			continue;
		*value = NULL;
		if (word[length] == '\0')
			return &options[i];
		*value = word + length + 1;
		if (word[length] == '=')
			return &options[i];
	}
	return NULL;
}

static bool is_compiler_flag(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && strchr("IDUOWfmwg", word[1]) != NULL;
}

static int add_source(struct request *request, const char *word)
{
	size_t length = strlen(word);

	if (length < 3 || strcmp(word + length - 2, ".c") != 0)
		return report_error(EXIT_USAGE, SEE_HELP, "%s is not a C source (NAME.c)", word);
	if (request->source_count == REQUEST_SOURCES_MAX)
		return report_error(EXIT_USAGE, NULL, "more than %d sources", REQUEST_SOURCES_MAX);
	if (access(word, R_OK) != 0)
		return report_error(1, "is the name right?", "%s can't be read: %m", word);
	request->sources[request->source_count++] = word;
	return 0;
}

static int add_flag(struct request *request, const char *word)
{
	if (request->flag_count == REQUEST_FLAGS_MAX)
		return report_error(EXIT_USAGE, NULL, "more than %d flags", REQUEST_FLAGS_MAX);
	request->flags[request->flag_count++] = word;
	return 0;
}

/* One word, and the next if it is an option's value; *taken says how many. */
static int parse_word(struct request *request, char **word, int left, int *taken)
{
	const char *value;
	const struct option *option = find_option(word[0], &value);

	*taken = 1;
	if (option) {
		if (!value && left < 2)
			return report_error(
				EXIT_USAGE, option->form, "%s lacks its value", word[0]);
		if (!value)
			*taken = 2;
		value = value ? value : word[1];
		if (!option->set(request, value))
			return report_error(EXIT_USAGE, option->form, "%s: \"%s\" won't do",
				option->name, value);
		return 0;
	}
	if (strcmp(word[0], "--verbose") == 0) {
		request->is_verbose = true;
		return 0;
	}
	if ((strcmp(word[0], "-I") == 0 || strcmp(word[0], "-D") == 0) && left >= 2) {
		*taken = 2;
		return add_flag(request, word[0]) || add_flag(request, word[1]) ? EXIT_USAGE : 0;
	}
	if (is_compiler_flag(word[0]) || strncmp(word[0], "-std=", 5) == 0)
		return add_flag(request, word[0]);
	if (word[0][0] == '-')
		return report_error(EXIT_USAGE, SEE_HELP, "build has no option %s", word[0]);
	return add_source(request, word[0]);
}

/* Named after the first source, in the current directory. */
static void default_output(struct request *request)
{
	const char *slash = strrchr(request->sources[0], '/');
	const char *name = slash ? slash + 1 : request->sources[0];

	snprintf(request->output, PATH_MAX - 16, "%.*s", (int)strlen(name) - 2, name);
}

int request_parse(struct request *request, int argc, char **argv, bool *is_done)
{
	int taken;

	*is_done = true;
	memset(request, 0, sizeof(*request));
	request->compiler = "clang";
	for (int i = 0; i < argc; i += taken) {
		int code;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			report_write(STDOUT_FILENO, help, sizeof(help) - 1);
			return 0;
		}
		code = parse_word(request, argv + i, argc - i, &taken);
		if (code != 0)
			return code;
	}
	if (request->source_count == 0)
		return report_error(
			EXIT_USAGE, SEE_HELP, "build needs a source:  diatom build main.c");
	if (!request->output[0])
		default_output(request);
	for (int i = 0; i < request->source_count; i++)
		if (strcmp(request->sources[i], request->output) == 0)
			return report_error(EXIT_USAGE, SEE_HELP,
				"-o %s would overwrite the source", request->output);
	*is_done = false;
	return 0;
}
