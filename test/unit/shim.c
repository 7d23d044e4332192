/*
 * The parts of the shim that are pure: command line, memory map, layout, and the rings that stand
 * between a hostile body and its devices.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "abi/log.h"
#include "diatom/view.h"
#include "shim/cmdline.h"
#include "shim/layout.h"
#include "shim/loader.h"
#include "shim/ring.h"
#include "test/check.h"
#include "world/tables.h"

#define MIB UINT64_C(0x100000)

/* Command line */

static struct cmdline line;
static char text[SHIM_COMMAND_LINE_MAX];

static bool parse(const char *words)
{
	snprintf(text, sizeof(text), "%s", words);
	return cmdline_parse(&line, text);
}

static void words_of_every_kind(void)
{
	CHECK(parse(
		"  net=eth0,mac=52:54:00:12:34:56,ip=10.0.0.2/24,gw=10.0.0.1,ip6=2001:db8::2/64,gw6=fe80::1,mtu=9000 log=debug "
		"name=my%20image file=zone,4096 wall=1700000000000000000 spin=50000 "
		"virtio_mmio.device=4K@0xd0000000:5:1 -- one t%77o virtio_mmio.device=512@0xfeb00e00:12 "
		"%76irtio_mmio.device=x"));
	CHECK_EQUAL(line.net_count, 1);
	CHECK_TEXT(line.nets[0].name, "eth0");
	CHECK_TEXT(line.nets[0].ip, "10.0.0.2/24");
	CHECK_TEXT(line.nets[0].gateway, "10.0.0.1");
	CHECK_TEXT(line.nets[0].ip6, "2001:db8::2/64");
	CHECK_TEXT(line.nets[0].gateway6, "fe80::1");
	CHECK(line.nets[0].has_mac && line.nets[0].mac[5] == 0x56 && line.nets[0].mtu == 9000);
	CHECK_EQUAL(line.log_level, LOG_DEBUG);
	CHECK_TEXT(line.files[0].name, "zone");
	CHECK_EQUAL(line.files[0].bytes, 4096);
	CHECK_EQUAL(line.wall_ns, INT64_C(1700000000000000000));
	CHECK_EQUAL(line.spin_ns, 50000);
	CHECK_EQUAL(line.mmio_count, 2);
	CHECK(line.mmio[0].address == 0xd0000000 && line.mmio[0].interrupt == 5);
	CHECK(line.mmio[1].address == 0xfeb00e00 && line.mmio[1].interrupt == 12);
	CHECK_EQUAL(line.argument_count, 4);
	CHECK_TEXT(line.arguments[0], "my image");
	CHECK_TEXT(line.arguments[1], "one");
	CHECK_TEXT(line.arguments[2], "two");
	CHECK_TEXT(line.arguments[3], "virtio_mmio.device=x");
}

static void nothing_is_fine(void)
{
	CHECK(parse(""));
	CHECK(parse("   "));
	CHECK(parse("--"));
	CHECK_EQUAL(line.argument_count, 1);
	CHECK_EQUAL(line.log_level, LOG_WARNING);
	CHECK(parse("-- %00")); /* an empty argument */
	CHECK_EQUAL(line.argument_count, 2);
	CHECK_TEXT(line.arguments[1], "");
}

