/* Configuration mechanism #1 of the PCI Local Bus Specification 3.0, section 3.2.2.3.2. */
#include "shim/pci_config.h"

#include "shim/machine.h"

#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc
#define ENABLE	     UINT32_C(0x80000000)

static void select(pci_function function, uint8_t offset)
{
	port_write32(ADDRESS_PORT, ENABLE | (uint32_t)function << 8 | (offset & 0xfc));
}

uint32_t pci_config_read(pci_function function, uint8_t offset)
{
	select(function, offset);
	return port_read32(DATA_PORT);
}

void pci_config_write(pci_function function, uint8_t offset, uint32_t value)
{
	select(function, offset);
	port_write32(DATA_PORT, value);
}
