/*
 * Log: "LEVEL PART: text", one line each, written to the console and kept in a ring of the last 16
 * lines. Text may quote what came over the network, so control characters become '?': no line can
 * pretend to be two, nor move a terminal's cursor.
 *
 * The level comes from boot info with the first line: until then log_level_printed lets all pass.
 */
#include "core/log.h"

#include <stdarg.h>
#include <string.h>

#include "abi/manifest.h"
#include "base/format.h"
#include "diatom/log.h"
#include "plat/plat.h"

enum log_level log_level_printed = LOG_DEBUG;
__attribute__((used)) struct inside_log log_ring;

MANIFEST_INSIDE_NOTE(INSIDE_LOG, "log_ring", "log_ring + 3848");
_Static_assert(sizeof(log_ring) == 3848, "the note says so");

/* Of the C library, in an image whose program prints by it; else NULL. */
extern int vsnprintf(char *to, size_t room, const char *format, va_list arguments)
	__attribute__((weak));

static const char *const level_names[] = { "error", "warning", "info", "debug" };

/* Cuts the text to the line, cleans it, ends it with a newline; returns its length. */
static size_t line_end(char line[LOG_LINE_BYTES], size_t length)
{
	static const char cut[] = "...";

	if (length > LOG_LINE_BYTES - 2) {
		length = LOG_LINE_BYTES - 2;
		memcpy(&line[length - strlen(cut)], cut, strlen(cut));
	}
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[length++] = '\n';
	line[length] = '\0';
	return length;
}

void log_line(enum log_level level, const char *part, const char *format, ...)
{
	char *line = log_ring.lines[log_ring.next % LOG_RING_LINES];
	int start, more;
	va_list arguments;

	if (!log_ring.magic) {
		log_ring.magic = LOG_RING_MAGIC;
		log_level_printed = (enum log_level)plat_boot->log_level;
	}
	if (level > log_level_printed)
		return;
	start = format_text(line, LOG_LINE_BYTES, "%s %s: ", level_names[level & 3], part);
	if (start < 0 || start >= LOG_LINE_BYTES)
		start = 0;
	va_start(arguments, format);
	more = (vsnprintf != NULL ? vsnprintf : format_text_list)(
		line + start, (size_t)(LOG_LINE_BYTES - start), format, arguments);
	va_end(arguments);
	log_ring.next++;
	plat_console_write(line, line_end(line, (size_t)start + (size_t)(more < 0 ? 0 : more)));
}
