/*
 * The shim's search for virtio devices on PCI, against functions that are wrong. Configuration space is
 * an array of ours in place of shim/pci_config.c. Numbers in brackets are sections of virtio 1.2.
 */
#include <sys/mman.h>

#include "shim/virtio_pci.h"
#include "shim/world.h"
#include "test/check.h"

#define FUNCTIONS 4

/* 00:01.0, and what is behind a bridge: */
enum { DEVICE = 1 << 3, BRIDGE = 2 << 3, BEHIND = 5 << 8 };

static struct space {
	pci_function function;
	uint32_t words[64];
	uint32_t bar_sizes[PCI_BARS]; /* 0: none; the upper half of a 64-bit one: UINT32_MAX */
} spaces[FUNCTIONS];

static struct space *space_of(pci_function function)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (spaces[i].function == function && spaces[i].words[0] != 0)
			return &spaces[i];
	return NULL;
}

uint32_t pci_config_read(pci_function function, uint8_t offset)
{
	struct space *space = space_of(function);

	return space != NULL ? space->words[offset / 4] : UINT32_MAX;
}

/* BARs keep what their size lets them. */
void pci_config_write(pci_function function, uint8_t offset, uint32_t value)
{
	struct space *space = space_of(function);
	unsigned bar = (offset - 0x10u) / 4;

	CHECK_EQUAL(offset % 4, 0);
	if (space == NULL)
		return;
	if (bar < PCI_BARS) {
		uint32_t size = space->bar_sizes[bar], flags = space->words[offset / 4] & 0xf;

		if (size == UINT32_MAX)
			space->words[offset / 4] = value;
		else
			space->words[offset / 4] = size == 0 ? 0 : (value & -size) | flags;
		return;
	}
	space->words[offset / 4] = value;
}

/* Where it may touch, as the shim would map it. */
static uint64_t seen_start, seen_end;

void world_see(uint64_t start, uint64_t end)
{
	seen_start = start;
	seen_end = end;
}

static void put_capability(struct space *space, unsigned at, unsigned next, unsigned type,
	unsigned bar, uint32_t offset, uint32_t length)
{
	uint32_t *words = &space->words[at / 4];

	words[0] = PCI_VENDOR_CAPABILITY | next << 8 | 20 << 16 | type << 24;
	words[1] = bar;
	words[2] = offset;
	words[3] = length;
	words[4] = 4; /* notify: the multiplier */
}

enum { COMMON_AT = 0x40, NOTIFY_AT = 0x54, ISR_AT = 0x68, CONFIG_AT = 0x7c, MSIX_AT = 0x90 };

/* A network device as QEMU has it: MSI-X in BAR 1, the rest in BAR 4, which has 64 bits. */
static struct space *make_device(void)
{
	struct space *space = &spaces[0];

	memset(spaces, 0, sizeof(spaces));
	space->function = DEVICE;
	space->words[0] = VIRTIO_PCI_VENDOR | (VIRTIO_PCI_MODERN + VIRTIO_ID_NET) << 16;
	space->words[1] = 1 << 20; /* has capabilities */
	space->words[0x34 / 4] = COMMON_AT;
	space->bar_sizes[1] = 0x1000;
	space->bar_sizes[4] = 0x4000;
	space->bar_sizes[5] = UINT32_MAX;
	space->words[0x14 / 4] = 0xfebf1000;
	space->words[0x20 / 4] = 0xfebf4000 | 4;
	put_capability(space, COMMON_AT, NOTIFY_AT, VIRTIO_PCI_COMMON, 4, 0, 0x1000);
	put_capability(space, NOTIFY_AT, ISR_AT, VIRTIO_PCI_NOTIFY, 4, 0x3000, 0x1000);
	put_capability(space, ISR_AT, CONFIG_AT, VIRTIO_PCI_ISR, 4, 0x1000, 0x1000);
	put_capability(space, CONFIG_AT, MSIX_AT, VIRTIO_PCI_DEVICE, 4, 0x2000, 0x1000);
	space->words[MSIX_AT / 4] = PCI_MSIX_CAPABILITY;
	space->words[MSIX_AT / 4 + 1] = 1; /* table: BAR 1, offset 0 */
	return space;
}

