/*
 * The report is put together in one buffer and written at once. First the place of every address is
 * found (struct place), then the cause is a sentence about the access and its place.
 */
#include "host/crash_report.h"

#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/image/image.h"
#include "host/report.h"

#define TEXT_BYTES	  6144
#define WHY_BYTES	  1024
#define PAGE_BYTES	  UINT64_C(4096)
#define STACK_WORDS_SEEN  512
#define STACK_WORDS_SHOWN 12

enum vector {
	VECTOR_DIVIDE = 0,
	VECTOR_DEBUG = 1,
	VECTOR_BREAKPOINT = 3,
	VECTOR_INVALID = 6,
	VECTOR_STACK = 12,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE = 14,
	VECTOR_X87 = 16,
	VECTOR_ALIGNMENT = 17,
	VECTOR_SIMD = 19,
};

/* Of a page fault's error code. */
enum { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_EXECUTE = 16 };

struct text {
	char bytes[TEXT_BYTES];
	size_t used;
};

static void put(struct text *text, const char *words)
{
	while (*words != '\0' && text->used < sizeof(text->bytes) - 1)
		text->bytes[text->used++] = *words++;
}

static void put_digits(struct text *text, uint64_t value, unsigned base, unsigned least)
{
	char digits[24];
	unsigned n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0 || sizeof(digits) - 1 - n < least);
	put(text, digits + n);
}

static void put_hex(struct text *text, uint64_t value)
{
	put(text, "0x");
	put_digits(text, value, 16, 1);
}

/* Foreign words: nothing that a terminal would obey. */
static void put_foreign(struct text *text, const char *words, size_t length)
{
	char one[2] = { 0 };

	for (size_t i = 0; i < length && i < WHY_BYTES && words[i] != '\0'; i++) {
		one[0] = words[i] >= ' ' && words[i] <= '~' ? words[i] : '?';
		if (words[i] != '\n' || i + 1 < length)
			put(text, words[i] == '\n' ? "\n  " : one);
	}
}

/* Where an address lies: in words, and what else follows from it. */
struct place {
	const char *name;
	bool is_image, is_guard, has_index;
	uint64_t index; /* of the fiber stack */
};

static bool is_within(uint64_t address, uint64_t start, uint64_t bytes)
{
	return address >= start && address - start < bytes;
}

static struct place place_in_image(const struct crash_report *r, uint64_t address)
{
	uint64_t offset = address - r->boot->memory.image;

	for (unsigned i = 0; i < r->image->region_count; i++) {
		const struct image_region *region = &r->image->regions[i];

		if (!is_within(offset, region->virtual, region->bytes))
			continue;
		if ((region->rights & IMAGE_EXECUTE) != 0)
			return (struct place){ .name = "image text", .is_image = true };
		if ((region->rights & IMAGE_WRITE) != 0)
			return (struct place){ .name = "image data", .is_image = true };
		return (struct place){ .name = region->is_relro ? "sealed image data"
								: "image constants",
			.is_image = true };
	}
	return (struct place){ .name = "a hole of the image", .is_image = true };
}

/* Where boot info is for the body: in a VM two pages before the host's page. */
static uint64_t boot_address(const struct boot_info *boot)
{
	return boot->target == BOOT_PROCESS ? (uint64_t)boot : boot->host_page - 2 * PAGE_BYTES;
}

static struct place place_of(const struct crash_report *r, uint64_t address)
{
	const struct boot_memory *m = &r->boot->memory;
	uint64_t pitch = m->stack_bytes + PAGE_BYTES;

	if (address < PAGE_BYTES)
		return (struct place){ .name = "NULL" };
	if (is_within(address, m->image, m->image_bytes))
		return place_in_image(r, address);
	if (is_within(address, m->main_stack, m->main_stack_bytes))
		return (struct place){ .name = "the main stack" };
	if (is_within(address, m->main_stack - PAGE_BYTES, PAGE_BYTES))
		return (struct place){ .name = "the main stack", .is_guard = true };
	if (is_within(address, m->heap, m->heap_bytes))
		return (struct place){ .name = "the heap" };
	if (m->stacks != 0 && is_within(address, m->stacks, m->stack_count * pitch))
		return (struct place){ .name = "fiber stack",
			.has_index = true,
			.index = (address - m->stacks) / pitch,
			.is_guard = (address - m->stacks) % pitch < PAGE_BYTES };
	if (is_within(address, boot_address(r->boot), 2 * PAGE_BYTES))
		return (struct place){ .name = "boot information" };
	if (is_within(address, r->boot->host_page, PAGE_BYTES))
		return (struct place){ .name = "the host's page" };
	if (address / PAGE_BYTES == (r->boot->call | r->boot->syscall) / PAGE_BYTES)
		return (struct place){ .name = "the call stub" };
	for (unsigned i = 0; i < r->boot->blob_count && i < BOOT_BLOBS_MAX; i++)
		if (is_within(address, r->boot->blobs[i].address, r->boot->blobs[i].length))
			return (struct place){ .name = "a file of the user's" };
	return (struct place){ .name = "no known memory" };
}

static void put_place(struct text *text, const struct place *place)
{
	put(text, place->name);
	if (place->has_index) {
		put(text, " ");
		put_digits(text, place->index, 10, 1);
	}
}

