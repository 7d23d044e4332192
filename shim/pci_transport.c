/*
 * Virtio over PCI as a transport of the shim's devices (virtio_pci.h does the work). Interrupts are
 * messages, which need no I/O APIC and no acknowledgement.
 */
#include <stddef.h>

#include "abi/call.h"
#include "shim/device.h"
#include "shim/machine.h"
#include "shim/power.h"
#include "shim/system.h"
#include "shim/virtio_pci.h"

#define RESET_LOOKS 1000000 /* a device that takes longer is taken as reset */

struct place {
	struct virtio_pci pci;
	uint64_t doorbells[DEVICE_QUEUES_MAX];
};

static struct place places[BOOT_DEVICES_MAX];
static unsigned place_count;

static _Noreturn void unusable(const char *why)
{
	refuse(EXIT_REFUSED, "a virtio device on PCI", why, "give the machine another, with MSI-X");
}

static struct place *place_of(const struct device *device)
{
	return &places[device->registers];
}

static const struct virtio_pci *pci_of(const struct device *device)
{
	return &place_of(device)->pci;
}

/* 4.1.4.3.1: it is reset once it says so. */
static uint64_t pci_begin(struct device *device)
{
	virtio_pci_set_status(pci_of(device), 0);
	for (unsigned i = 0; i < RESET_LOOKS && virtio_pci_status(pci_of(device)) != 0; i++)
		__builtin_ia32_pause();
	virtio_pci_set_status(pci_of(device), VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	return virtio_pci_features(pci_of(device));
}

static void add_status(const struct device *device, uint8_t bits)
{
	virtio_pci_set_status(pci_of(device), virtio_pci_status(pci_of(device)) | bits);
}

static bool pci_accept(struct device *device, uint64_t features)
{
	virtio_pci_accept(pci_of(device), features);
	add_status(device, VIRTIO_STATUS_FEATURES_OK);
	return (virtio_pci_status(pci_of(device)) & VIRTIO_STATUS_FEATURES_OK) != 0;
}

static uint16_t pci_queue_size(struct device *device, uint16_t queue)
{
	return virtio_pci_queue(pci_of(device), queue, &place_of(device)->doorbells[queue]);
}

static void pci_queue_start(struct device *device, uint16_t queue, const struct ring *ring)
{
	if (!virtio_pci_queue_start(pci_of(device), queue, ring->size, (uintptr_t)ring->descriptors,
		    (uintptr_t)ring->available, (uintptr_t)ring->used))
		unusable("has no interrupt for a queue");
}

static void pci_finish(struct device *device)
{
	add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

static void pci_notify(struct device *device, uint16_t queue)
{
	*(volatile uint16_t *)(uintptr_t)place_of(device)->doorbells[queue] = queue;
}

static void pci_acknowledge(struct device *device)
{
	(void)device;
}

static void pci_read_config(struct device *device, unsigned offset, unsigned bytes, uint8_t *to)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = virtio_pci_config(pci_of(device), offset + i);
}

static const struct transport pci_transport = {
	.begin = pci_begin,
	.accept = pci_accept,
	.queue_size = pci_queue_size,
	.queue_start = pci_queue_start,
	.finish = pci_finish,
	.notify = pci_notify,
	.acknowledge = pci_acknowledge,
	.read_config = pci_read_config,
};

/* Others may be as broken as they like. */
static bool is_useful(uint16_t id)
{
	return id == VIRTIO_ID_NET || id == VIRTIO_ID_BLOCK || id == VIRTIO_ID_CONSOLE ||
	       id == VIRTIO_ID_ENTROPY;
}

static bool take(void *self, pci_function function)
{
	struct device device = { .transport = &pci_transport, .registers = place_count };
	struct virtio_pci *pci = &places[place_count].pci;
	const char *why;
	bool is_good;

	(void)self;
	if (!virtio_pci_is_one(function))
		return true;
	is_good = virtio_pci_find(pci, function, &why);
	if (!is_useful(pci->id))
		return true;
	pci_enable(function);
	if (!is_good || !virtio_pci_interrupt(pci, MESSAGE_ADDRESS, MESSAGE_DATA, &why))
		unusable(why);
	device.id = pci->id;
	return device_add(&device) && ++place_count < BOOT_DEVICES_MAX;
}

void pci_find(void)
{
	pci_each(take, NULL);
}
