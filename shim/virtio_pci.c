/*
 * Fields are read and written in their own width (4.1.3.1), 64-bit ones as two halves.
 */
#include "shim/virtio_pci.h"

#include "shim/machine.h"

#define CAPABILITY_BYTES	16
#define NOTIFY_CAPABILITY_BYTES 20
#define BARS_MASK		0xff

static volatile uint8_t *common8(const struct virtio_pci *device, enum virtio_pci_common at)
{
	return (volatile uint8_t *)(uintptr_t)(device->common + at);
}

static volatile uint16_t *common16(const struct virtio_pci *device, enum virtio_pci_common at)
{
	return (volatile uint16_t *)(uintptr_t)(device->common + at);
}

static volatile uint32_t *common32(const struct virtio_pci *device, enum virtio_pci_common at)
{
	return (volatile uint32_t *)(uintptr_t)(device->common + at);
}

bool virtio_pci_is_one(pci_function function)
{
	struct pci_identity identity = pci_identify(function);

	return identity.vendor == VIRTIO_PCI_VENDOR && identity.device >= VIRTIO_PCI_TRANSITIONAL &&
	       identity.device <= VIRTIO_PCI_DEVICE_MAX;
}

static uint16_t kind_of(pci_function function)
{
	struct pci_identity identity = pci_identify(function);

	if (identity.device >= VIRTIO_PCI_MODERN)
		return (uint16_t)(identity.device - VIRTIO_PCI_MODERN);
	return identity.subsystem;
}

/* Where the structure of the capability at `at` lies; 0 if not `least` bytes of it are in its BAR. */
static uint64_t locate(pci_function function, uint8_t at, uint32_t least, uint64_t *bytes)
{
	unsigned index = pci_config_read(function, (uint8_t)(at + 4)) & BARS_MASK;
	uint32_t offset = pci_config_read(function, (uint8_t)(at + 8));
	uint32_t length = pci_config_read(function, (uint8_t)(at + 12));
	struct pci_bar bar;

	if (length < least || !pci_bar(function, index, &bar))
		return 0;
	if (offset > bar.size || bar.size - offset < length)
		return 0;
	*bytes = length;
	return bar.address + offset;
}

/* Takes one capability; a second one of its type is a lesser alternative (4.1.4.1). False: it is wrong. */
static bool take(struct virtio_pci *device, uint8_t at)
{
	uint8_t type = (uint8_t)(pci_config_read(device->function, at) >> 24);
	uint64_t bytes;

	switch (type) {
	case VIRTIO_PCI_COMMON:
		if (device->common == 0)
			device->common =
				locate(device->function, at, VIRTIO_PCI_COMMON_BYTES, &bytes);
		return device->common != 0 && device->common % 4 == 0;
	case VIRTIO_PCI_NOTIFY:
		if (device->notify != 0)
			return true;
		if (at + NOTIFY_CAPABILITY_BYTES > 256)
			return false;
		device->notify = locate(device->function, at, 2, &device->notify_bytes);
		device->notify_multiplier =
			pci_config_read(device->function, (uint8_t)(at + CAPABILITY_BYTES));
		return device->notify != 0 && device->notify % 2 == 0;
	case VIRTIO_PCI_DEVICE:
		if (device->device == 0)
			device->device = locate(device->function, at, 1, &device->device_bytes);
		return device->device != 0;
	default:
		return true;
	}
}

bool virtio_pci_find(struct virtio_pci *device, pci_function function, const char **why)
{
	struct pci_walk walk = pci_walk_begin(function);
	uint8_t at;

	*device = (struct virtio_pci){ .function = function, .id = kind_of(function) };
	*why = "names registers outside its memory";
	while ((at = pci_walk_next(&walk, PCI_VENDOR_CAPABILITY, CAPABILITY_BYTES)) != 0)
		if (!take(device, at))
			return false;
	*why = "has a broken list of capabilities";
	if (walk.is_broken)
		return false;
	*why = "is not a virtio 1 device";
	return device->common != 0 && device->notify != 0;
}

bool virtio_pci_interrupt(
	struct virtio_pci *device, uint32_t address, uint32_t data, const char **why)
{
	return pci_interrupt(device->function, address, data, why);
}

uint64_t virtio_pci_features(const struct virtio_pci *device)
{
	uint64_t low, high;

	*common32(device, VIRTIO_PCI_DEVICE_FEATURES_SELECT) = 0;
	low = *common32(device, VIRTIO_PCI_DEVICE_FEATURES);
	*common32(device, VIRTIO_PCI_DEVICE_FEATURES_SELECT) = 1;
	high = *common32(device, VIRTIO_PCI_DEVICE_FEATURES);
	return high << 32 | low;
}

void virtio_pci_accept(const struct virtio_pci *device, uint64_t features)
{
	*common32(device, VIRTIO_PCI_DRIVER_FEATURES_SELECT) = 0;
	*common32(device, VIRTIO_PCI_DRIVER_FEATURES) = (uint32_t)features;
	*common32(device, VIRTIO_PCI_DRIVER_FEATURES_SELECT) = 1;
	*common32(device, VIRTIO_PCI_DRIVER_FEATURES) = (uint32_t)(features >> 32);
}

uint8_t virtio_pci_status(const struct virtio_pci *device)
{
	return *common8(device, VIRTIO_PCI_STATUS);
}

void virtio_pci_set_status(const struct virtio_pci *device, uint8_t status)
{
	*common8(device, VIRTIO_PCI_STATUS) = status;
}

uint8_t virtio_pci_config(const struct virtio_pci *device, uint32_t offset)
{
	if (device->device == 0 || offset >= device->device_bytes)
		return 0;
	return *(volatile uint8_t *)(uintptr_t)(device->device + offset);
}

uint16_t virtio_pci_queue(const struct virtio_pci *device, uint16_t queue, uint64_t *doorbell)
{
	uint64_t at;

	if (queue >= *common16(device, VIRTIO_PCI_QUEUE_COUNT))
		return 0;
	*common16(device, VIRTIO_PCI_QUEUE_SELECT) = queue;
	at = (uint64_t)*common16(device, VIRTIO_PCI_QUEUE_NOTIFY_OFFSET) *
	     device->notify_multiplier;
	if (at + 2 > device->notify_bytes || at % 2 != 0)
		return 0;
	*doorbell = device->notify + at;
	return *common16(device, VIRTIO_PCI_QUEUE_SIZE);
}

static void set64(const struct virtio_pci *device, enum virtio_pci_common at, uint64_t value)
{
	*common32(device, at) = (uint32_t)value;
	*common32(device, at + 4) = (uint32_t)(value >> 32);
}

bool virtio_pci_queue_start(const struct virtio_pci *device, uint16_t queue, uint16_t size,
	uint64_t desc, uint64_t avail, uint64_t used)
{
	*common16(device, VIRTIO_PCI_QUEUE_SELECT) = queue;
	*common16(device, VIRTIO_PCI_QUEUE_SIZE) = size;
	*common16(device, VIRTIO_PCI_QUEUE_VECTOR) = 0;
	if (*common16(device, VIRTIO_PCI_QUEUE_VECTOR) != 0)
		return false;
	set64(device, VIRTIO_PCI_QUEUE_DESC, desc);
	set64(device, VIRTIO_PCI_QUEUE_AVAIL, avail);
	set64(device, VIRTIO_PCI_QUEUE_USED, used);
	*common16(device, VIRTIO_PCI_QUEUE_ENABLE) = 1;
	return true;
}
