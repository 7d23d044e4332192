/* The command: words, files, then one of the ways to show them. */
#include "host/inspect/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/debug/debug_file.h"
#include "host/file.h"
#include "host/inspect/inspection.h"
#include "host/inspect/show.h"
#include "host/report.h"

#define SEE_HELP "all options:  diatom inspect --help"

static const char help[] =
	"diatom inspect [OPTION ...] IMAGE\n"
	"\n"
	"  --json         one JSON object on standard output\n"
	"  --svg FILE     draw the image as a treemap: libraries, source files, functions\n"
	"  --debug FILE   the file with symbols; without: IMAGE.debug beside the image\n"
	"  --strict       end with 1 if there is a warning\n"
	"\n"
	"Shows what an image asks for, its entry points, its memory and who may do what to it, its\n"
	"hardening, the libraries in it, with bytes and the symbol for which each is there, and warns\n"
	"of what is weaker than it should be.\n";

struct request {
	const char *image, *svg, *debug;
	bool is_json, is_strict, wants_help;
};

static const struct option {
	const char *name;
	size_t text; /* offsets into struct request: of a text's pointer, */
	size_t flag; /* or of a flag */
} options[] = {
	{ "--json", 0, offsetof(struct request, is_json) },
	{ "--svg", offsetof(struct request, svg), 0 },
	{ "--debug", offsetof(struct request, debug), 0 },
	{ "--strict", 0, offsetof(struct request, is_strict) },
	{ "--help", 0, offsetof(struct request, wants_help) },
	{ "-h", 0, offsetof(struct request, wants_help) },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static int unknown(const char *word)
{
	const char *names[OPTION_COUNT + 1] = { 0 }, *near;
	char remedy[96];

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = options[i].name;
	near = report_nearest(word, names);
	snprintf(remedy, sizeof(remedy), "did you mean %s?  " SEE_HELP, near ? near : "");
	return report_error(
		EXIT_USAGE, near ? remedy : SEE_HELP, "inspect has no option \"%s\"", word);
}

/* The option at argv[*at] and its value; *at moves past both. */
static int take_option(struct request *request, int argc, char **argv, int *at)
{
	char *word = argv[(*at)++], *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];
		const char *value = equals ? equals + 1 : NULL;

		if (strlen(option->name) != length || strncmp(option->name, word, length) != 0)
			continue;
		if (option->text == 0 && option->flag != 0 && value)
			return report_error(
				EXIT_USAGE, SEE_HELP, "%s takes no value", option->name);
		if (option->text == 0) {
			*(bool *)((char *)request + option->flag) = true;
			return 0;
		}
		if (!value && *at < argc)
			value = argv[(*at)++];
		if (!value || !value[0])
			return report_error(
				EXIT_USAGE, SEE_HELP, "%s needs a file's name", option->name);
		*(const char **)((char *)request + option->text) = value;
		return 0;
	}
	return unknown(word);
}

static int parse(struct request *request, int argc, char **argv)
{
	int at = 0, code;

	while (at < argc) {
		if (argv[at][0] == '-' && argv[at][1] != '\0') {
			code = take_option(request, argc, argv, &at);
			if (code != 0)
				return code;
		} else if (request->image) {
			return report_error(EXIT_USAGE, "one at a time",
				"inspect takes one image, not also \"%s\"", argv[at]);
		} else {
			request->image = argv[at++];
		}
	}
	return 0;
}

static void read_debug(struct inspection *inspection, int fd)
{
	struct stat about;
	uint8_t *bytes = NULL;
	int64_t have = -1;

	if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
		(uint64_t)about.st_size <= IMAGE_BYTES_MAX)
		bytes = malloc((size_t)about.st_size);
	if (bytes)
		have = file_read(fd, bytes, (uint64_t)about.st_size);
	/* An empty or unreadable file is as good as one with nothing in it. */
	inspection_of_debug(inspection, bytes, have > 0 ? (uint64_t)have : 0);
	free(bytes);
}

static int open_debug(struct inspection *inspection, const struct request *request)
{
	struct debug_file found;
	int fd;

	if (!request->debug) {
		/* It may be malformed or another image's: inspection_of_debug judges that itself. */
		(void)debug_file_load(&found, &inspection->image, request->image);
		if (found.fd >= 0 || found.why[0])
			inspection_of_debug(
				inspection, found.bytes, found.bytes ? found.length : 0);
		debug_file_close(&found);
		return 0;
	}
	fd = open(request->debug, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return report_error(1, "is the name right?", "%s: %m", request->debug);
	read_debug(inspection, fd);
	close(fd);
	return 0;
}

static int write_svg(const struct inspection *inspection, const char *path)
{
	FILE *out = fopen(path, "w");
	bool is_good;

	if (out) {
		show_svg(inspection, out);
		is_good = !ferror(out);
		if (fclose(out) == 0 && is_good)
			return 0;
	}
	return report_error(1, NULL, "%s can't be written: %m", path);
}

static int show(const struct inspection *inspection, const struct request *request)
{
	int code = 0;

	if (request->svg)
		code = write_svg(inspection, request->svg);
	if (code != 0)
		return code;
	if (request->is_json)
		show_json(inspection, stdout);
	else if (!request->svg)
		show_text(inspection, stdout);
	if (fflush(stdout) != 0)
		return report_error(1, NULL, "standard output can't be written: %m");
	return request->is_strict && inspection->warning_count > 0 ? 1 : 0;
}

int inspect_command(int argc, char **argv)
{
	static struct inspection inspection;
	struct request request = { 0 };
	struct image_error error;
	struct stat about;
	int code = parse(&request, argc, argv);

	if (code != 0)
		return code;
	if (request.wants_help) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (!request.image)
		return report_error(
			EXIT_USAGE, SEE_HELP, "which image? say:  diatom inspect IMAGE");
	inspection.path = request.image;
	if (!image_open(&inspection.image, request.image, &error))
		return report_error(error.code, error.remedy, "%s: %s", request.image, error.what);
	if (stat(request.image, &about) == 0)
		inspection.is_writable_by_all = (about.st_mode & S_IWOTH) != 0;
	inspection_of_image(&inspection);
	code = open_debug(&inspection, &request);
	if (code == 0) {
		inspection_warn(&inspection);
		code = show(&inspection, &request);
	}
	parts_free(&inspection.parts);
	image_close(&inspection.image);
	return code;
}