static struct virtio_pci device;
static const char *why;

static bool find(void)
{
	return virtio_pci_find(&device, DEVICE, &why);
}

static void finds_the_structures(void)
{
	make_device();
	CHECK(virtio_pci_is_one(DEVICE));
	CHECK(find());
	CHECK_EQUAL(device.id, VIRTIO_ID_NET);
	CHECK(device.common == 0xfebf4000);
	CHECK(device.notify == 0xfebf7000);
	CHECK(device.device == 0xfebf6000);
	CHECK_EQUAL(device.notify_multiplier, 4);
}

/* [4.1.2.1]: a transitional device's kind is in its subsystem. */
static void transitional(void)
{
	struct space *space = make_device();

	space->words[0] = VIRTIO_PCI_VENDOR | VIRTIO_PCI_TRANSITIONAL << 16;
	space->words[0x2c / 4] = VIRTIO_ID_ENTROPY << 16;
	CHECK(virtio_pci_is_one(DEVICE));
	CHECK(find());
	CHECK_EQUAL(device.id, VIRTIO_ID_ENTROPY);
	space->words[0] = 0x8086 | 0x1041 << 16;
	CHECK(!virtio_pci_is_one(DEVICE));
}

/* [4.1.4.1]: of several structures of a type the first is the device's favourite. */
static void first_of_a_type(void)
{
	struct space *space = make_device();

	put_capability(space, 0xa0, 0, VIRTIO_PCI_COMMON, 4, 0x800, 0x800);
	space->words[MSIX_AT / 4] |= 0xa0 << 8;
	CHECK(find());
	CHECK(device.common == 0xfebf4000);
}

