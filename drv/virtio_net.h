/*
 * The virtio network device (virtio 1.2, 5.1) over MMIO.
 */
#ifndef DIATOM_DRV_VIRTIO_NET_H
#define DIATOM_DRV_VIRTIO_NET_H

#include "abi/boot.h"
#include "core/netdev.h"

/* Starts the device. DEVICE_FAILED if it isn't one or refuses; NO_MEMORY. */
enum status virtio_net_open(const struct boot_device *boot, struct netdev **device);

#endif
