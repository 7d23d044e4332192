/*
 * Virtio devices on PCI (virtio 1.2, 4.1): found by their capabilities, driven through their registers.
 *
 *     configuration space          BAR n
 *       capability: common  ----->   +--------+ features, status, queues
 *       capability: notify  ----->   +--------+ one doorbell a queue, `notify_multiplier` bytes apart
 *       capability: device  ----->   +--------+ what is the kind's own: the MAC, ...
 *
 * Every place was checked to lie inside its BAR before it is touched. The interrupt status register is
 * for interrupts that are no messages, which we don't use.
 */
#ifndef DIATOM_SHIM_VIRTIO_PCI_H
#define DIATOM_SHIM_VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/virtio.h"
#include "shim/pci.h"

struct virtio_pci {
	pci_function function;
	uint16_t id;			 /* enum virtio_device_id */
	uint64_t common, notify, device; /* physical; device 0: the kind has none */
	uint64_t notify_bytes, device_bytes;
	uint32_t notify_multiplier;
};

/* Is the function a virtio device? Decides by its numbers alone. */
bool virtio_pci_is_one(pci_function function);

/* Finds its structures. False: *why says what is wrong with it. */
bool virtio_pci_find(struct virtio_pci *device, pci_function function, const char **why);

/* From now on it interrupts with `data` sent to `address` when it has used a buffer. False: *why says why
 * not. */
bool virtio_pci_interrupt(
	struct virtio_pci *device, uint32_t address, uint32_t data, const char **why);

/* The registers. A status of 0 resets; reading it 0 says that this is done. */
uint64_t virtio_pci_features(const struct virtio_pci *device);
void virtio_pci_accept(const struct virtio_pci *device, uint64_t features);
uint8_t virtio_pci_status(const struct virtio_pci *device);
void virtio_pci_set_status(const struct virtio_pci *device, uint8_t status);
uint8_t virtio_pci_config(const struct virtio_pci *device, uint32_t offset); /* 0 beyond its end */

/*
 * The greatest size of a queue, and the address of its doorbell, which takes `queue` as 16 bits. 0: the
 * device lacks the queue, or the doorbell lies outside its memory.
 */
uint16_t virtio_pci_queue(const struct virtio_pci *device, uint16_t queue, uint64_t *doorbell);

/* Starts a queue with its rings at those physical addresses. False: the device has no interrupt for it. */
bool virtio_pci_queue_start(const struct virtio_pci *device, uint16_t queue, uint16_t size,
	uint64_t desc, uint64_t avail, uint64_t used);

#endif