/* Each row changes one word of a good device's configuration space. */
static void wrong_devices(void)
{
	static const struct {
		const char *what;
		unsigned at;
		uint32_t value;
		const char *why;
	} rows[] = {
		{ "a list that loops", MSIX_AT, PCI_MSIX_CAPABILITY | COMMON_AT << 8,
			"broken list" },
		{ "a list into the header", MSIX_AT, PCI_MSIX_CAPABILITY | 0x10 << 8,
			"broken list" },
		{ "a capability cut off", MSIX_AT, PCI_MSIX_CAPABILITY | 0xfc << 8, "broken list" },
		{ "no list", 0x04, 0, "not a virtio 1 device" },
		{ "no common structure", COMMON_AT,
			PCI_VENDOR_CAPABILITY | NOTIFY_AT << 8 | 9u << 24,
			"not a virtio 1 device" },
		{ "BAR 6", COMMON_AT + 4, 6, "outside its memory" },
		{ "a BAR that isn't", COMMON_AT + 4, 2, "outside its memory" },
		{ "the upper half of a BAR", COMMON_AT + 4, 5, "outside its memory" },
		{ "a port BAR", 0x20, 0xc001, "outside its memory" },
		{ "offset at the end", COMMON_AT + 8, 0x4000, "outside its memory" },
		{ "offset beyond", COMMON_AT + 8, 0xffffffff, "outside its memory" },
		{ "length beyond", COMMON_AT + 12, 0x4001, "outside its memory" },
		{ "length that wraps", NOTIFY_AT + 12, 0xffffffff, "outside its memory" },
		{ "too short", COMMON_AT + 12, 0x37, "outside its memory" },
		{ "no notify bytes", NOTIFY_AT + 12, 0, "outside its memory" },
		{ "crooked common", COMMON_AT + 8, 2, "outside its memory" },
		{ "crooked notify", NOTIFY_AT + 8, 0x3001, "outside its memory" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct space *space = make_device();

		if (rows[i].at == MSIX_AT && rows[i].value >> 8 == 0xfc)
			space->words[0xfc / 4] = PCI_VENDOR_CAPABILITY;
		space->words[rows[i].at / 4] = rows[i].value;
		if (find())
			CHECK_FAIL("%s was found good", rows[i].what);
		else if (strstr(why, rows[i].why) == NULL)
			CHECK_FAIL("%s: %s", rows[i].what, why);
	}
}

static void bar_of_size_0(void)
{
	make_device()->bar_sizes[4] = 0;
	CHECK(!find());
}

/* A BAR without an address gets one, aligned to its size, and no two the same. */
static void gives_places(void)
{
	struct space *space = make_device();
	struct pci_bar one, other;

	space->words[0x14 / 4] = 0;
	space->words[0x20 / 4] = 4;
	CHECK(pci_bar(DEVICE, 1, &one));
	CHECK(pci_bar(DEVICE, 4, &other));
	CHECK(one.size == 0x1000 && other.size == 0x4000);
	CHECK(one.address >= 0xe0000000 && one.address % one.size == 0);
	CHECK(other.address >= one.address + one.size && other.address % other.size == 0);
	CHECK_EQUAL(space->words[0x14 / 4], one.address);
	CHECK_EQUAL(space->words[0x20 / 4] & ~0xfu, other.address);
	space->words[0x20 / 4] = 4;
	space->bar_sizes[4] = 0x40000000; /* larger than all there is to give */
	CHECK(!pci_bar(DEVICE, 4, &other));
}

/* One above 4 GiB is moved; behind a bridge, which would not follow, it is refused. */
static void high_bar(void)
{
	struct space *space = make_device();
	struct pci_bar bar;

	space->words[0x24 / 4] = 0x12;
	CHECK(pci_bar(DEVICE, 4, &bar));
	CHECK(bar.size == 0x4000);
	CHECK(bar.address >= 0xe0000000 && bar.address < 0xe8000000);
	CHECK_EQUAL(space->words[0x24 / 4], 0);
	CHECK_EQUAL(space->words[0x20 / 4], bar.address | 4);
	space->words[0x24 / 4] = 0x12;
	space->function = BEHIND;
	CHECK(!pci_bar(BEHIND, 4, &bar));
	space->words[0x24 / 4] = 0; /* below it is right as it is */
	CHECK(pci_bar(BEHIND, 4, &bar));
}

/* Measuring changes nothing. */
static void bars_stay(void)
{
	struct space *space = make_device();
	struct pci_bar bar;

	CHECK(pci_bar(DEVICE, 4, &bar));
	CHECK(bar.address == 0xfebf4000);
	CHECK(seen_start == 0xfebf4000 && seen_end == 0xfebf8000);
	CHECK_EQUAL(space->words[0x20 / 4], 0xfebf4004);
	CHECK_EQUAL(space->words[0x24 / 4], 0);
}

static unsigned seen;

static bool count(void *self, pci_function function)
{
	seen += virtio_pci_is_one(function);
	return true;
}

/* Behind a bridge, too; a bridge to a bus that was already searched changes nothing. */
static void searches_behind_bridges(void)
{
	make_device();
	spaces[3] =
		(struct space){ .function = 0, .words = { 0x29c08086 } }; /* the host's bridge */
	spaces[1] = (struct space){ .function = BRIDGE, .words = { 0x12348086, [3] = 1 << 16 } };
	spaces[2] = spaces[0];
	spaces[2].function = BEHIND;
	for (unsigned i = 0; i < 2; i++) {
		spaces[1].words[0x18 / 4] = i == 0 ? 5 << 8 : 0;
		seen = 0;
		pci_each(count, NULL);
		CHECK_EQUAL(seen, i == 0 ? 2 : 1);
	}
}

static void interrupts(void)
{
	struct space *space = make_device();
	uint32_t *table = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK(table != MAP_FAILED);
	space->words[0x14 / 4] = (uint32_t)(uintptr_t)table;
	table[3] = 1; /* masked, as after a reset */
	CHECK(pci_interrupt(DEVICE, 0xfee00000, 0x41, &why));
	CHECK_EQUAL(table[0], 0xfee00000);
	CHECK_EQUAL(table[2], 0x41);
	CHECK_EQUAL(table[3], 0);
	CHECK_EQUAL(space->words[MSIX_AT / 4] >> 30, 2); /* enabled, not masked */
	CHECK_EQUAL(space->words[1] & 6, 6);		 /* memory, bus master */
	space->words[MSIX_AT / 4 + 1] = 0xff9; /* the table's last bytes would be outside */
	CHECK(!pci_interrupt(DEVICE, 0xfee00000, 0x41, &why));
	space->words[MSIX_AT / 4] = 0x05;
	CHECK(!pci_interrupt(DEVICE, 0xfee00000, 0x41, &why));
	CHECK(strstr(why, "no MSI-X") != NULL);
	munmap(table, 0x1000);
}

/* [4.1.4.4]: the doorbell is at the queue's offset times the multiplier, and inside. */
static void doorbells(void)
{
	uint8_t *registers = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct space *space = make_device();
	uint64_t doorbell;

	CHECK(registers != MAP_FAILED);
	space->words[0x20 / 4] = (uint32_t)(uintptr_t)registers | 4;
	CHECK(find());
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_NOTIFY_OFFSET) = 3;
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_COUNT) = 2;
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_SIZE) = 256;
	CHECK_EQUAL(virtio_pci_queue(&device, 1, &doorbell), 256);
	CHECK(doorbell == device.notify + 12);
	CHECK_EQUAL(*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_SELECT), 1);
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_NOTIFY_OFFSET) =
		0x400; /* right behind the end */
	CHECK_EQUAL(virtio_pci_queue(&device, 1, &doorbell), 0);
	device.notify_multiplier = 0x40000001;
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_NOTIFY_OFFSET) = 4; /* 4 in 32 bits */
	CHECK_EQUAL(virtio_pci_queue(&device, 1, &doorbell), 0);
	CHECK(virtio_pci_queue_start(&device, 1, 8, 0x1000, 0x2000, 0x300000000));
	CHECK_EQUAL(*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_SIZE), 8);
	CHECK(*(uint64_t *)(registers + VIRTIO_PCI_QUEUE_USED) == 0x300000000);
	CHECK_EQUAL(*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_ENABLE), 1);
	munmap(registers, 0x4000);
}

/* [4.1.5.1.3]: queues that are not, and of size 0. */
static void queues_that_are_not(void)
{
	uint8_t *registers = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct space *space = make_device();
	uint64_t doorbell;

	CHECK(registers != MAP_FAILED);
	space->words[0x20 / 4] = (uint32_t)(uintptr_t)registers | 4;
	CHECK(find());
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_COUNT) = 2;
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_SIZE) = 256;
	CHECK_EQUAL(virtio_pci_queue(&device, 1, &doorbell), 256);
	CHECK_EQUAL(virtio_pci_queue(&device, 2, &doorbell), 0);
	*(uint16_t *)(registers + VIRTIO_PCI_QUEUE_SIZE) = 0;
	CHECK_EQUAL(virtio_pci_queue(&device, 0, &doorbell), 0);
	munmap(registers, 0x4000);
}

int main(void)
{
	return RUN(TEST(finds_the_structures), TEST(transitional), TEST(first_of_a_type),
		TEST(wrong_devices), TEST(bar_of_size_0), TEST(gives_places), TEST(high_bar),
		TEST(bars_stay), TEST(searches_behind_bridges), TEST(interrupts), TEST(doorbells),
		TEST(queues_that_are_not));
}
