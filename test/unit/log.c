/*
 * Log lines: as they are kept for a crash report.
 */
#include "core/log.h"
#include "diatom/log.h"
#include "plat/hosted.h"
#include "test/check.h"

static const char *last_line(void)
{
	return log_ring.lines[(log_ring.next - 1) % LOG_RING_LINES];
}

static void has_level_and_part(void)
{
	log_warning("dns", "zone %s: line %d", "example.org", 7);
	CHECK_TEXT(last_line(), "warning dns: zone example.org: line 7\n");
	CHECK_EQUAL(log_ring.magic, LOG_RING_MAGIC);
}

static void levels_below_are_dropped(void)
{
	uint32_t before = log_ring.next;

	log_debug("dns", "not shown");
	CHECK_EQUAL(log_ring.next, before);
	log_error("dns", "shown");
	CHECK_EQUAL(log_ring.next, before + 1);
}

static void long_lines_are_cut(void)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[999] = '\0';
	log_error("part", "%s", text);
	CHECK_EQUAL(strlen(last_line()), LOG_LINE_BYTES - 1);
	CHECK_TEXT(last_line() + LOG_LINE_BYTES - 6, "x...\n");
	memset(text, 'y', 224); /* "error part: " and 226 more fill the line exactly */
	text[226] = '\0';
	log_error("part", "%s", text);
	CHECK_EQUAL(strlen(last_line()), LOG_LINE_BYTES - 1);
	CHECK_TEXT(last_line() + LOG_LINE_BYTES - 4, "xx\n");
}

static void control_characters_are_replaced(void)
{
	log_error("net", "name %s", "a\nerror x: forged\033[2J");
	CHECK_TEXT(last_line(), "error net: name a?error x: forged?[2J\n");
}

static void ring_keeps_the_last(void)
{
	uint32_t first = log_ring.next;

	for (unsigned i = 0; i < 40; i++)
		log_error("n", "%u", i);
	CHECK_EQUAL(log_ring.next, first + 40);
	CHECK_TEXT(last_line(), "error n: 39\n");
	CHECK_TEXT(log_ring.lines[(log_ring.next - 16) % LOG_RING_LINES], "error n: 24\n");
}

int main(void)
{
	return RUN(TEST(has_level_and_part), TEST(levels_below_are_dropped),
		TEST(long_lines_are_cut), TEST(control_characters_are_replaced),
		TEST(ring_keeps_the_last));
}
