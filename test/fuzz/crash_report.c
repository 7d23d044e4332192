/*
 * Crash reports of a hostile body: its image data, stacks and heap are the fuzzer's, and so are its
 * registers. A report must come out whole and printable, walks must end, nothing outside the body may
 * be read.
 *
 *     input   registers | image data: log ring, fibers | main stack | fiber stacks | heap
 *
 * No debug file here: test/fuzz/debug.c has those.
 */
#include <stdlib.h>
#include <string.h>

#include "host/body/fibers.h"
#include "host/crash/backtrace.h"
#include "host/crash/cause.h"
#include "host/crash/core_notes.h"
#include "host/crash/place.h"
#include "host/image/image.h"

#define IMAGE_AT	UINT64_C(0x100000000)
#define DATA_BYTES	8192
#define TEXT_BYTES_HERE 4096
#define STACK_AT	UINT64_C(0x200000000)
#define STACKS_AT	UINT64_C(0x300000000)
#define HEAP_AT		UINT64_C(0x400000000)
#define STACK_SIZE	4096
#define STACK_COUNT	4
#define LOG_AT		0
#define FIBERS_AT	4096

static struct {
	uint8_t text[TEXT_BYTES_HERE], data[DATA_BYTES], stack[STACK_SIZE];
	uint8_t stacks[STACK_COUNT][STACK_SIZE], heap[STACK_SIZE];
} memory;

static const struct {
	uint64_t at;
	uint8_t *bytes;
	size_t length;
} regions[] = {
	{ IMAGE_AT, memory.text, sizeof(memory.text) },
	{ IMAGE_AT + TEXT_BYTES_HERE, memory.data, sizeof(memory.data) },
	{ STACK_AT, memory.stack, sizeof(memory.stack) },
	{ STACKS_AT + 4096, memory.stacks[0], STACK_SIZE },
	{ STACKS_AT + 3 * 4096, memory.stacks[1], STACK_SIZE },
	{ STACKS_AT + 5 * 4096, memory.stacks[2], STACK_SIZE },
	{ STACKS_AT + 7 * 4096, memory.stacks[3], STACK_SIZE },
	{ HEAP_AT, memory.heap, sizeof(memory.heap) },
};

static void expect(int claim)
{
	if (!claim)
		abort();
}

static bool read_body(void *self, uint64_t address, void *to, size_t bytes)
{
	for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		uint64_t offset = address - regions[i].at;

		if (address < regions[i].at || offset > regions[i].length ||
			bytes > regions[i].length - offset)
			continue;
		memcpy(to, regions[i].bytes + offset, bytes);
		return true;
	}
	return false;
}

static void fill_memory(const uint8_t *data, size_t size)
{
	memset(&memory, 0, sizeof(memory));
	/* Calls everywhere, so that any word that points into the text may be a return address. */
	memset(memory.text, 0xe8, sizeof(memory.text));
	if (size > sizeof(memory) - sizeof(memory.text))
		size = sizeof(memory) - sizeof(memory.text);
	memcpy(memory.data, data, size);
}

static void make_image(struct image *image)
{
	static const uint64_t log_bytes = sizeof(struct inside_log);

	memset(image, 0, sizeof(*image));
	image->span_bytes = TEXT_BYTES_HERE + DATA_BYTES;
	image->regions[0] =
		(struct image_region){ 0, TEXT_BYTES_HERE, IMAGE_READ | IMAGE_EXECUTE, false };
	image->regions[1] = (struct image_region){ TEXT_BYTES_HERE, DATA_BYTES,
		IMAGE_READ | IMAGE_WRITE, false };
	image->region_count = 2;
	image->insides[0] = (struct image_inside){ "log", TEXT_BYTES_HERE + LOG_AT, log_bytes };
	image->insides[1] = (struct image_inside){ "fibers", TEXT_BYTES_HERE + FIBERS_AT, 16 };
	image->inside_count = 2;
}

static void make_boot(struct boot_info *boot)
{
	memset(boot, 0, sizeof(*boot));
	boot->target = BOOT_MONITOR;
	boot->host_page = UINT64_C(0x500002000);
	boot->memory = (struct boot_memory){ .heap = HEAP_AT,
		.heap_bytes = sizeof(memory.heap),
		.image = IMAGE_AT,
		.image_bytes = TEXT_BYTES_HERE + DATA_BYTES,
		.stacks = STACKS_AT,
		.stack_bytes = STACK_SIZE,
		.stack_count = STACK_COUNT,
		.main_stack = STACK_AT,
		.main_stack_bytes = sizeof(memory.stack) };
}

static void check_fibers(const struct body *body)
{
	struct body_fibers walk = { 0 };
	struct debug_registers registers;
	struct body_fiber fiber;
	unsigned count = 0;

	while (body_fiber_next(body, &walk, &fiber)) {
		expect(++count <= STACK_COUNT + 1);
		expect(strnlen(fiber.name, sizeof(fiber.name)) < sizeof(fiber.name));
		expect(fiber.bytes == STACK_SIZE);
		body_fiber_registers(body, &fiber, &registers);
	}
	expect(!body_fiber_next(body, &walk, &fiber));
}

static void check_text(const struct text *text)
{
	for (size_t i = 0; i < text->used; i++)
		expect(text->bytes[i] == '\n' || (text->bytes[i] >= ' ' && text->bytes[i] <= '~'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char lines[INSIDE_LINES][BODY_LINE_BYTES];
	static struct core_out out;
	static struct image image;
	static struct boot_info boot;
	static struct text text;
	struct crash_report report = { .name = "fuzz", .vector = CAUSE_PAGE_FAULT };
	size_t used = size < sizeof(report.registers) ? size : sizeof(report.registers);

	memcpy(&report.registers, data, used);
	fill_memory(data + used, size - used);
	make_image(&image);
	make_boot(&boot);
	report.body = (struct body){ &image, &boot, read_body, NULL };
	report.address = report.registers.rax;
	report.error_code = report.registers.rbx;
	check_fibers(&report.body);
	for (unsigned i = 0, count = body_log(&report.body, lines); i < count; i++)
		expect(strnlen(lines[i], BODY_LINE_BYTES) < BODY_LINE_BYTES);
	text.used = 0;
	cause_put(&text, &report, NULL);
	backtrace_put(&text, &report, NULL);
	check_text(&text);
	out = (struct core_out){ .fd = -1 };
	core_notes_put(&out, &report);
	expect(out.total >= 336 && out.total < (STACK_COUNT + 2) * 360 + 600);
	return 0;
}
