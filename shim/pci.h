/*
 * PCI functions: found, looked into, put at addresses. Source: PCI Local Bus Specification 3.0, section
 * 6; MSI-X: 6.8.2.
 *
 * What a function says of itself is believed only after it was checked: capability lists may loop or
 * point anywhere, base address registers (BARs) may be missing, empty or ports.
 */
#ifndef DIATOM_SHIM_PCI_H
#define DIATOM_SHIM_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/pci_config.h"

#define PCI_BARS	      6
#define PCI_VENDOR_CAPABILITY 0x09
#define PCI_MSIX_CAPABILITY   0x11

/*
 * Calls `found` for every function of bus 0, and of the buses behind its bridges as far as firmware has
 * numbered them, always upwards. False from `found` ends the search.
 */
void pci_each(bool (*found)(void *self, pci_function function), void *self);

struct pci_identity {
	uint16_t vendor, device, subsystem;
};

struct pci_identity pci_identify(pci_function function);

/* A walk over the capabilities of a function. */
struct pci_walk {
	pci_function function;
	uint8_t next, left;
	bool is_broken; /* the list loops, or leaves configuration space */
};

struct pci_walk pci_walk_begin(pci_function function);

/* The offset of the next capability of that kind, of which `bytes` lie in configuration space; 0 at the
 * end. */
uint8_t pci_walk_next(struct pci_walk *walk, uint8_t kind, unsigned bytes);

struct pci_bar {
	uint64_t address, size;
};

/*
 * Looks up memory BAR `index` and maps it; one that firmware gave no address, or one above 4 GiB, gets one
 * below. False if there is no such BAR, it is a port, its size is 0, or it can't be given a place.
 */
bool pci_bar(pci_function function, unsigned index, struct pci_bar *bar);

/* The function answers at its BARs, and reads and writes memory of its own accord. */
void pci_enable(pci_function function);

/*
 * The MSI-X table, with the message `data` to `address` in its first entry, and that unmasked: interrupts
 * of the function's from now on. False if it has no such table; *why says so.
 */
bool pci_interrupt(pci_function function, uint32_t address, uint32_t data, const char **why);

#endif
