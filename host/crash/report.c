/*
 * The report is put together in one buffer and written at once.
 */
#include "host/crash/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/body/fibers.h"
#include "host/crash/backtrace.h"
#include "host/crash/cause.h"
#include "host/crash/core.h"
#include "host/crash/place.h"
#include "host/crash/text.h"
#include "host/image/image.h"
#include "host/report.h"

#define PAGE_BYTES UINT64_C(4096)

static void put_address(
	struct text *text, const struct crash_report *r, const char *label, uint64_t address)
{
	struct place place = place_of(&r->body, address);

	text_put(text, "  ");
	text_put(text, label);
	text_hex(text, address);
	if (place.is_image) {
		text_put(text, ", image+");
		text_hex(text, address - r->body.boot->memory.image);
	}
	text_put(text, " (");
	text_put(text, place.is_guard ? "guard page of " : "");
	place_put(text, &place);
	text_put(text, ")\n");
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
		text_put(text, "  ");
		text_put(text, rows[i].name);
		text_put(text, " ");
		text_digits(text, rows[i].value, 16, 16);
		text_put(text, i % 4 == 3 ? "\n" : "");
	}
}

static void put_other_fibers(struct text *text, const struct crash_report *r)
{
	struct body_fibers walk = { 0 };
	struct body_fiber fiber;
	uint64_t count = 0;

	while (body_fiber_next(&r->body, &walk, &fiber))
		count += fiber.is_running ? 0 : 1;
	if (count == 0)
		return;
	text_put(text, "; ");
	text_count(text, count);
	text_put(text, count == 1 ? " other fiber" : " other fibers");
}

/* Who ran, and how much of its stack is in use. */
static void put_fiber(struct text *text, const struct crash_report *r)
{
	uint64_t rsp = r->registers.rsp, top;
	struct body_fiber fiber;

	if (!body_fiber_running(&r->body, &fiber)) {
		text_put(text, "  fiber   its record is damaged\n");
		return;
	}
	top = fiber.low + fiber.bytes;
	text_put(text, "  fiber   \"");
	text_put(text, fiber.name);
	text_put(text, "\" on ");
	if (fiber.stack == INSIDE_STACK_NONE) {
		text_put(text, "the main stack");
	} else {
		text_put(text, "fiber stack ");
		text_digits(text, fiber.stack, 10, 1);
	}
	if (rsp >= fiber.low && rsp <= top) {
		text_put(text, ", ");
		text_count(text, top - rsp);
		text_put(text, " of ");
		text_count(text, fiber.bytes);
		text_put(text, " bytes in use");
	} else if (rsp < fiber.low && fiber.low - rsp <= PAGE_BYTES) {
		text_put(text, ", all ");
		text_count(text, fiber.bytes);
		text_put(text, " bytes in use");
	} else {
		text_put(text, ", but the stack pointer is not in it");
	}
	put_other_fibers(text, r);
	text_put(text, "\n");
}

static void put_log(struct text *text, const struct crash_report *r)
{
	static char lines[INSIDE_LINES][BODY_LINE_BYTES];
	unsigned count = body_log(&r->body, lines);

	for (unsigned i = 0; i < count; i++) {
		text_put(text, i == 0 ? "  log     " : "          ");
		text_put(text, lines[i]);
		text_put(text, "\n");
	}
}

/* Which build it was, and why the places above have no names. */
static void put_build(struct text *text, const struct crash_report *r, bool has_debug)
{
	const struct image *image = r->body.image;

	if (r->debug != NULL && r->debug->why[0] != '\0') {
		text_put(text, "  debug   ");
		text_put(text, r->name);
		text_put(text, ".debug is not used: ");
		text_put(text, r->debug->why);
		text_put(text, "\n");
	}
	if (image->build_id_bytes == 0)
		return;
	text_put(text, "  build   ");
	for (unsigned i = 0; i < image->build_id_bytes; i++)
		text_digits(text, image->build_id[i], 16, 2);
	if (!has_debug)
		text_put(text, "\n          its debug file names these places:  "
			       "diatom symbolize IMAGE.debug < REPORT");
	text_put(text, "\n");
}

static void put_report(struct text *text, const struct crash_report *r, bool has_debug)
{
	text_put(text, "diatom: ");
	text_put(text, r->name);
	text_put(text, cause_is_memory(r) ? " ended: " : " crashed: ");
	cause_put(text, r, has_debug ? &r->debug->debug : NULL);
	text_put(text, "\n");
	if (cause_is_memory(r))
		text_put(text, "  give it more:  --mem MIB\n");
	if (r->vector == CAUSE_PAGE_FAULT && r->why == NULL)
		put_address(text, r, "address ", r->address);
	put_address(text, r, "at      ", r->registers.rip);
	put_registers(text, &r->registers);
	put_fiber(text, r);
	backtrace_put(text, r, has_debug ? &r->debug->debug : NULL);
	put_log(text, r);
	put_build(text, r, has_debug);
}

int crash_report_print(const struct crash_report *r)
{
	static struct text text; /* too large for a signal stack; a process crashes once */
	bool has_debug = r->debug != NULL && debug_file_read(r->debug, r->body.image);

	text.used = 0;
	put_report(&text, r, has_debug);
	report_write(STDERR_FILENO, text.bytes, text.used);
	if (r->core != NULL)
		core_write(r->core, r);
	return cause_is_memory(r) ? EXIT_OUT_OF_MEMORY : EXIT_CRASHED;
}
