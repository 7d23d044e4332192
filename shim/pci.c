/*
 * Offsets are those of the header, type 0 for devices, type 1 for bridges.
 *
 * Firmware that is in a hurry (qboot) leaves BARs without addresses, other firmware puts 64-bit ones above
 * 4 GiB. Both get places from WINDOW up: on every PC above its lower memory, and below what firmware that
 * does assign uses first.
 */
#include "shim/pci.h"

#include "shim/machine.h"
#include "shim/world.h"

#define ID	       0x00
#define COMMAND	       0x04 /* status in the upper half */
#define HEADER	       0x0c /* type in bits 16 to 23 */
#define BAR	       0x10
#define BUSES	       0x18 /* bridges: primary, secondary, subordinate */
#define SUBSYSTEM      0x2c
#define CAPABILITIES   0x34

#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4
#define COMMAND_NO_PIN 0x400
#define HAS_LIST       (1u << 20) /* of COMMAND: status */
#define HAS_FUNCTIONS  (1u << 23) /* of HEADER */
#define TYPE	       0x7f
#define BRIDGE	       1

#define BAR_PORT       1
#define BAR_TYPE       6
#define BAR_64	       4
#define BAR_FLAGS      0xfu

#define WINDOW	       UINT64_C(0xe0000000)
#define WINDOW_END     UINT64_C(0xe8000000)
#define LEAST	       UINT64_C(0x1000000) /* below is what we stand on */
#define REACH	       (UINT64_C(1) << 32) /* what ring 0 can map */
#define LAST_OF_BUS_0  0xff
#define CAPABILITY_MIN 0x40
#define CAPABILITY_MAX 48 /* so many of 4 bytes have room */

#define MSIX_ENABLE    (1u << 31)
#define MSIX_MASK_ALL  (1u << 30)
#define MSIX_ENTRY     16 /* address, upper address, data, control */

static uint64_t given; /* bytes of the window */

/* The search */

static bool is_there(pci_function function)
{
	uint32_t id = pci_config_read(function, ID);

	return (id & 0xffff) != 0xffff && id != 0;
}

/* A bridge's bus, to be searched later. Firmware numbers buses upwards, so that none is searched twice. */
static void look_behind(uint8_t waiting[256], pci_function bridge)
{
	uint8_t bus = (uint8_t)(pci_config_read(bridge, BUSES) >> 8);

	if (bus > bridge >> 8)
		waiting[bus] = 1;
}

/* False: the search is over. */
static bool search_bus(uint8_t waiting[256], unsigned bus,
	bool (*found)(void *self, pci_function function), void *self)
{
	for (unsigned i = 0, step = 1; i < 256; i += step) {
		pci_function at = (pci_function)(bus << 8 | i);
		uint32_t header = pci_config_read(at, HEADER);

		/* A device has a first function, and others only if that says so. */
		if (i % 8 == 0)
			step = is_there(at) && (header & HAS_FUNCTIONS) != 0 ? 1 : 8;
		if (!is_there(at))
			continue;
		if ((header >> 16 & TYPE) == BRIDGE)
			look_behind(waiting, at);
		else if (!found(self, at))
			return false;
	}
	return true;
}

void pci_each(bool (*found)(void *self, pci_function function), void *self)
{
	uint8_t waiting[256] = { 1 };

	if (!is_there(0)) /* the host's own bridge: without it there is no PCI */
		return;
	for (unsigned bus = 0; bus < 256; bus++)
		if (waiting[bus] && !search_bus(waiting, bus, found, self))
			return;
}

struct pci_identity pci_identify(pci_function function)
{
	uint32_t id = pci_config_read(function, ID);

	return (struct pci_identity){ .vendor = (uint16_t)id,
		.device = (uint16_t)(id >> 16),
		.subsystem = (uint16_t)(pci_config_read(function, SUBSYSTEM) >> 16) };
}

/* Capabilities */

struct pci_walk pci_walk_begin(pci_function function)
{
	struct pci_walk walk = { .function = function, .left = CAPABILITY_MAX };

	if (pci_config_read(function, COMMAND) & HAS_LIST)
		walk.next = (uint8_t)pci_config_read(function, CAPABILITIES);
	return walk;
}

