/*
 * Image files: decodes any bytes; what is accepted must keep the promises of host/image/image.h and
 * load into exactly span_bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "host/image/image.h"

#define LOADED_SPAN_MAX ((uint64_t)16 << 20)

static void expect(int claim)
{
	if (!claim)
		abort();
}

static void check_regions(const struct image *image)
{
	uint64_t done = 0;
	int is_entry_executable = 0;

	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];

		expect(r->virtual >= done && r->virtual % 4096 == 0);
		expect(r->bytes > 0 && r->bytes % 4096 == 0);
		done = r->virtual + r->bytes;
		expect(done <= image->span_bytes);
		expect((r->rights & IMAGE_WRITE) == 0 || (r->rights & IMAGE_EXECUTE) == 0);
		if ((r->rights & IMAGE_EXECUTE) != 0 && image->entry >= r->virtual &&
			image->entry < done)
			is_entry_executable = 1;
	}
	expect(is_entry_executable);
}

static void check_manifest(const struct image *image)
{
	expect(strnlen(image->about.name, sizeof(image->about.name)) < sizeof(image->about.name));
	for (unsigned i = 0; i < image->net_count; i++) {
		expect(strnlen(image->nets[i].name, 16) < 16);
		expect(strnlen(image->nets[i].ip, 56) < 56);
		expect(strnlen(image->nets[i].gateway, 56) < 56);
		expect(strnlen(image->nets[i].ip6, 56) < 56);
		expect(strnlen(image->nets[i].gateway6, 56) < 56);
	}
	for (unsigned i = 0; i < image->blob_count; i++)
		expect(strnlen(image->blobs[i].name, 16) < 16);
	for (unsigned i = 0; i < image->inside_count; i++) {
		const struct image_inside *inside = &image->insides[i];

		expect(strnlen(inside->name, 16) < 16);
		expect(inside->virtual <= image->span_bytes);
		expect(inside->bytes <= image->span_bytes - inside->virtual);
		expect(image_inside_find(image, inside->name) == inside);
	}
	expect(image->inside_count <= MANIFEST_INSIDE_MAX);
	expect(image->build_id_bytes <= IMAGE_BUILD_ID_MAX);
	expect(image->stack_bytes >= 4096 && image->stack_count_max >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	struct image_error error;

	if (!image_decode(&image, data, size, &error)) {
		expect(error.remedy != NULL && strnlen(error.what, sizeof(error.what)) > 0);
		expect(strnlen(error.what, sizeof(error.what)) < sizeof(error.what));
		return 0;
	}
	check_regions(&image);
	check_manifest(&image);
	if (image.span_bytes <= LOADED_SPAN_MAX) {
		uint8_t *loaded = calloc(1, image.span_bytes);

		image_load(&image, loaded, 0x123456789000);
		free(loaded);
	}
	return 0;
}
