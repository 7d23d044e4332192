/*
 * A machine of QEMU's after a crash, as its memory shows it: a true world, made by what makes the shim's
 * (world/tables.h), with a page fault of the body's. For tests that then forge what they like.
 */
#ifndef DIATOM_TEST_MACHINE_H
#define DIATOM_TEST_MACHINE_H

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "host/qemu/world.h"
#include "world/tables.h"

#define MACHINE_BYTES UINT64_C(0x600000)
#define IMAGE_AT      UINT64_C(0x200000) /* physical, as the rest here */
#define IMAGE_BYTES   UINT64_C(0x8000)
#define BOOT_AT	      UINT64_C(0x220000)
#define STACK_AT      UINT64_C(0x230000)
#define STACK_SIZE    UINT64_C(0x4000)
#define FRAME_AT      UINT64_C(0x118000)
#define TABLES_AT     UINT64_C(0x300000)
#define TABLES_END    UINT64_C(0x320000)
#define HEAP_AT	      UINT64_C(0x400000)
#define FAR	      UINT64_C(0x5550000000) /* body's address = FAR + physical */
#define WINDOW_AT     UINT64_C(0x7770000000)

static inline bool map_world(uint8_t *bytes)
{
	struct tables tables;

	tables_init(&tables, bytes, TABLES_AT, TABLES_END, true);
	tables_map(&tables, FAR + IMAGE_AT, IMAGE_AT, IMAGE_BYTES, PAGE_USER | PAGE_WRITE, false);
	tables_map(&tables, FAR + BOOT_AT, BOOT_AT, 5 * PAGE_BYTES, PAGE_USER, false);
	tables_map(&tables, FAR + STACK_AT, STACK_AT, STACK_SIZE, PAGE_USER | PAGE_WRITE, false);
	tables_map(&tables, FAR + HEAP_AT, HEAP_AT, LARGE_BYTES, PAGE_USER | PAGE_WRITE, true);
	tables_map_window(&tables, WINDOW_AT, HEAP_AT, STACK_SIZE, 8, PAGE_USER | PAGE_WRITE);
	return !tables.is_full;
}

static inline void make_boot(uint8_t *bytes)
{
	*(struct boot_info *)(void *)(bytes + BOOT_AT) = (struct boot_info){
		.magic = BOOT_MAGIC,
		.version = BOOT_VERSION,
		.target = BOOT_SHIM,
		.call = FAR + BOOT_AT + 3 * PAGE_BYTES,
		.host_page = FAR + BOOT_AT + 2 * PAGE_BYTES,
		.memory = { .heap = FAR + HEAP_AT,
			.heap_bytes = LARGE_BYTES,
			.image = FAR + IMAGE_AT,
			.image_bytes = IMAGE_BYTES,
			.stacks = WINDOW_AT,
			.stack_bytes = STACK_SIZE,
			.stack_count = 8,
			.main_stack = FAR + STACK_AT,
			.main_stack_bytes = STACK_SIZE },
		.argument_count = 1,
		.arguments = { FAR + BOOT_AT + 4 * PAGE_BYTES },
	};
}

/* A page fault in the image's text, on the main stack. */
static inline void make_crash(uint8_t *bytes)
{
	struct shim_frame *frame = (struct shim_frame *)(void *)(bytes + FRAME_AT);
	const uint64_t cpu[] = { 4, FAR + IMAGE_AT + 64, 0x2b, 2, FAR + STACK_AT + 4096, 0x23 };

	*(struct shim_state *)(void *)(bytes + SHIM_STATE_AT) = (struct shim_state){
		.tables = TABLES_AT, .boot_info = FAR + BOOT_AT, .frame = FRAME_AT
	};
	frame->vector = 14;
	memcpy(frame->cpu, cpu, sizeof(cpu));
}

static inline void make_image(struct image *image)
{
	image->span_bytes = IMAGE_BYTES;
	image->regions[0] = (struct image_region){ 0, 4096, IMAGE_READ | IMAGE_EXECUTE, false };
	image->regions[1] =
		(struct image_region){ 4096, IMAGE_BYTES - 4096, IMAGE_READ | IMAGE_WRITE, false };
	image->region_count = 2;
	image->insides[0] = (struct image_inside){ INSIDE_LOG, 4096, sizeof(struct inside_log) };
	image->insides[1] = (struct image_inside){ INSIDE_FIBERS, 0x3000, 16 };
	image->inside_count = 2;
}

/* The machine's bytes, mapped; NULL: this host lacks something. */
static inline uint8_t *machine_make(struct memory *memory, struct image *image)
{
	uint8_t *bytes;

	if (!memory_make(memory, MACHINE_BYTES))
		return NULL;
	bytes = mmap(NULL, MACHINE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (bytes == MAP_FAILED || !map_world(bytes))
		return NULL;
	make_image(image);
	make_boot(bytes);
	make_crash(bytes);
	return bytes;
}

#endif
