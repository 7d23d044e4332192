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
#define BAR_FLAGS      UINT64_C(0xf)

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

struct search {
	bool (*found)(void *self, pci_function function);
	void *self;
	uint32_t waiting[8]; /* buses to be looked at, and those that were: a bridge may lie */
	uint32_t done[8];
	bool is_over;
};

static void look_behind(struct search *search, pci_function function)
{
	unsigned bus = pci_config_read(function, BUSES) >> 8 & 0xff;

	search->waiting[bus / 32] |= 1u << bus % 32;
}

static void look_at(struct search *search, pci_function function)
{
	if ((pci_config_read(function, HEADER) >> 16 & TYPE) == BRIDGE)
		look_behind(search, function);
	else
		search->is_over = !search->found(search->self, function);
}

static void search_bus(struct search *search, unsigned bus)
{
	for (unsigned device = 0; device < 32 && !search->is_over; device++) {
		pci_function first = (pci_function)(bus << 8 | device << 3);
		unsigned count = 1;

		if (!is_there(first))
			continue;
		if (pci_config_read(first, HEADER) & HAS_FUNCTIONS)
			count = 8;
		for (unsigned i = 0; i < count && !search->is_over; i++)
			if (i == 0 || is_there((pci_function)(first + i)))
				look_at(search, (pci_function)(first + i));
	}
	search->done[bus / 32] |= 1u << bus % 32;
}

void pci_each(bool (*found)(void *self, pci_function function), void *self)
{
	struct search search = { .found = found, .self = self, .waiting = { 1 } };

	if (!is_there(0)) /* the host's own bridge: without it there is no PCI */
		return;
	/* Bridges come before what is behind them: their numbers only grow. */
	for (unsigned bus = 0; bus < 256 && !search.is_over; bus++)
		if (search.waiting[bus / 32] & ~search.done[bus / 32] & 1u << bus % 32)
			search_bus(&search, bus);
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

static uint8_t bar_offset(unsigned index)
{
	return (uint8_t)(BAR + 4 * index);
}

/* Does the BAR before claim this one as its upper half? */
static bool is_upper_half(pci_function function, unsigned index)
{
	bool is_wide = false;

	for (unsigned i = 0; i < index; i++) {
		uint32_t low = pci_config_read(function, bar_offset(i));

		is_wide = !is_wide && !(low & BAR_PORT) && (low & BAR_TYPE) == BAR_64;
	}
	return is_wide;
}

/* What the register keeps of ones is its size, negated. The function must not answer meanwhile. */
static uint64_t measure(pci_function function, unsigned index, bool is_wide, uint64_t now)
{
	uint32_t command = pci_config_read(function, COMMAND) & 0xffff;
	uint8_t at = bar_offset(index);
	uint64_t mask;

	pci_config_write(function, COMMAND, command & ~(uint32_t)COMMAND_MEMORY);
	pci_config_write(function, at, UINT32_MAX);
	mask = pci_config_read(function, at) & ~BAR_FLAGS;
	pci_config_write(function, at, (uint32_t)now);
	if (is_wide) {
		pci_config_write(function, at + 4, UINT32_MAX);
		mask |= (uint64_t)pci_config_read(function, at + 4) << 32;
		pci_config_write(function, at + 4, (uint32_t)(now >> 32));
	} else if (mask != 0) {
		mask |= UINT64_C(0xffffffff00000000);
	}
	pci_config_write(function, COMMAND, command);
	return mask & -mask; /* the lowest bit that can be set */
}

/* A place for a BAR that has none in reach; 0 if there is none left. A bridge would not pass it on. */
static uint64_t give_place(pci_function function, unsigned index, bool is_wide, uint64_t size)
{
	uint64_t place = (WINDOW + given + size - 1) & ~(size - 1);

	if (function > LAST_OF_BUS_0 || size > WINDOW_END - WINDOW || place + size > WINDOW_END)
		return 0;
	given = place + size - WINDOW;
	pci_config_write(function, bar_offset(index), (uint32_t)place);
	if (is_wide)
		pci_config_write(function, bar_offset(index + 1), 0);
	return place;
}

bool pci_bar(pci_function function, unsigned index, struct pci_bar *bar)
{
	uint64_t now;
	bool is_wide;

	if (index >= PCI_BARS || is_upper_half(function, index))
		return false;
	now = pci_config_read(function, bar_offset(index));
	is_wide = (now & BAR_TYPE) == BAR_64;
	if ((now & BAR_PORT) || (is_wide && index + 1 == PCI_BARS))
		return false;
	if (is_wide)
		now |= (uint64_t)pci_config_read(function, bar_offset(index + 1)) << 32;
	bar->size = measure(function, index, is_wide, now);
	if (bar->size == 0 || bar->size > REACH)
		return false;
	bar->address = now & ~BAR_FLAGS;
	if (bar->address < LEAST || bar->address > REACH - bar->size)
		bar->address = give_place(function, index, is_wide, bar->size);
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
