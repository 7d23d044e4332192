/*
 * Regions are asked one after the other; the rest is no known memory.
 */
#include "host/crash/place.h"

#include "abi/device.h"
#include "host/image/image.h"

#define PAGE_BYTES UINT64_C(4096)
#define SHIM_END   (UINT64_C(1) << 32) /* the shim sees memory one to one below it */

static bool is_within(uint64_t address, uint64_t start, uint64_t bytes)
{
	return address >= start && address - start < bytes;
}

static struct place place_in_image(const struct body *body, uint64_t address)
{
	uint64_t offset = address - body->boot->memory.image;

	for (unsigned i = 0; i < body->image->region_count; i++) {
		const struct image_region *region = &body->image->regions[i];

		if (!is_within(offset, region->virtual, region->bytes))
			continue;
		if ((region->rights & IMAGE_EXECUTE) != 0)
			return (struct place){
				.name = "image text", .is_image = true, .is_text = true
			};
		if ((region->rights & IMAGE_WRITE) != 0)
			return (struct place){ .name = "image data", .is_image = true };
		return (struct place){ .name = region->is_relro ? "sealed image data"
								: "image constants",
			.is_image = true };
	}
	return (struct place){ .name = "a hole of the image", .is_image = true };
}

static bool is_in_window(const struct boot_info *boot, uint64_t address)
{
	for (unsigned i = 0; i < boot->device_count && i < BOOT_DEVICES_MAX; i++)
		if (boot->devices[i].transport == BOOT_VIRTIO_SHIM &&
			is_within(address, boot->devices[i].address, DEVICE_WINDOW_BYTES))
			return true;
	return false;
}

/* In a VM it is two pages before the host's page. */
uint64_t place_boot_info(const struct boot_info *boot)
{
	return boot->target == BOOT_PROCESS ? (uint64_t)boot : boot->host_page - 2 * PAGE_BYTES;
}

struct place place_of(const struct body *body, uint64_t address)
{
	const struct boot_memory *m = &body->boot->memory;
	uint64_t pitch = m->stack_bytes + PAGE_BYTES;

	if (address < PAGE_BYTES)
		return (struct place){ .name = "NULL" };
	if (body->boot->target == BOOT_SHIM && address < SHIM_END)
		return (struct place){ .name = "the shim's memory" };
	if (is_within(address, m->image, m->image_bytes))
		return place_in_image(body, address);
	if (is_within(address, m->main_stack, m->main_stack_bytes))
		return (struct place){ .name = "the main stack" };
	if (is_within(address, m->main_stack - PAGE_BYTES, PAGE_BYTES))
		return (struct place){ .name = "the main stack", .is_guard = true };
	if (is_within(address, m->heap, m->heap_bytes))
		return (struct place){ .name = "the heap" };
	if (m->stacks != 0 && is_within(address, m->stacks, m->stack_count * pitch))
		return (struct place){ .name = "fiber stack",
			.has_index = true,
			.index = (address - m->stacks) / pitch,
			.is_guard = (address - m->stacks) % pitch < PAGE_BYTES };
	if (is_within(address, place_boot_info(body->boot), 2 * PAGE_BYTES))
		return (struct place){ .name = "boot information" };
	if (is_within(address, body->boot->host_page, PAGE_BYTES))
		return (struct place){ .name = "the host's page" };
	if (address / PAGE_BYTES == (body->boot->call | body->boot->syscall) / PAGE_BYTES)
		return (struct place){ .name = "the call stub" };
	if (is_in_window(body->boot, address))
		return (struct place){ .name = "a device window" };
	for (unsigned i = 0; i < body->boot->blob_count && i < BOOT_BLOBS_MAX; i++)
		if (is_within(address, body->boot->blobs[i].address, body->boot->blobs[i].length))
			return (struct place){ .name = "a file of the user's" };
	return (struct place){ .name = "no known memory" };
}

void place_put(struct text *text, const struct place *place)
{
	text_put(text, place->name);
	if (place->has_index) {
		text_put(text, " ");
		text_digits(text, place->index, 10, 1);
	}
}

bool place_is_text(const struct body *body, uint64_t address)
{
	return place_of(body, address).is_text;
}
