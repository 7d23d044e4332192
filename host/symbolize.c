/*
 * The file may be IMAGE.debug, or IMAGE with its debug file beside it. Frames of a report
 *
 *       #1   image+0x2b10
 *
 * are written anew with names; all other lines pass as they are. The report's own build id must be the
 * file's: names of another build would be lies.
 */
#include "host/symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/crash/backtrace.h"
#include "host/debug/debug_file.h"
#include "host/image/image.h"
#include "host/report.h"

#define USAGE	   "diatom symbolize IMAGE [OFFSET ...]"
#define LINE_BYTES 2048

static const char help[] = USAGE
	"\n"
	"\n"
	"Names places in an image (0x1a30) by function, file and line, from IMAGE.debug. Without\n"
	"offsets it reads a crash report from standard input and writes it with names.\n"
	"IMAGE may be the debug file itself.\n";

/* Maps a debug file and decodes it; what was wrong otherwise. */
static const char *load_debug(const char *path, struct debug *debug)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = NULL;
	struct stat about;
	uint8_t *bytes;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0) {
		close(fd);
		return "it is no file, or empty";
	}
	bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return strerror(errno);
	debug_decode(debug, bytes, (uint64_t)about.st_size, &why);
	return why;
}

/* The file itself, else the debug file of the image that it is. 0, or the exit code. */
static int load(const char *path, struct debug *debug)
{
	static struct debug_file file;
	static struct image image;
	struct image_error error;
	const char *why = load_debug(path, debug);

	if (why == NULL)
		return 0;
	if (!image_open(&image, path, &error))
		return report_error(EXIT_REFUSED, "name an image or its debug file:  " USAGE,
			"%s: %s", path, why);
	if (debug_file_load(&file, &image, path)) {
		*debug = file.debug;
		return 0;
	}
	if (file.why[0] != '\0')
		return report_error(EXIT_REFUSED,
			"build the image again, or name the debug file of its build",
			"%s.debug is not used: %s", path, file.why);
	return report_error(EXIT_REFUSED,
		"diatom build writes it beside the image; DIATOM_DEBUG_DIR may name a folder of them",
		"%s has no debug file %s.debug", path, path);
}

static void write_frame(
	const struct debug *debug, unsigned number, uint64_t offset, bool is_call, bool is_likely)
{
	static struct text text;

	text.used = 0;
	backtrace_put_frame(&text, debug, number, offset, is_call, is_likely);
	report_write(STDOUT_FILENO, text.bytes, text.used);
}

/* "  build   27068d29...": is it this file's? */
static bool is_of_other_build(const struct debug *debug, const char *line)
{
	static const char label[] = "  build   ";
	char id[2 * DEBUG_BUILD_ID_MAX + 1] = "";

	if (strncmp(line, label, strlen(label)) != 0)
		return false;
	for (unsigned i = 0; i < debug->build_id_bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", debug->build_id[i]);
	return strncmp(line + strlen(label), id, strlen(id)) != 0 || id[0] == '\0';
}

/* The shim knows no frames. It says where, and what is likely to have called that:
 *     "  at      0x37b38394433e, image+0x333e (image text)"
 *     "  called by (likely) image+0x492a image+0x5dd0 ..." */
static bool explain_callers(const struct debug *debug, const char *line)
{
	static const char label[] = "  called by (likely)", word[] = "image+0x";
	static unsigned long long place;
	const char *at = strstr(line, word);
	unsigned number = 1;

	if (strncmp(line, "  at  ", 6) == 0 && at != NULL)
		place = strtoull(at + strlen(word), NULL, 16);
	if (strncmp(line, label, strlen(label)) != 0)
		return false;
	write_frame(debug, 0, place, false, false);
	for (; at != NULL; at = strstr(at + 1, word))
		write_frame(debug, number++, strtoull(at + strlen(word), NULL, 16), true, true);
	return true;
}

static void explain_line(const struct debug *debug, const char *line)
{
	unsigned long long offset;
	unsigned number;
	int used = 0;

	if (explain_callers(debug, line))
		return;
	if (sscanf(line, " #%u image+0x%llx%n", &number, &offset, &used) == 2 && used > 0)
		write_frame(debug, number, offset, number > 0, strstr(line, "(likely)") != NULL);
	else
		report_write(STDOUT_FILENO, line, strlen(line));
}

static int explain_report(const struct debug *debug)
{
	static char line[LINE_BYTES];
	int code = 0;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strstr(line, "its debug file names these places") != NULL)
			continue;
		explain_line(debug, line);
		if (is_of_other_build(debug, line))
			code = report_error(EXIT_REFUSED, "the names above are wrong",
				"the report is of another build than the debug file");
	}
	return code;
}

static int explain_offsets(const struct debug *debug, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *word = strncmp(argv[i], "image+", 6) == 0 ? argv[i] + 6 : argv[i];
		char *end;
		uint64_t offset = strtoull(word, &end, 16);

		if (end == word || *end != '\0')
			return report_error(EXIT_USAGE, "say for instance:  0x1a30",
				"\"%s\" is no offset", argv[i]);
		write_frame(debug, (unsigned)i, offset, false, false);
	}
	return 0;
}

int symbolize_command(int argc, char **argv)
{
	static struct debug debug;
	int code;

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (argc == 0 || argv[0][0] == '-')
		return report_error(EXIT_USAGE, USAGE, "which image?");
	code = load(argv[0], &debug);
	if (code != 0)
		return code;
	return argc > 1 ? explain_offsets(&debug, argc - 1, argv + 1) : explain_report(&debug);
}
