/*
 * A tap device as a network device: the process target's and the hosted build's.
 */
#ifndef DIATOM_DRV_TAP_H
#define DIATOM_DRV_TAP_H

#include "abi/boot.h"
#include "core/netdev.h"

/* Serves the non-blocking file descriptor of a tap. NO_MEMORY. */
enum status tap_open(const struct boot_device *boot, struct netdev **device);

#endif