static void put_page_fault(struct text *text, const struct crash_report *r)
{
	struct place place = place_of(r, r->address);
	bool is_present = (r->error_code & FAULT_PRESENT) != 0;

	if (place.is_guard) {
		put(text, "stack overflow of ");
		put_place(text, &place);
		return;
	}
	if ((r->error_code & FAULT_EXECUTE) != 0)
		put(text, is_present ? "execution of non-executable memory: " : "jump to ");
	else if ((r->error_code & FAULT_WRITE) != 0)
		put(text, is_present ? "write to read-only " : "write to unmapped memory: ");
	else
		put(text, is_present ? "read of forbidden " : "read of unmapped memory: ");
	put_place(text, &place);
}

static const char *name_of(int vector)
{
	switch (vector) {
	case VECTOR_DIVIDE:
		return "division by zero or overflow";
	case VECTOR_DEBUG:
		return "debug trap";
	case VECTOR_BREAKPOINT:
		return "breakpoint instruction";
	case VECTOR_INVALID:
		return "a check in the code failed (bounds, overflow, call target) or an invalid "
		       "instruction";
	case VECTOR_STACK:
		return "stack access at a non-canonical address";
	case VECTOR_PROTECTION:
		return "privileged instruction, or access at a non-canonical address";
	case VECTOR_X87:
	case VECTOR_SIMD:
		return "floating-point exception";
	case VECTOR_ALIGNMENT:
		return "unaligned access";
	default:
		return "exception";
	}
}

static void put_cause(struct text *text, const struct crash_report *r)
{
	if (r->why != NULL) {
		put_foreign(text, r->why, r->why_length);
	} else if (r->vector == VECTOR_PAGE) {
		put_page_fault(text, r);
	} else {
		put(text, name_of(r->vector));
		put(text, " (vector ");
		put_digits(text, (uint64_t)(r->vector & 0xff), 10, 1);
		put(text, ")");
	}
}

static void put_address(
	struct text *text, const struct crash_report *r, const char *label, uint64_t address)
{
	struct place place = place_of(r, address);

	put(text, "  ");
	put(text, label);
	put_hex(text, address);
	if (place.is_image) {
		put(text, ", image+");
		put_hex(text, address - r->boot->memory.image);
	}
	put(text, " (");
	put(text, place.is_guard ? "guard page of " : "");
	put_place(text, &place);
	put(text, ")\n");
}

static void put_registers(struct text *text, const struct crash_registers *g)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "rax", g->rax },
		{ "rbx", g->rbx },
		{ "rcx", g->rcx },
		{ "rdx", g->rdx },
		{ "rsi", g->rsi },
		{ "rdi", g->rdi },
		{ "rbp", g->rbp },
		{ "rsp", g->rsp },
		{ "r8 ", g->r8 },
		{ "r9 ", g->r9 },
		{ "r10", g->r10 },
		{ "r11", g->r11 },
		{ "r12", g->r12 },
		{ "r13", g->r13 },
		{ "r14", g->r14 },
		{ "r15", g->r15 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(text, "  ");
		put(text, rows[i].name);
		put(text, " ");
		put_digits(text, rows[i].value, 16, 16);
		put(text, i % 4 == 3 ? "\n" : "");
	}
}

/* Words on the stack that point into the text: return addresses, mostly. */
static void put_stack(struct text *text, const struct crash_report *r)
{
	uint64_t address = r->registers.rsp & ~UINT64_C(7), word;
	unsigned shown = 0;

	for (unsigned i = 0; i < STACK_WORDS_SEEN && shown < STACK_WORDS_SHOWN; i++, address += 8) {
		struct place place;

		if (!r->read_word(r->self, address, &word))
			break;
		place = place_of(r, word);
		if (!place.is_image || strcmp(place.name, "image text") != 0)
			continue;
		put(text, shown == 0 ? "  called by (likely)" : "");
		put(text, shown % 6 == 0 && shown > 0 ? "\n                    " : "");
		put(text, " image+");
		put_hex(text, word - r->boot->memory.image);
		shown++;
	}
	put(text, shown > 0 ? "\n" : "");
}

int crash_report_print(const struct crash_report *r)
{
	static struct text text; /* too large for a signal stack; a process crashes once */
	const size_t length = strlen(CRASH_OUT_OF_MEMORY);
	bool is_memory = r->why != NULL && r->why_length >= length &&
			 memcmp(r->why, CRASH_OUT_OF_MEMORY, length) == 0;

	text.used = 0;
	put(&text, "diatom: ");
	put(&text, r->name);
	put(&text, is_memory ? " ended: " : " crashed: ");
	put_cause(&text, r);
	put(&text, "\n");
	if (is_memory)
		put(&text, "  give it more:  --mem MIB\n");
	if (r->vector == VECTOR_PAGE && r->why == NULL)
		put_address(&text, r, "address ", r->address);
	put_address(&text, r, "at      ", r->registers.rip);
	put_registers(&text, &r->registers);
	if (r->read_word != NULL)
		put_stack(&text, r);
	report_write(STDERR_FILENO, text.bytes, text.used);
	return is_memory ? EXIT_OUT_OF_MEMORY : EXIT_CRASHED;
}