static void wrong_words_are_named(void)
{
	static const char *const rows[] = { "word", "root=/dev/vda", "net=", "net=,ip=10.0.0.1/8",
		"net=sixteen.letters.", "net=a,ip=", "net=a,mac=52:54:00:12:34", "net=a,what=1",
		"net=a,mac=53:54:00:12:34:56", "net=a,mtu=67", "net=a,mtu=65536", "net=a,ip=%zz",
		"net=a,ip=%00", "net=a,ip=%4", "file=a", "file=a,", "file=a,x", "log=loud",
		"log=", "wall=-1", "wall=9223372036854775808", "spin=1000000001", "spin=0x",
		"name=%", "virtio_mmio.device=", "virtio_mmio.device=4K@0x1000",
		"virtio_mmio.device=4K@0x1001:3", "virtio_mmio.device=4K@0x100000000:3",
		"virtio_mmio.device=4K@0x1000:48", "virtio_mmio.device=4K@0x1000:", "-- %0",
		"-- a%00" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (parse(rows[i]) || line.word == NULL || line.remedy == NULL)
			CHECK_FAIL("\"%s\" was taken", rows[i]);
}

static void too_many_of_a_kind(void)
{
	static const struct {
		const char *word, *lead;
		unsigned most;
	} rows[] = { { "net=a ", "", BOOT_DEVICES_MAX }, { "file=a,1 ", "", BOOT_BLOBS_MAX },
		{ "virtio_mmio.device=1@0:1 ", "", BOOT_DEVICES_MAX },
		{ "a ", "-- ", BOOT_ARGUMENTS_MAX - 1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned more = 0; more < 2; more++) {
			char words[SHIM_COMMAND_LINE_MAX] = "";

			strcat(words, rows[i].lead);
			for (unsigned n = 0; n < rows[i].most + more; n++)
				strcat(words, rows[i].word);
			if (parse(words) != (more == 0))
				CHECK_FAIL("%u of \"%s\"", rows[i].most + more, rows[i].word);
		}
}

/* What the loader hands over: Xen's public start_info.h, in memory below 4 GiB. */

struct start {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, command_line, rsdp, map;
	uint32_t map_entries, reserved;
	struct {
		uint64_t address, bytes;
		uint32_t type, reserved;
	} entries[4];
	char words[SHIM_COMMAND_LINE_MAX + 1];
};

static struct start *low_start(void)
{
	static struct start *start;

	if (start == NULL)
		start = mmap(NULL, sizeof(*start) + SHIM_COMMAND_LINE_MAX, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memset(start, 0, sizeof(*start));
	start->magic = 0x336ec578;
	start->version = 1;
	start->map = (uintptr_t)start->entries;
	start->map_entries = 2;
	start->entries[0].bytes = 0x9fc00;
	start->entries[0].type = 1;
	start->entries[1].address = MIB;
	start->entries[1].bytes = 63 * MIB;
	start->entries[1].type = 1;
	start->command_line = (uintptr_t)start->words;
	strcpy(start->words, "log=info");
	return start;
}

static struct loader loader;

static void see(uint64_t start, uint64_t end)
{
}

static bool is_read(const struct start *start)
{
	return loader_read(&loader, (uint32_t)(uintptr_t)start, see) == NULL;
}

static void start_info_is_copied(void)
{
	struct start *start = low_start();

	CHECK(is_read(start));
	memset(start, 0xff, sizeof(*start));
	CHECK_EQUAL(loader.range_count, 2);
	CHECK(loader.ranges[1].start == MIB && loader.ranges[1].end == 64 * MIB);
	CHECK_TEXT(loader.command_line, "log=info");
	start = low_start();
	start->command_line = 0;
	CHECK(is_read(start));
	CHECK_TEXT(loader.command_line, "");
}

static void bad_start_info_is_refused(void)
{
	struct start *start = low_start();

	CHECK(loader_read(&loader, 0, see) != NULL);
	start->magic++;
	CHECK(!is_read(start));
	start = low_start();
	start->version = 0;
	CHECK(!is_read(start));
	start = low_start();
	start->map_entries = LOADER_RANGES_MAX + 1;
	CHECK(!is_read(start));
	start->map_entries = 2;
	start->map = UINT64_MAX - 8;
	CHECK(!is_read(start));
	start = low_start();
	start->command_line = UINT64_C(1) << 32;
	CHECK(!is_read(start));
	start = low_start();
	memset(start->words, 'a', sizeof(start->words));
	CHECK(!is_read(start));
	start = low_start();
	start->module_count = LOADER_MODULES_MAX + 1;
	start->modules = (uintptr_t)start->words;
	CHECK(!is_read(start));
}

static const struct {
	const char *name;
	struct loader_range ranges[4], module;
	bool is_found;
	uint64_t low, low_end, heap, heap_end;
} maps[] = {
	{ "one piece", { { 0, MIB / 2, true }, { MIB, 64 * MIB, true } }, { 0 }, true, 3 * MIB,
		64 * MIB, 3 * MIB, 64 * MIB },
	{ "image not in RAM", { { 0, MIB, true }, { 4 * MIB, 64 * MIB, true } }, { 0 }, false, 0, 0,
		0, 0 },
	{ "image cut off", { { 0, 2 * MIB, true } }, { 0 }, false, 0, 0, 0, 0 },
	{ "reserved on top", { { 0, 64 * MIB, true }, { 60 * MIB, 70 * MIB, false } }, { 0 }, true,
		3 * MIB, 60 * MIB, 3 * MIB, 60 * MIB },
	{ "larger piece elsewhere", { { 0, 8 * MIB, true }, { 16 * MIB, 64 * MIB, true } }, { 0 },
		true, 3 * MIB, 8 * MIB, 16 * MIB, 64 * MIB },
	{ "module at the end", { { 0, 64 * MIB, true } }, { 62 * MIB, 64 * MIB, false }, true,
		3 * MIB, 62 * MIB, 3 * MIB, 62 * MIB },
	{ "module after the image", { { 0, 64 * MIB, true } }, { 3 * MIB, 5 * MIB, false }, true,
		5 * MIB, 64 * MIB, 5 * MIB, 64 * MIB },
	{ "beyond 4 GiB", { { 0, 8 * MIB, true }, { 4096 * MIB, 8192 * MIB, true } }, { 0 }, true,
		3 * MIB, 8 * MIB, 3 * MIB, 8 * MIB },
	{ "wrapped", { { 0, UINT64_MAX, true } }, { 0 }, true, 3 * MIB, 4096 * MIB, 3 * MIB,
		4096 * MIB },
};

static void memory_maps(void)
{
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		struct loader_range low = { 0 }, heap = { 0 };
		bool is_found;

		memset(&loader, 0, sizeof(loader));
		memcpy(loader.ranges, maps[i].ranges, sizeof(maps[i].ranges));
		loader.range_count = ARRAY_LEN(maps[i].ranges);
		loader.modules[0] = maps[i].module;
		loader.module_count = 1;
		is_found = loader_memory(&loader, 3 * MIB, &low, &heap);
		if (is_found != maps[i].is_found ||
			(is_found && (low.start != maps[i].low || low.end != maps[i].low_end ||
					     heap.start != maps[i].heap ||
					     heap.end != maps[i].heap_end)))
			CHECK_FAIL("%s: low %llx-%llx heap %llx-%llx", maps[i].name,
				(unsigned long long)low.start, (unsigned long long)low.end,
				(unsigned long long)heap.start, (unsigned long long)heap.end);
	}
}

/* Layout */

static const struct shim_image image = {
	.span_bytes = 0x6000, .stack_bytes = 16384, .stack_count_max = 64
};

static void no_two_regions_meet(void)
{
	for (unsigned seed = 1; seed < 200; seed++) {
		struct layout l;
		uint64_t numbers[PLACE_NUMBERS(LAYOUT_REGIONS)];
		struct layout_wishes w = { .low = { 3 * MIB, 64 * MIB, true },
			.heap = { 3 * MIB, 64 * MIB, true },
			.argument_bytes = 100,
			.device_count = 3,
			.numbers = numbers };
		const struct region *all[] = { &l.body.image, &l.body.stack, &l.body.boot,
			&l.devices, &l.body.heap, &l.body.stacks };

		srand(seed);
		for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
			numbers[i] = (uint64_t)rand() << 32 | (uint64_t)rand();
		CHECK_EQUAL(layout_make(&l, &image, &w), 0);
		for (size_t a = 0; a < ARRAY_LEN(all); a++)
			for (size_t b = 0; b < a; b++)
				CHECK(all[a]->virtual + all[a]->bytes + 4096 <= all[b]->virtual ||
					all[b]->virtual + all[b]->bytes + 4096 <= all[a]->virtual);
		CHECK(l.body.heap.physical % (2 * MIB) == 0 &&
			l.body.heap.virtual % (2 * MIB) == 0);
		CHECK(l.tables_end <= l.body.heap.physical &&
			l.body.heap.physical + l.body.heap.bytes <= 64 * MIB);
	}
}

static void addresses_of_the_body(void)
{
	struct layout l = { .body.heap = { 0x40000000, 0x800000, 0x400000 },
		.body.stacks = { 0x80000000, 0x800000, 2 * (16384 + 4096) + 4096 },
		.body.stack_bytes = 16384,
		.body.stack_count = 2 };
	static const struct {
		uint64_t virtual, bytes, physical;
	} rows[] = { { 0x40000000, 1, 0x800000 }, { 0x40000000, 0x400000, 0x800000 },
		{ 0x40000000, 0x400001, UINT64_MAX }, { 0x40000001, UINT64_MAX, UINT64_MAX },
		{ 0x3fffffff, 1, UINT64_MAX }, { 0x80000000, 1, UINT64_MAX }, /* a guard */
		{ 0x80001000, 16384, 0x800000 }, { 0x80001000, 16385, UINT64_MAX },
		{ 0x80006000, 8, 0x804000 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (layout_physical(&l, rows[i].virtual, rows[i].bytes) != rows[i].physical)
			CHECK_FAIL("row %zu", i);
}

/* Too little memory is said, at every size; nothing is laid out beyond what there is. */
static void any_size_of_memory(void)
{
	for (uint64_t end = 3 * MIB; end < 12 * MIB; end += 4096) {
		uint64_t numbers[PLACE_NUMBERS(LAYOUT_REGIONS)] = { 0 };
		struct layout l;
		struct layout_wishes w = { .low = { 3 * MIB, end, true },
			.heap = { 3 * MIB, end, true },
			.device_count = 1,
			.numbers = numbers };

		if (layout_make(&l, &image, &w) == 0)
			CHECK(l.body.heap.bytes > 0 &&
				l.body.heap.physical + l.body.heap.bytes <= end &&
				l.tables_end <= l.body.heap.physical);
	}
}

/* Rings: memory is 64 KiB; image at 4096, heap from 8192 on. */

static _Alignas(4096) uint8_t bytes[65536];
static _Alignas(4096) uint8_t own[8192];
static _Alignas(4096) uint8_t used[4096];
static const struct ring_memory memory = {
	.base = bytes, .heap = 8192, .heap_end = 65536, .image = 4096, .image_end = 8192
};
static struct ring ring = { .memory = &memory };
static struct virtio_descriptor *wanted = (void *)(bytes + 8192);
static struct virtio_available *offered = (void *)(bytes + 8192 + 8 * 16);
static struct virtio_used *back = (void *)used;

static void begin(void)
{
	memset(bytes, 0, sizeof(bytes));
	CHECK(ring_begin(&ring, 8192, 8, own, used));
}

static void only_rings_in_the_heap(void)
{
	CHECK(!ring_begin(&ring, 0, 8, own, used));
	CHECK(!ring_begin(&ring, 4096, 8, own, used));
	CHECK(!ring_begin(&ring, 8192 + 8, 8, own, used));
	CHECK(!ring_begin(&ring, 65536 - 16, 8, own, used));
	CHECK(!ring_begin(&ring, UINT64_MAX & -16, 8, own, used));
	for (unsigned size = 0; size < 1024; size++)
		CHECK_EQUAL(ring_begin(&ring, 8192, (uint16_t)size, own, used),
			size != 0 && size <= 256 && (size & (size - 1)) == 0);
}

/* One descriptor each; then index 1 is submitted. NULL: the device sees exactly it. */
static const struct {
	const char *name;
	struct virtio_descriptor descriptor;
	const char *broken;
} buffers[] = {
	{ "read heap", { 8192, 100, 0, 0 }, NULL },
	{ "read image", { 4096, 4096, 0, 0 }, NULL },
	{ "read into heap from image", { 4096, 4097, 0, 0 }, "buffer outside heap and image" },
	{ "read zero page", { 0, 1, 0, 0 }, "buffer outside heap and image" },
	{ "read beyond", { 65535, 2, 0, 0 }, "buffer outside heap and image" },
	{ "write heap", { 8192, 65536 - 8192, VIRTIO_DESC_WRITE, 0 }, NULL },
	{ "write image", { 4096, 16, VIRTIO_DESC_WRITE, 0 }, "buffer outside the heap" },
	{ "write below", { 8191, 2, VIRTIO_DESC_WRITE, 0 }, "buffer outside the heap" },
	{ "write beyond", { 65536, 1, VIRTIO_DESC_WRITE, 0 }, "buffer outside the heap" },
	{ "wraps", { UINT64_MAX, 2, VIRTIO_DESC_WRITE, 0 }, "buffer outside the heap" },
	{ "huge", { 8192, UINT32_MAX, 0, 0 }, "chain of more than 2 GiB" },
	{ "indirect", { 8192, 16, VIRTIO_DESC_INDIRECT, 0 },
		"indirect descriptor, which was not offered" },
	{ "unknown flag", { 8192, 16, 0x80, 0 }, "indirect descriptor, which was not offered" },
	{ "loops", { 8192, 16, VIRTIO_DESC_NEXT, 0 }, "chain that loops" },
	{ "next beyond", { 8192, 16, VIRTIO_DESC_NEXT, 8 }, "descriptor index beyond the queue" },
};

static void buffers_are_judged(void)
{
	for (size_t i = 0; i < ARRAY_LEN(buffers); i++) {
		const struct virtio_available *available = (void *)(own + 4096);
		bool is_good;

		begin();
		wanted[0] = buffers[i].descriptor;
		ring_submit(&ring, 1);
		is_good = ring.broken == buffers[i].broken ||
			  (ring.broken != NULL && buffers[i].broken != NULL &&
				  strcmp(ring.broken, buffers[i].broken) == 0);
		is_good &= available->index == (buffers[i].broken == NULL);
		if (buffers[i].broken == NULL)
			is_good &= memcmp(own, wanted, sizeof(*wanted)) == 0;
		if (!is_good)
			CHECK_FAIL("%s: %s", buffers[i].name, ring.broken ? ring.broken : "taken");
	}
}

static void heads_and_indices(void)
{
	begin();
	offered->ring[0] = 8;
	ring_submit(&ring, 1);
	CHECK_TEXT(ring.broken, "descriptor index beyond the queue");
	begin();
	ring_submit(&ring, 9);
	CHECK_TEXT(ring.broken, "available index runs ahead of the ring");
	CHECK(!ring_submit(&ring, 1)); /* a broken ring stays so */
}

static void give(uint16_t head, uint16_t until)
{
	wanted[head] = (struct virtio_descriptor){ 8192, 16, 0, 0 };
	offered->ring[(until - 1) & 7] = head;
	ring_submit(&ring, until);
}

/* What the device has is not written again, whatever the body says, until the device is done. */
static void descriptors_of_the_device_stay(void)
{
	struct virtio_descriptor kept;

	begin();
	give(3, 1);
	CHECK(ring.broken == NULL && ring_has_output(&ring));
	memcpy(&kept, own + 3 * 16, sizeof(kept));
	back->ring[0] = (struct virtio_used_element){ 3, 0 };
	back->index = 1;
	give(3, 2);
	CHECK(ring.broken == NULL);
	wanted[3].address = 9000;
	offered->ring[2] = 3;
	ring_submit(&ring, 3);
	CHECK_TEXT(ring.broken, "descriptor that the device still has");
	CHECK(memcmp(&kept, own + 3 * 16, sizeof(kept)) == 0);
}

/* A device that lies about what it used frees nothing that it was not given. */
static void used_ring_is_not_trusted(void)
{
	begin();
	give(1, 1);
	back->ring[0] = (struct virtio_used_element){ 0xffffffff, 0 };
	back->ring[1] = (struct virtio_used_element){ 5, 0 };
	back->index = 0x4000;
	give(2, 2);
	CHECK(ring.broken == NULL && ring_has_output(&ring));
}

/* 2.7.10: the device is notified when the index passes the event that it waits for. */
static void notifications_by_event_index(void)
{
	uint16_t *event = (uint16_t *)(void *)&back->ring[8];

	begin();
	*event = 1;
	wanted[0] = (struct virtio_descriptor){ 8192, 16, 0, 0 };
	CHECK(!ring_submit(&ring, 1));
	offered->ring[1] = 1;
	wanted[1] = wanted[0];
	CHECK(ring_submit(&ring, 2));
	CHECK(!ring_submit(&ring, 2));
}

/* The body's wish to be woken goes to the device, and is compared with what has come already. */
static void arming(void)
{
	const struct virtio_available *available = (void *)(own + 4096);

	begin();
	CHECK(!ring_arm(&ring));
	back->index = 1;
	CHECK(ring_arm(&ring)); /* it passed event 0, but nobody waits for it again */
	CHECK(!ring_arm(&ring));
	back->index = 2;
	CHECK(!ring_arm(&ring));
	offered->ring[8] = 2;
	CHECK(!ring_arm(&ring));
	CHECK_EQUAL(available->ring[8], 2);
	back->index = 3; /* and the interrupt may be lost */
	CHECK(ring_arm(&ring));
	CHECK(!ring_arm(&ring));
	offered->ring[8] = 3;
	back->index = 5; /* before the device knew */
	CHECK(ring_arm(&ring));
}

int main(void)
{
	return RUN(TEST(words_of_every_kind), TEST(nothing_is_fine), TEST(wrong_words_are_named),
		TEST(too_many_of_a_kind), TEST(start_info_is_copied),
		TEST(bad_start_info_is_refused), TEST(memory_maps), TEST(no_two_regions_meet),
		TEST(addresses_of_the_body), TEST(any_size_of_memory), TEST(only_rings_in_the_heap),
		TEST(buffers_are_judged), TEST(heads_and_indices),
		TEST(descriptors_of_the_device_stay), TEST(used_ring_is_not_trusted),
		TEST(notifications_by_event_index), TEST(arming));
}
