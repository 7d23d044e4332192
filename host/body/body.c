/*
 * Reading what notes point to. An inside lies in the image, as image_open checked.
 */
#include "host/body/body.h"

#include <string.h>

#include "host/image/image.h"

uint64_t body_inside(const struct body *body, const char *name, uint64_t least_bytes)
{
	const struct image_inside *inside = image_inside_find(body->image, name);

	if (inside == NULL || inside->bytes < least_bytes)
		return 0;
	return body->boot->memory.image + inside->virtual;
}

static char printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

bool body_text(const struct body *body, uint64_t address, char *to, size_t room)
{
	size_t i = 0;
	char c = '\0';

	for (; i + 1 < room; i++) {
		if (!body->read(body->self, address + i, &c, 1)) {
			to[0] = '\0';
			return false;
		}
		if (c == '\0')
			break;
		to[i] = printable(c);
	}
	to[i] = '\0';
	return true;
}

/* Cleans a line; its newline ends it. */
static void copy_line(char to[BODY_LINE_BYTES], const char from[INSIDE_LINE_BYTES])
{
	size_t i = 0;

	for (; i < INSIDE_LINE_BYTES && from[i] != '\0' && from[i] != '\n'; i++)
		to[i] = printable(from[i]);
	to[i] = '\0';
}

unsigned body_log(const struct body *body, char lines[INSIDE_LINES][BODY_LINE_BYTES])
{
	static struct inside_log log; /* large for a signal stack */
	uint64_t address = body_inside(body, INSIDE_LOG, sizeof(log));
	unsigned count, kept = 0;

	if (address == 0 || !body->read(body->self, address, &log, sizeof(log)) ||
		log.magic != INSIDE_LOG_MAGIC)
		return 0;
	count = log.next < INSIDE_LINES ? log.next : INSIDE_LINES;
	for (unsigned i = 0; i < count; i++) {
		copy_line(lines[kept], log.lines[(log.next - count + i) % INSIDE_LINES]);
		kept += lines[kept][0] != '\0' ? 1 : 0;
	}
	return kept;
}
