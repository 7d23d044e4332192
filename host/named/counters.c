/*
 * Names and values are found by distances in constant data, so a copy of the image that is loaded
 * anywhere has them; what each counts is in the image's debug file.
 */
#include "host/named/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/inside.h"
#include "host/debug/debug.h"
#include "host/image/image.h"

#define RESERVE_MAX (UINT64_C(4) << 20)
#define LINE_BYTES  (COUNTERS_NAME_BYTES + COUNTERS_HELP_BYTES + 32)

/* Is a text of the image fit to be a name? */
static bool is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-");

	return length > 0 && name[length] == '\0';
}

/* Copies the text at an address of the copy, printable characters only. */
static void take_text(
	char *out, size_t room, const uint8_t *loaded, uint64_t span, uint64_t address)
{
	size_t used = 0;

	for (; address < span && loaded[address] != '\0' && used < room - 1; address++)
		out[used++] =
			loaded[address] < 32 || loaded[address] > 126 ? '?' : (char)loaded[address];
	out[used] = '\0';
}

static uint64_t value_of(uint64_t record_at, const struct inside_counter *record)
{
	return record_at + offsetof(struct inside_counter, value) + (uint64_t)record->value;
}

/* Lines for all counters; their length. */
static size_t list_counters(char *lines, size_t room, const struct image *image,
	const struct image_inside *inside, const uint8_t *loaded, const struct debug *debug)
{
	uint64_t at = inside->virtual, end = at + inside->bytes;
	struct inside_counter counter;
	size_t used = 0;

	for (; at + sizeof(counter) <= end && used + LINE_BYTES < room; at += sizeof(counter)) {
		char name[COUNTERS_NAME_BYTES], help[COUNTERS_HELP_BYTES] = "";
		uint64_t value_at;

		memcpy(&counter, loaded + at, sizeof(counter));
		value_at = value_of(at, &counter);
		take_text(
			name, sizeof(name), loaded, image->span_bytes, at + (uint64_t)counter.name);
		if (debug != NULL)
			(void)debug_counter_help(debug, value_at, help, sizeof(help));
		if (is_name(name))
			used += (size_t)snprintf(lines + used, room - used, "%llx %s %s\n",
				(unsigned long long)value_at, name, help);
	}
	return used;
}

/* Room for what the body may write, so that it is missing now and not when a page is first touched;
 * but for large data, most of which may never be. */
static bool reserve(const struct image *image, int data)
{
	if (ftruncate(data, (off_t)image->span_bytes) != 0)
		return false;
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];

		if ((r->rights & IMAGE_WRITE) == 0 || r->bytes > RESERVE_MAX)
			continue;
		errno = posix_fallocate(data, (off_t)r->virtual, (off_t)r->bytes);
		if (errno != 0 && errno != EOPNOTSUPP && errno != EINVAL)
			return false;
	}
	return true;
}

/* The image at address zero; NULL with errno. */
static uint8_t *load(const struct image *image)
{
	uint8_t *loaded = mmap(NULL, image->span_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (loaded == MAP_FAILED)
		return NULL;
	image_load(image, loaded, 0);
	return loaded;
}

uint64_t counters_span(const struct image *image, uint64_t *start)
{
	const struct image_inside *inside = image_inside_find(image, INSIDE_COUNTERS);
	uint8_t *loaded = inside != NULL && inside->bytes > 0 ? load(image) : NULL;
	struct inside_counter counter;
	uint64_t first = UINT64_MAX, end = 0;

	if (loaded == NULL)
		return 0;
	for (uint64_t at = 0; at + sizeof(counter) <= inside->bytes; at += sizeof(counter)) {
		uint64_t value;

		memcpy(&counter, loaded + inside->virtual + at, sizeof(counter));
		value = value_of(inside->virtual + at, &counter);
		if (value > image->span_bytes - sizeof(uint64_t))
			continue;
		if (value < first)
			first = value;
		if (value + sizeof(uint64_t) > end)
			end = value + sizeof(uint64_t);
	}
	munmap(loaded, image->span_bytes);
	*start = first;
	return first < end ? end - first : 0;
}

bool counters_describe(
	const struct place *place, const struct image *image, const struct debug *debug, int data)
{
	static char lines[COUNTERS_MAX * LINE_BYTES];
	const struct image_inside *inside = image_inside_find(image, INSIDE_COUNTERS);
	size_t used = 0;
	uint8_t *loaded;

	if (!reserve(image, data))
		return false;
	if (inside != NULL && inside->bytes > 0) {
		loaded = load(image);
		if (loaded == NULL)
			return false;
		used = list_counters(lines, sizeof(lines), image, inside, loaded, debug);
		munmap(loaded, image->span_bytes);
	}
	return place_write(place, "counters", lines, used);
}

/* One line into one counter. False if it is not like ours. */
static bool read_line(struct counter_value *counter, char *line, int data)
{
	char *end, *name, *help;
	uint64_t offset = strtoull(line, &end, 16);

	if (end == line || *end != ' ')
		return false;
	name = end + 1;
	help = strchr(name, ' ');
	if (help == NULL)
		return false;
	*help++ = '\0';
	if (!is_name(name))
		return false;
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	snprintf(counter->help, sizeof(counter->help), "%s", help);
	return pread(data, &counter->value, sizeof(counter->value), (off_t)offset) ==
	       sizeof(counter->value);
}

struct counter_value *counters_read(const struct place *place, unsigned *count)
{
	static char lines[COUNTERS_MAX * LINE_BYTES];
	struct counter_value *counters = calloc(COUNTERS_MAX, sizeof(*counters));
	int data = openat(place->folder, "data", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *rest = NULL, *line;

	*count = 0;
	if (counters == NULL || data < 0 || !place_read(place, "counters", lines, sizeof(lines))) {
		free(counters);
		counters = NULL;
	} else {
		for (line = strtok_r(lines, "\n", &rest); line != NULL && *count < COUNTERS_MAX;
			line = strtok_r(NULL, "\n", &rest))
			*count += read_line(&counters[*count], line, data);
	}
	if (data >= 0)
		close(data);
	return counters;
}
