/*
 * Configuration spaces of any content: the search ends, and what it finds lies inside the BARs.
 *
 *     input:   up to 4 functions, each its number (2 bytes) and 256 bytes; BARs keep the bits of a mask
 *              that follows each (24 bytes)
 */
#include <stdlib.h>
#include <string.h>

#include "shim/virtio_pci.h"
#include "shim/world.h"

#define FUNCTIONS   4
#define HOST_BRIDGE 0x29c08086

struct space {
	pci_function function;
	uint32_t words[64];
	uint32_t masks[PCI_BARS];
} __attribute__((packed));

static struct space spaces[FUNCTIONS];
static unsigned reads;

uint32_t pci_config_read(pci_function function, uint8_t offset)
{
	reads++;
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (spaces[i].function == function)
			return spaces[i].words[offset / 4];
	return function == 0 && offset == 0 ? HOST_BRIDGE : UINT32_MAX;
}

void pci_config_write(pci_function function, uint8_t offset, uint32_t value)
{
	unsigned bar = (offset - 0x10u) / 4;

	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (spaces[i].function == function)
			spaces[i].words[offset / 4] =
				bar < PCI_BARS ? value & spaces[i].masks[bar] : value;
}

void world_see(uint64_t start, uint64_t end)
{
	if (start < 0x1000000 || end < start || end > UINT64_C(1) << 32)
		abort();
}

static void check_inside(uint64_t at, uint64_t bytes, uint64_t most)
{
	if (bytes > most || at + bytes < at)
		abort();
}

static bool look(void *self, pci_function function)
{
	unsigned *found = self;
	struct virtio_pci device;
	const char *why = NULL;

	if (!virtio_pci_is_one(function))
		return true;
	if (virtio_pci_find(&device, function, &why)) {
		check_inside(device.notify, device.notify_bytes, UINT32_MAX);
		check_inside(device.device, device.device_bytes, UINT32_MAX);
		if (device.common % 4 != 0 || device.notify % 2 != 0 || device.notify_bytes < 2)
			abort();
	} else if (why == NULL) {
		abort();
	}
	return ++*found < 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned found = 0;

	memset(spaces, 0xff, sizeof(spaces));
	memcpy(spaces, data, size < sizeof(spaces) ? size : sizeof(spaces));
	reads = 0;
	pci_each(look, &found);
	/* 256 buses of 32 devices, each at most 8 functions of at most some 2,000 reads. */
	if (reads > 20000000)
		abort();
	return 0;
}
