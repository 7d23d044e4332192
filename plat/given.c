/*
 * What the host gave at start: devices and blobs, found in boot info by kind and name.
 */
#include <stddef.h>
#include <string.h>

#include "plat/plat.h"

const struct boot_device *plat_device(uint32_t kind, const char *name)
{
	const struct boot_info *boot = plat_boot;

	for (uint32_t i = 0; i < boot->device_count && i < BOOT_DEVICES_MAX; i++) {
		const struct boot_device *device = &boot->devices[i];

		if (device->kind == kind && (!name[0] || strcmp(device->name, name) == 0))
			return device;
	}
	return NULL;
}

const struct boot_ip6 *plat_ip6(const struct boot_device *device)
{
	static const struct boot_ip6 none;

	/* A host from before there was IPv6 gives less. */
	if (plat_boot->bytes < offsetof(struct boot_info, ip6) + sizeof(plat_boot->ip6))
		return &none;
	return &plat_boot->ip6[device - plat_boot->devices];
}

const struct boot_blob *plat_blob(const char *name)
{
	const struct boot_info *boot = plat_boot;

	for (uint32_t i = 0; i < boot->blob_count && i < BOOT_BLOBS_MAX; i++)
		if (strcmp(boot->blobs[i].name, name) == 0)
			return &boot->blobs[i];
	return NULL;
}
