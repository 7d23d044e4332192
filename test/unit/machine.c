/*
 * What host/qemu reads in a machine's memory: the body's pages by the shim's tables, and boot info claim by
 * claim.
 */
#include <stddef.h>

#include "test/check.h"
#include "test/machine.h"

static struct memory memory;
static struct image image;
static struct world world;
static uint8_t *bytes;

static uint64_t *word_at(uint64_t physical)
{
	return (uint64_t *)(void *)(bytes + physical);
}

static void reads_the_bodys_pages(void)
{
	static const struct {
		const char *what;
		uint64_t address, length;
		bool is_read;
	} rows[] = {
		{ "image", FAR + IMAGE_AT, 8, true },
		{ "over a page's end", FAR + IMAGE_AT + 4090, 12, true },
		{ "to the image's end", FAR + IMAGE_AT + IMAGE_BYTES - 8, 8, true },
		{ "over the image's end", FAR + IMAGE_AT + IMAGE_BYTES - 8, 9, false },
		{ "heap, a large page", FAR + HEAP_AT + LARGE_BYTES - 8, 8, true },
		{ "a fiber's stack", WINDOW_AT + PAGE_BYTES, STACK_SIZE, true },
		{ "the page below it", WINDOW_AT, 1, false },
		{ "nothing", 0, 1, false },
		{ "physical memory as it is", IMAGE_AT, 1, false },
		{ "the upper half", UINT64_C(0xffff800000000000), 1, false },
		{ "the last bytes of all", UINT64_MAX - 3, 8, false },
	};
	static uint8_t to[STACK_SIZE];

	CHECK(world_read(&world, &memory, &image));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (memory_read_body(&memory, rows[i].address, to, rows[i].length) !=
			rows[i].is_read)
			CHECK_FAIL("%s: read %d", rows[i].what, !rows[i].is_read);
}

static void keeps_to_ring_3(void)
{
	uint64_t *root = word_at(TABLES_AT + ((FAR >> 39) & 511) * 8), old = *root, word;

	CHECK(world_read(&world, &memory, &image));
	*root &= ~ENTRY_USER;
	memory.page_bytes = 0;
	CHECK(!memory_read_body(&memory, FAR + HEAP_AT, &word, sizeof(word)));
	*root = (old & ~ENTRY_ADDRESS) | MACHINE_BYTES; /* beyond memory */
	CHECK(!memory_read_body(&memory, FAR + HEAP_AT, &word, sizeof(word)));
	*root = old;
	CHECK(memory_read_body(&memory, FAR + HEAP_AT, &word, sizeof(word)));
}

#define CLAIM(field, value) { #field, offsetof(struct boot_info, field), value }

static void refuses_what_cannot_be(void)
{
	static const struct {
		const char *what;
		size_t at;
		uint64_t value;
	} rows[] = {
		{ "magic and version", 0, 0 },
		{ "size and target", offsetof(struct boot_info, bytes),
			(uint64_t)BOOT_MONITOR << 32 },
		CLAIM(call, FAR),
		CLAIM(syscall, 1),
		CLAIM(host_page, 0),
		CLAIM(memory.heap, 1),
		CLAIM(memory.heap, UINT64_C(0xffffffffffe00000)),
		CLAIM(memory.heap_bytes, UINT64_C(1) << 46),
		CLAIM(memory.heap_bytes, 1),
		CLAIM(memory.image, 0),
		CLAIM(memory.image_bytes, IMAGE_BYTES + 2 * PAGE_BYTES),
		CLAIM(memory.stacks, 0),
		CLAIM(memory.stack_bytes, 0),
		CLAIM(memory.stack_bytes, -PAGE_BYTES),
		CLAIM(memory.stack_count, UINT64_C(1) << 40),
		CLAIM(memory.main_stack, 0),
		CLAIM(memory.main_stack_bytes, MACHINE_BYTES + PAGE_BYTES),
		{ "65 arguments", offsetof(struct boot_info, argument_count), 65 },
		{ "17 devices", offsetof(struct boot_info, argument_count), UINT64_C(17) << 32 },
		{ "9 files", offsetof(struct boot_info, blob_count), 9 },
		CLAIM(arguments[0], FAR),
		CLAIM(arguments[0], FAR + BOOT_AT + 8 * PAGE_BYTES),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t *claim = word_at(BOOT_AT + rows[i].at), old = *claim;

		*claim = rows[i].value;
		if (world_read(&world, &memory, &image))
			CHECK_FAIL("%s: %#llx is believed", rows[i].what,
				(unsigned long long)rows[i].value);
		*claim = old;
	}
	CHECK(world_read(&world, &memory, &image));
}

static void reads_how_the_body_stopped(void)
{
	struct shim_frame *frame = (struct shim_frame *)(void *)(bytes + FRAME_AT);
	struct shim_state *state = (struct shim_state *)(void *)(bytes + SHIM_STATE_AT);
	struct world_stop stop;

	CHECK(world_read(&world, &memory, &image) && world_read_stop(&world, &memory, &stop));
	CHECK_EQUAL(stop.vector, 14);
	CHECK_EQUAL(stop.error_code, 4);
	CHECK_EQUAL(stop.registers.rip, FAR + IMAGE_AT + 64);
	CHECK_EQUAL(stop.registers.rsp, FAR + STACK_AT + 4096);
	frame->vector = 6; /* without an error code: the frame begins a word earlier */
	CHECK(!world_read_stop(&world, &memory, &stop));
	frame->vector = 14;
	frame->cpu[2] = 8; /* the shim itself */
	CHECK(!world_read_stop(&world, &memory, &stop));
	frame->cpu[2] = 0x2b;
	state->frame = MACHINE_BYTES - 64;
	CHECK(world_read(&world, &memory, &image) && !world_read_stop(&world, &memory, &stop));
	state->frame = FRAME_AT;
}

int main(void)
{
	bytes = machine_make(&memory, &image);
	if (bytes == NULL)
		return 1;
	return RUN(TEST(reads_the_bodys_pages), TEST(keeps_to_ring_3), TEST(refuses_what_cannot_be),
		TEST(reads_how_the_body_stopped));
}
