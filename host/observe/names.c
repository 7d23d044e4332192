/*
 * Each place is looked at once. Names are never taken out again.
 */
#include "host/observe/names.h"

#include <stddef.h>

#include "host/image/image.h"

/* The file's bytes from a place in the image to the end of its segment. */
static const uint8_t *bytes_at(const struct image *image, uint64_t place, uint64_t *length)
{
	for (unsigned i = 0; image != NULL && i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if (place < s->virtual || place - s->virtual >= s->file_bytes)
			continue;
		*length = s->file_bytes - (place - s->virtual);
		return image->bytes + s->file_offset + (place - s->virtual);
	}
	*length = 0;
	return NULL;
}

static void read_text(const struct image *image, uint64_t place, char *text)
{
	uint64_t length, i;
	const uint8_t *bytes = bytes_at(image, place, &length);

	for (i = 0; i < length && i < NAMES_BYTES - 1 && bytes[i] != 0; i++)
		text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
	text[i] = '\0';
}

const char *names_at(struct names *names, uint32_t place)
{
	/* Knuth's multiplier: neighbours go to different slots. */
	uint32_t slot = (place * UINT32_C(2654435761) >> 16) % (2 * NAMES_MAX), n;

	if (place == 0)
		return "";
	for (; (n = names->slots[slot]) != 0; slot = (slot + 1) % (2 * NAMES_MAX))
		if (names->places[n - 1] == place)
			return names->texts[n - 1];
	if (names->count == NAMES_MAX)
		return "";
	n = names->count++;
	names->slots[slot] = (uint16_t)(n + 1);
	names->places[n] = place;
	read_text(names->image, place, names->texts[n]);
	return names->texts[n];
}
