/*
 * Byte by byte: none of this is many.
 */
#include "host/observe/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "abi/call.h"
#include "host/report.h"

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void text_folded(FILE *file, const char *text)
{
	for (; *text != '\0'; text++)
		fputc(*text == ';' ? ':' : is_printable(*text) ? *text : '?', file);
}

FILE *text_open(const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		report_error(EXIT_USAGE, "name a file that you may write:  -o FILE", "%s: %s", path,
			strerror(errno));
	return file;
}

int text_close(FILE *file, const char *path)
{
	bool is_whole = ferror(file) == 0;

	is_whole &= fclose(file) == 0;
	if (!is_whole)
		return report_error(EXIT_HOST_LACKS, "is the disk full?",
			"%s could not be written in full", path);
	return 0;
}
