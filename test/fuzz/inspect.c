/*
 * What `diatom inspect` reads: any bytes as an image, as the list of parts in a debug file, or as a
 * debug file. The first byte says which. Whatever is accepted is shown in all three forms, and the
 * bytes must add up.
 */
#include <stdlib.h>
#include <string.h>

#include "host/debug/debug.h"
#include "host/inspect/inspection.h"
#include "host/inspect/show.h"

static void expect(int claim)
{
	if (!claim)
		abort();
}

/* Shows it; text must be text: nothing in it may drive a terminal. */
static void show_all(const struct inspection *inspection)
{
	void (*const shows[])(
		const struct inspection *, FILE *) = { show_text, show_json, show_svg };

	for (unsigned i = 0; i < sizeof(shows) / sizeof(shows[0]); i++) {
		char *text = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&text, &length);

		shows[i](inspection, out);
		fclose(out);
		for (size_t at = 0; at < length; at++)
			expect((unsigned char)text[at] >= ' ' || text[at] == '\n');
		free(text);
	}
}

static void as_image(struct inspection *inspection, const uint8_t *data, size_t size)
{
	struct image_error error;

	if (!image_decode(&inspection->image, data, size, &error))
		return;
	inspection_of_image(inspection);
	expect(inspection->header_bytes <= size && inspection->unloaded_bytes <= size);
	/* An image is no debug file of itself, but may claim to be. */
	inspection_of_debug(inspection, data, size);
	inspection_warn(inspection);
	show_all(inspection);
	parts_free(&inspection->parts);
}

static void as_list(struct inspection *inspection, const uint8_t *data, size_t size)
{
	uint64_t libraries = 0, objects = 0;

	if (!parts_read(&inspection->parts, (const char *)data, size))
		return;
	for (unsigned i = 0; i < inspection->parts.library_count; i++)
		libraries += inspection->parts.libraries[i].file_bytes;
	for (unsigned i = 0; i < inspection->parts.object_count; i++)
		objects += parts_file_bytes(inspection->parts.objects[i].bytes);
	expect(libraries == objects);
	inspection->list = LIST_GOOD;
	show_all(inspection);
	parts_free(&inspection->parts);
}

static void as_debug(const uint8_t *data, size_t size)
{
	struct debug debug;
	const char *why;

	if (!debug_decode(&debug, data, size, &why))
		return;
	expect(debug.parts.length <= size);
	expect(debug.parts.length == 0 ||
		(debug.parts.at >= data &&
			(size_t)(debug.parts.at - data) <= size - debug.parts.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct inspection inspection;

	if (size == 0)
		return 0;
	memset(&inspection, 0, sizeof(inspection));
	inspection.path = "image";
	if (data[0] % 3 == 0)
		as_image(&inspection, data + 1, size - 1);
	else if (data[0] % 3 == 1)
		as_list(&inspection, data + 1, size - 1);
	else
		as_debug(data + 1, size - 1);
	return 0;
}