uint8_t pci_walk_next(struct pci_walk *walk, uint8_t kind, unsigned bytes)
{
	while (walk->next != 0) {
		uint8_t at = walk->next & 0xfc;
		uint32_t head;

		if (at < CAPABILITY_MIN || walk->left == 0) {
			walk->is_broken = true;
			return 0;
		}
		walk->left--;
		head = pci_config_read(walk->function, at);
		walk->next = (uint8_t)(head >> 8);
		if ((uint8_t)head != kind)
			continue;
		if (at + bytes <= 256)
			return at;
		walk->is_broken = true;
	}
	return 0;
}

/* Base addresses */

/* Does the BAR before claim this one as its upper half? */
static bool is_upper_half(pci_function function, unsigned index)
{
	bool is_wide = false;

	for (unsigned i = 0; i < index; i++) {
		uint32_t low = pci_config_read(function, (uint8_t)(BAR + 4 * i));

		is_wide = !is_wide && !(low & BAR_PORT) && (low & BAR_TYPE) == BAR_64;
	}
	return is_wide;
}

/* What the register keeps of ones is its size, negated: 0 if that is 4 GiB or more. The function must not
 * answer meanwhile. */
static uint32_t measure(pci_function function, uint8_t at, uint32_t now)
{
	uint32_t command = pci_config_read(function, COMMAND) & 0xffff, kept;

	pci_config_write(function, COMMAND, command & ~(uint32_t)COMMAND_MEMORY);
	pci_config_write(function, at, UINT32_MAX);
	kept = pci_config_read(function, at) & ~BAR_FLAGS;
	pci_config_write(function, at, now);
	pci_config_write(function, COMMAND, command);
	return kept & -kept; /* the lowest bit that can be set */
}

/* A place for a BAR that has none in reach; 0 if there is none left. A bridge would not pass it on. */
static uint64_t give_place(pci_function function, uint8_t at, bool is_wide, uint64_t size)
{
	uint64_t place = (WINDOW + given + size - 1) & ~(size - 1);

	if (function > LAST_OF_BUS_0 || place + size > WINDOW_END)
		return 0;
	given = place + size - WINDOW;
	pci_config_write(function, at, (uint32_t)place);
	if (is_wide)
		pci_config_write(function, at + 4, 0);
	return place;
}

bool pci_bar(pci_function function, unsigned index, struct pci_bar *bar)
{
	uint8_t at = (uint8_t)(BAR + 4 * index);
	uint32_t low;
	bool is_wide;

	if (index >= PCI_BARS || is_upper_half(function, index))
		return false;
	low = pci_config_read(function, at);
	is_wide = (low & BAR_TYPE) == BAR_64;
	if ((low & BAR_PORT) || (is_wide && index + 1 == PCI_BARS))
		return false;
	bar->size = measure(function, at, low);
	if (bar->size == 0)
		return false;
	bar->address = low & ~BAR_FLAGS;
	if (is_wide)
		bar->address |= (uint64_t)pci_config_read(function, at + 4) << 32;
	if (bar->address < LEAST || bar->address > REACH - bar->size)
		bar->address = give_place(function, at, is_wide, bar->size);
	if (bar->address == 0)
		return false;
	world_see(bar->address, bar->address + bar->size);
	return true;
}

void pci_enable(pci_function function)
{
	uint32_t command = pci_config_read(function, COMMAND) & 0xffff;

	pci_config_write(
		function, COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_PIN);
}

/* Interrupts */

bool pci_interrupt(pci_function function, uint32_t address, uint32_t data, const char **why)
{
	struct pci_walk walk = pci_walk_begin(function);
	uint8_t at = pci_walk_next(&walk, PCI_MSIX_CAPABILITY, 12);
	volatile uint32_t *entry;
	struct pci_bar bar;
	uint32_t control, place;

	*why = "has no MSI-X interrupts";
	if (at == 0)
		return false;
	control = pci_config_read(function, at);
	place = pci_config_read(function, (uint8_t)(at + 4));
	*why = "has an MSI-X table outside its memory";
	if (!pci_bar(function, place & 7, &bar) || (place & ~7u) > bar.size ||
		bar.size - (place & ~7u) < MSIX_ENTRY)
		return false;
	pci_enable(function);
	entry = register_at(bar.address + (place & ~7u));
	pci_config_write(function, at, control | MSIX_ENABLE | MSIX_MASK_ALL);
	entry[0] = address;
	entry[1] = 0;
	entry[2] = data;
	entry[3] = 0; /* not masked */
	pci_config_write(function, at, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	return true;
}
