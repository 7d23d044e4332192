/*
 * A body's trace ring, any bytes: the timeline, the JSON file and the picture that become of it must be
 * well-formed, and no larger than they may be.
 *
 *     | head 8 | records, 32 bytes each ... |
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/image/image.h"
#include "host/observe/chrome.h"
#include "host/observe/lanes.h"
#include "host/observe/ring.h"

#define SLOTS	   512
#define BYTES_MAX  20000
#define LINE_BYTES 400 /* of JSON: what an event can need */

static struct chrome chrome;
static struct lanes lanes;

static void expect(int claim)
{
	if (!claim)
		abort();
}

static void take(void *self, const struct timeline_event *e)
{
	expect(e->lane < TIMELINE_LANES_MAX && e->to_lane < TIMELINE_LANES_MAX);
	expect(e->start >= 0 && e->start <= TIMELINE_TIME_MAX);
	expect(e->duration >= 0 && e->duration <= TIMELINE_TIME_MAX);
	expect(e->depth < TIMELINE_DEPTH_MAX && e->name[0] != '\0');
	chrome_add(&chrome, e);
	lanes_add(&lanes, e);
}

/* Braces and brackets match outside strings, and nothing unprintable is in it. */
static void check_json(const char *text, size_t length)
{
	int depth = 0, is_string = 0;

	for (size_t i = 0; i < length; i++) {
		expect((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
		if (is_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			is_string = !is_string;
		else if (!is_string)
			depth += (text[i] == '{' || text[i] == '[') -
				 (text[i] == '}' || text[i] == ']');
		expect(depth >= 0);
	}
	expect(depth == 0 && !is_string);
}

/* Every < opens or closes an element, and quotes come in pairs within it. */
static void check_xml(const char *text, size_t length)
{
	int is_tag = 0, quotes = 0;

	for (size_t i = 0; i < length; i++) {
		expect((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
		expect(!(is_tag && text[i] == '<'));
		if (text[i] == '<') {
			is_tag = 1;
			quotes = 0;
		} else if (is_tag && text[i] == '"') {
			quotes++;
		} else if (is_tag && text[i] == '>') {
			expect(quotes % 2 == 0);
			is_tag = 0;
		}
	}
	expect(!is_tag);
}

/* An image whose only segment is some of the input: texts are found there, or beyond its end. */
static struct image image_of(const uint8_t *data, size_t size)
{
	struct image image = { .bytes = data, .length = size, .segment_count = 1 };

	image.segments[0] = (struct image_segment){ .virtual = 16, .file_bytes = size };
	return image;
}

static void play(struct timeline *timeline, const uint8_t *data, size_t size)
{
	static struct ring ring;
	struct trace_record record;
	uint64_t head;
	size_t room = SLOTS * sizeof(record);

	if (ring.shared == NULL)
		expect(ring_make(&ring, SLOTS, sizeof(record)) == 0);
	memcpy(&head, data, sizeof(head));
	memset(ring.shared, 0, ring_bytes(&ring));
	ring.tail = 0;
	ring.shared->head = size % 8 == 0 ? head : (size - 8) / sizeof(record);
	memcpy((uint8_t *)ring.shared + TRACE_RING_BYTES, data + 8,
		size - 8 < room ? size - 8 : room);
	for (unsigned i = 0; i < 2 * SLOTS && ring_take(&ring, &record); i++)
		timeline_add(timeline, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct timeline timeline;
	struct image image;
	char *json = NULL, *svg = NULL;
	size_t json_length = 0, svg_length = 0;
	FILE *file;

	if (size < 8)
		return 0;
	image = image_of(data, size);
	memset(&timeline, 0, sizeof(timeline));
	timeline.names.image = &image;
	timeline.emit = take;
	lanes.count = lanes.left_out = 0;
	chrome = (struct chrome){ .bytes_max = BYTES_MAX };
	chrome.file = open_memstream(&json, &json_length);
	chrome_begin(&chrome);
	timeline_begin(&timeline);
	play(&timeline, data, size);
	timeline_end(&timeline);
	chrome_end(&chrome, &timeline, "\"<fuzz>\\", 0);
	fclose(chrome.file);
	check_json(json, json_length);
	expect(json_length < BYTES_MAX + TIMELINE_LANES_MAX * 4 * LINE_BYTES);
	file = open_memstream(&svg, &svg_length);
	lanes_write(&lanes, &timeline, "<&\"", "\\", file);
	fclose(file);
	check_xml(svg, svg_length);
	free(json);
	free(svg);
	return 0;
}
