/*
 * PCI configuration space, by the two ports that every hypervisor with PCI has (0xcf8, 0xcfc): 256 bytes
 * a function, which hold all that virtio needs. A function that isn't there reads as ones.
 *
 * Tests link functions of their own in place of pci_config.c.
 */
#ifndef DIATOM_SHIM_PCI_CONFIG_H
#define DIATOM_SHIM_PCI_CONFIG_H

#include <stdint.h>

/* bus << 8 | device << 3 | function */
typedef uint16_t pci_function;

/* The aligned 32 bits that contain the byte at `offset`. */
uint32_t pci_config_read(pci_function function, uint8_t offset);

/* `offset` is a multiple of 4. */
void pci_config_write(pci_function function, uint8_t offset, uint32_t value);

#endif
