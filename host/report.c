/*
 * Lines are put together in a buffer on the stack and cut if they don't fit.
 */
#include "host/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES   1024
#define WORD_BYTES   32
#define DISTANCE_MAX 2 /* typing errors that are forgiven */

void report_write(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		length -= (size_t)n;
	}
}

/* The length of what snprintf put into a buffer of `room` bytes. */
static size_t fitted(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

int report_error(int code, const char *remedy, const char *format, ...)
{
	char text[LINE_BYTES] = "diatom: ";
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	used += fitted(vsnprintf(text + used, sizeof(text) - used, format, arguments),
		sizeof(text) - used);
	va_end(arguments);
	used += fitted(snprintf(text + used, sizeof(text) - used, remedy != NULL ? "\n  %s" : "%s",
			       remedy != NULL ? remedy : ""),
		sizeof(text) - used);
	if (used == sizeof(text) - 1)
		used--;
	text[used++] = '\n';
	report_write(STDERR_FILENO, text, used);
	return code;
}

void report_line(const char *format, ...)
{
	char text[LINE_BYTES];
	size_t used;
	va_list arguments;

	va_start(arguments, format);
	used = fitted(vsnprintf(text, sizeof(text), format, arguments), sizeof(text));
	va_end(arguments);
	if (used == sizeof(text) - 1)
		used--;
	text[used++] = '\n';
	report_write(STDERR_FILENO, text, used);
}

const char *report_time(char text[REPORT_TIME_BYTES], int64_t ns)
{
	if (ns < 1000000)
		snprintf(text, REPORT_TIME_BYTES, "0.%02d ms", (int)(ns / 10000));
	else if (ns < 100 * 1000000LL)
		snprintf(text, REPORT_TIME_BYTES, "%d.%d ms", (int)(ns / 1000000),
			(int)(ns / 100000 % 10));
	else if (ns < 120 * 1000000000LL)
		snprintf(text, REPORT_TIME_BYTES, "%d.%d s", (int)(ns / 1000000000),
			(int)(ns / 100000000 % 10));
	else
		snprintf(text, REPORT_TIME_BYTES, "%lld min %d s", (long long)(ns / 60000000000LL),
			(int)(ns / 1000000000 % 60));
	return text;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance: insertions, deletions and changes that turn one word into the other. */
static unsigned distance(const char *a, const char *b)
{
	size_t length_a = strlen(a), length_b = strlen(b);
	unsigned row[WORD_BYTES + 1];

	if (length_a > WORD_BYTES || length_b > WORD_BYTES)
		return WORD_BYTES;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= length_b; j++) {
			unsigned above = row[j];

			row[j] =
				least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length_b];
}

const char *report_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = DISTANCE_MAX + 1;

	for (; *words != NULL; words++) {
		unsigned d = distance(word, *words);

		if (d < best_distance && d < strlen(*words)) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}
