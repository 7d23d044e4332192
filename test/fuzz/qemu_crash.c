/*
 * A crash in QEMU as its host reads it, from memory in which anything may be forged: a true world, made as
 * the shim makes it, in which the fuzzer then writes words. A report must come out whole and printable, or
 * none; core file and walks must end, and nothing but the machine's memory is read.
 *
 *     input   page (1) | word in it (2) | value (8), again and again
 */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/crash/core.h"
#include "host/qemu/crash.h"
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
#define CHANGES_MAX   64
#define CHANGE_BYTES  11
#define REPORT_MAX    65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct memory memory;
static uint8_t *bytes;
static struct image image;
static int report, nowhere, errors;

static void expect(bool claim)
{
	if (!claim)
		abort();
}

static void map_world(void)
{
	struct tables tables;

	tables_init(&tables, bytes, TABLES_AT, TABLES_END, true);
	tables_map(&tables, FAR + IMAGE_AT, IMAGE_AT, IMAGE_BYTES, PAGE_USER | PAGE_WRITE, false);
	tables_map(&tables, FAR + BOOT_AT, BOOT_AT, 5 * PAGE_BYTES, PAGE_USER, false);
	tables_map(&tables, FAR + STACK_AT, STACK_AT, STACK_SIZE, PAGE_USER | PAGE_WRITE, false);
	tables_map(&tables, FAR + HEAP_AT, HEAP_AT, LARGE_BYTES, PAGE_USER | PAGE_WRITE, true);
	tables_map_window(&tables, WINDOW_AT, HEAP_AT, STACK_SIZE, 8, PAGE_USER | PAGE_WRITE);
	expect(!tables.is_full);
}

static void make_boot(void)
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
static void make_crash(void)
{
	struct shim_frame *frame = (struct shim_frame *)(void *)(bytes + FRAME_AT);
	const uint64_t cpu[] = { 4, FAR + IMAGE_AT + 64, 0x2b, 2, FAR + STACK_AT + 4096, 0x23 };

	*(struct shim_state *)(void *)(bytes + SHIM_STATE_AT) = (struct shim_state){
		.tables = TABLES_AT, .boot_info = FAR + BOOT_AT, .frame = FRAME_AT
	};
	frame->vector = 14;
	memcpy(frame->cpu, cpu, sizeof(cpu));
}

static void make_image(void)
{
	image.span_bytes = IMAGE_BYTES;
	image.regions[0] = (struct image_region){ 0, 4096, IMAGE_READ | IMAGE_EXECUTE, false };
	image.regions[1] =
		(struct image_region){ 4096, IMAGE_BYTES - 4096, IMAGE_READ | IMAGE_WRITE, false };
	image.region_count = 2;
	image.insides[0] = (struct image_inside){ INSIDE_LOG, 4096, sizeof(struct inside_log) };
	image.insides[1] = (struct image_inside){ INSIDE_FIBERS, 0x3000, 16 };
	image.inside_count = 2;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	expect(memory_make(&memory, MACHINE_BYTES));
	bytes = mmap(NULL, MACHINE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
	expect(bytes != MAP_FAILED);
	make_image();
	map_world();
	make_boot();
	make_crash();
	report = memfd_create("report", MFD_CLOEXEC);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	expect(report >= 0 && nowhere >= 0 && errors >= 0);
	__sanitizer_set_report_fd((void *)(intptr_t)errors);
	return 0;
}

struct change {
	uint64_t *at, old;
};

/* Writes a word; what was there is put back by the caller, in reverse. */
static struct change forge(const uint8_t *data)
{
	static const uint64_t pages[] = { SHIM_STATE_AT, FRAME_AT, BOOT_AT, BOOT_AT + 4096,
		TABLES_AT, TABLES_AT + 0x1000, TABLES_AT + 0x2000, TABLES_AT + 0x3000,
		TABLES_AT + 0x4000, IMAGE_AT, IMAGE_AT + 0x1000, IMAGE_AT + 0x3000,
		STACK_AT + 0x1000, HEAP_AT + 0x3000 };
	uint64_t page = pages[data[0] % (sizeof(pages) / sizeof(pages[0]))];
	uint64_t word = (data[1] | (uint64_t)data[2] << 8) % (PAGE_BYTES / 8);
	struct change change = { (uint64_t *)(void *)(bytes + page) + word, 0 };

	change.old = *change.at;
	memcpy(change.at, data + 3, sizeof(*change.at));
	return change;
}

static void check_report(bool is_told)
{
	static char text[REPORT_MAX];
	ssize_t length = pread(report, text, sizeof(text), 0);

	expect(length >= 0 && (size_t)length < sizeof(text) && is_told == (length > 0));
	for (ssize_t i = 0; i < length; i++)
		expect(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run_config config = { .name = "fuzz" };
	struct core_file core = { "core", nowhere };
	struct change changes[CHANGES_MAX];
	unsigned count = 0;
	bool is_told;

	config.core = &core;
	for (; size >= CHANGE_BYTES && count < CHANGES_MAX;
		data += CHANGE_BYTES, size -= CHANGE_BYTES)
		changes[count++] = forge(data);
	expect(ftruncate(report, 0) == 0 && lseek(report, 0, SEEK_SET) == 0);
	dup2(report, STDERR_FILENO);
	is_told = crash_tell(&memory, &config, &image);
	dup2(errors, STDERR_FILENO);
	check_report(is_told);
	expect(count > 0 || is_told);
	while (count > 0) {
		count--;
		*changes[count].at = changes[count].old;
	}
	return 0;
}
