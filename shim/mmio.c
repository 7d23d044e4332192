/*
 * Virtio over MMIO (virtio 1.2, 4.2): devices that the command line names. Their interrupts are taken
 * as edges, which the I/O APIC latches: a device that raises its line again after it was acknowledged
 * makes a new one, so none is lost.
 */
#include <stddef.h>

#include "abi/call.h"
#include "shim/device.h"
#include "shim/machine.h"
#include "shim/power.h"
#include "shim/system.h"
#include "shim/world.h"

#define INTERRUPT_ALL 3

/* QEMU microvm with ACPI; with one I/O APIC only it has few places. */
#define MICROVM_REGISTERS   0xfeb00000U
#define MICROVM_STEP	    512
#define MICROVM_DEVICES	    24
#define MICROVM_DEVICES_FEW 8
#define MICROVM_LINES	    24
#define MICROVM_LINES_FEW   16

static uint32_t get(const struct device *device, enum virtio_mmio_register offset)
{
	return *register_at(device->registers + offset);
}

static void set(const struct device *device, enum virtio_mmio_register offset, uint32_t value)
{
	*register_at(device->registers + offset) = value;
}

static void set64(const struct device *device, enum virtio_mmio_register low, uint64_t value)
{
	set(device, low, (uint32_t)value);
	*register_at(device->registers + low + 4) = (uint32_t)(value >> 32);
}

static void add_status(const struct device *device, uint32_t bits)
{
	set(device, VIRTIO_MMIO_STATUS, get(device, VIRTIO_MMIO_STATUS) | bits);
}

static uint64_t mmio_begin(struct device *device)
{
	uint64_t low;

	set(device, VIRTIO_MMIO_STATUS, 0);
	set(device, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 0);
	low = get(device, VIRTIO_MMIO_DEVICE_FEATURES);
	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SELECT, 1);
	return (uint64_t)get(device, VIRTIO_MMIO_DEVICE_FEATURES) << 32 | low;
}

static bool mmio_accept(struct device *device, uint64_t features)
{
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 0);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 1);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	add_status(device, VIRTIO_STATUS_FEATURES_OK);
	return (get(device, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK) != 0;
}

static uint16_t mmio_queue_size(struct device *device, uint16_t queue)
{
	uint32_t size;

	set(device, VIRTIO_MMIO_QUEUE_SELECT, queue);
	size = get(device, VIRTIO_MMIO_QUEUE_SIZE_MAX);
	return size > UINT16_MAX ? UINT16_MAX : (uint16_t)size;
}

static void mmio_queue_start(struct device *device, uint16_t queue, const struct ring *ring)
{
	set(device, VIRTIO_MMIO_QUEUE_SELECT, queue);
	set(device, VIRTIO_MMIO_QUEUE_SIZE, ring->size);
	set64(device, VIRTIO_MMIO_QUEUE_DESC_LOW, (uintptr_t)ring->descriptors);
	set64(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uintptr_t)ring->available);
	set64(device, VIRTIO_MMIO_QUEUE_USED_LOW, (uintptr_t)ring->used);
	set(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void mmio_finish(struct device *device)
{
	add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

static void mmio_notify(struct device *device, uint16_t queue)
{
	set(device, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static void mmio_acknowledge(struct device *device)
{
	set(device, VIRTIO_MMIO_INTERRUPT_ACK, INTERRUPT_ALL);
}

/* Bytes one by one: that works for fields of any width. */
static void mmio_read_config(struct device *device, unsigned offset, unsigned bytes, uint8_t *to)
{
	const volatile uint8_t *config =
		(const volatile uint8_t *)register_at(device->registers + VIRTIO_MMIO_CONFIG);

	for (unsigned i = 0; i < bytes; i++)
		to[i] = config[offset + i];
}

static const struct transport mmio_transport = {
	.begin = mmio_begin,
	.accept = mmio_accept,
	.queue_size = mmio_queue_size,
	.queue_start = mmio_queue_start,
	.finish = mmio_finish,
	.notify = mmio_notify,
	.acknowledge = mmio_acknowledge,
	.read_config = mmio_read_config,
};

/* False: there is no virtio device. Places without a device have the identifier 0. */
static bool look_at(uint64_t registers, uint32_t interrupt)
{
	struct device device = { .transport = &mmio_transport, .registers = registers };

	world_see(registers, registers + BOOT_PAGE_BYTES);
	if (get(&device, VIRTIO_MMIO_MAGIC) != VIRTIO_MMIO_MAGIC_VALUE)
		return false;
	device.id = get(&device, VIRTIO_MMIO_DEVICE_ID);
	if (device.id == 0)
		return true;
	if (get(&device, VIRTIO_MMIO_VERSION) != 2)
		refuse(EXIT_REFUSED, "a virtio device has the interface before virtio 1", NULL,
			"give QEMU  -global virtio-mmio.force-legacy=false");
	if (device_add(&device))
		system_route(interrupt, VECTOR_WAKE, false);
	return true;
}

/*
 * QEMU's microvm says where its devices are only in ACPI tables, or on the command line with acpi=off;
 * but it never moves them, nor their interrupts.
 */
static void look_at_microvm(void)
{
	bool has_second = system_has_lines(MICROVM_LINES);
	uint32_t line = has_second ? MICROVM_LINES : MICROVM_LINES_FEW;
	unsigned count = has_second ? MICROVM_DEVICES : MICROVM_DEVICES_FEW;

	for (unsigned i = 0; i < count; i++)
		if (!look_at(MICROVM_REGISTERS + i * MICROVM_STEP, line + i))
			return;
}

void mmio_find(const struct cmdline *line)
{
	for (unsigned i = 0; i < line->mmio_count; i++)
		if (!look_at(line->mmio[i].address, line->mmio[i].interrupt))
			refuse(EXIT_REFUSED,
				"there is no virtio device where virtio_mmio.device= says", NULL,
				"the form is  virtio_mmio.device=SIZE@ADDRESS:INTERRUPT");
	if (line->mmio_count == 0)
		look_at_microvm();
}
