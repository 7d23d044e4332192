/*
 * Frames are first collected, then shown: of a recursion that filled its stack only the ends.
 */
#include "host/crash/backtrace.h"

#include "host/crash/place.h"
#include "host/image/image.h"

#define FRAMES_MAX	4096
#define FRAMES_FIRST	24
#define FRAMES_LAST	8
#define LIKELY_MAX	12 /* frames without unwind information, in a row or in all */
#define REPEATED_SHOWN	2
#define WORDS_SEEN	512 /* on the stack, looking for one */
#define COLUMN_FUNCTION 24

struct frame {
	uint64_t address;
	bool is_call, is_likely;
};

struct trace {
	struct frame frames[FRAMES_MAX];
	unsigned count, likely;
};

static struct debug_registers registers_of(const struct crash_registers *g)
{
	return (struct debug_registers){
		.value = { g->rax, g->rdx, g->rcx, g->rbx, g->rsi, g->rdi, g->rbp, g->rsp, g->r8,
			g->r9, g->r10, g->r11, g->r12, g->r13, g->r14, g->r15, g->rip },
		.known = (1u << DEBUG_REGISTER_COUNT) - 1,
	};
}

/* Does a call instruction end at `address`? Those that compilers make: e8 rel32, ff /2. */
static bool follows_call(const struct body *body, uint64_t address)
{
	uint8_t b[7];

	if (!place_is_text(body, address - 1) ||
		!body->read(body->self, address - sizeof(b), b, sizeof(b)))
		return false;
	if (b[2] == 0xe8)
		return true;
	/* ff /2 with its operand: 2, 3, 4, 6 or 7 bytes */
	for (unsigned at = 0; at <= 5; at++)
		if (b[at] == 0xff && (b[at + 1] & 0x38) == 0x10)
			return true;
	return false;
}

/* Goes up the stack to a word that may be a return address. */
static bool step_likely(const struct body *body, struct debug_registers *registers)
{
	uint64_t at = (registers->value[DEBUG_RSP] + 7) & ~UINT64_C(7), word;

	for (unsigned i = 0; i < WORDS_SEEN; i++, at += 8) {
		if (!body->read(body->self, at, &word, sizeof(word)))
			return false;
		if (!follows_call(body, word))
			continue;
		*registers = (struct debug_registers){ .known = 1u << DEBUG_RSP | 1u << DEBUG_RIP };
		registers->value[DEBUG_RSP] = at + 8;
		registers->value[DEBUG_RIP] = word;
		return true;
	}
	return false;
}

/* Code of the host's, or no code: a call came here, and its return address is on top of the stack. */
static bool step_out_of_nowhere(const struct body *body, struct debug_registers *registers)
{
	uint64_t word;

	if (place_is_text(body, registers->value[DEBUG_RIP]) ||
		!body->read(body->self, registers->value[DEBUG_RSP], &word, sizeof(word)) ||
		!follows_call(body, word))
		return false;
	registers->value[DEBUG_RIP] = word;
	registers->value[DEBUG_RSP] += 8;
	return true;
}

static void add(struct trace *trace, uint64_t address, bool is_call, bool is_likely)
{
	if (trace->count < FRAMES_MAX)
		trace->frames[trace->count++] = (struct frame){ address, is_call, is_likely };
	if (is_likely)
		trace->likely++;
}

/* To the caller. False: that was the last frame. */
static bool step(struct trace *trace, const struct body *body, const struct debug *debug,
	struct debug_registers *registers)
{
	bool is_call = trace->count > 1;
	enum debug_step result = DEBUG_NO_RULE;

	if (!is_call && step_out_of_nowhere(body, registers)) {
		add(trace, registers->value[DEBUG_RIP], true, false);
		return true;
	}
	if (debug != NULL)
		result = debug_unwind(debug, body->boot->memory.image, registers, is_call,
			body->read, body->self);
	if (result == DEBUG_STEPPED)
		add(trace, registers->value[DEBUG_RIP], true, false);
	else if (result != DEBUG_OUTERMOST && trace->likely < LIKELY_MAX &&
		 step_likely(body, registers))
		add(trace, registers->value[DEBUG_RIP], true, true);
	else
		return false;
	return trace->count < FRAMES_MAX;
}

static void put_source(struct text *text, const struct debug_place *place)
{
	if (place->line.file[0] == '\0')
		return;
	text_put(text, " (");
	text_put(text, place->line.file);
	if (place->line.line != 0) {
		text_put(text, ":");
		text_digits(text, place->line.line, 10, 1);
	}
	text_put(text, ")");
}

static void put_names(struct text *text, const struct debug *debug, uint64_t offset, bool is_call)
{
	static struct debug_place places[DEBUG_PLACES_MAX];
	uint64_t asked = offset - (is_call ? 1 : 0);
	unsigned count = debug_places_at(debug, asked, places, DEBUG_PLACES_MAX);
	struct debug_symbol symbol;

	text_put(text, count == 0 ? "?" : "");
	for (unsigned i = 0; i < count; i++) {
		if (i > 0) {
			text_put(text, "\n");
			text_column(text, text->used, COLUMN_FUNCTION);
		}
		text_put(text, places[i].function[0] != '\0' ? places[i].function : "?");
		if (!places[i].is_inlined && debug_function_at(debug, asked, &symbol)) {
			text_put(text, "+");
			text_hex(text, offset - symbol.start);
		}
		put_source(text, &places[i]);
		text_put(text, places[i].is_inlined ? ", inlined in" : "");
	}
}

void backtrace_put_frame(struct text *text, const struct debug *debug, unsigned number,
	uint64_t offset, bool is_call, bool is_likely)
{
	size_t line = text->used;

	text_put(text, "  #");
	text_digits(text, number, 10, 1);
	text_column(text, line, 6);
	text_put(text, " image+");
	text_hex(text, offset);
	if (debug != NULL) {
		text_put(text, " ");
		text_column(text, line, COLUMN_FUNCTION);
		put_names(text, debug, offset, is_call);
	}
	text_put(text, is_likely ? "  (likely)\n" : "\n");
}

static void put_one(struct text *text, const struct body *body, const struct debug *debug,
	unsigned number, const struct frame *frame)
{
	struct place place = place_of(body, frame->address);
	size_t line = text->used;

	if (place.is_text) {
		backtrace_put_frame(text, debug, number, frame->address - body->boot->memory.image,
			frame->is_call, frame->is_likely);
		return;
	}
	text_put(text, "  #");
	text_digits(text, number, 10, 1);
	text_column(text, line, 7);
	text_hex(text, frame->address);
	text_put(text, " (");
	place_put(text, &place);
	text_put(text, ")\n");
}

static void put_more(struct text *text, unsigned count, const char *what)
{
	text_put(text, "  ...    ");
	text_count(text, count);
	text_put(text, " ");
	text_put(text, what);
	text_put(text, "\n");
}

/* How many frames after this one are the same: a recursion's. */
static unsigned repetitions(const struct trace *trace, unsigned i)
{
	unsigned next = i + 1;

	while (next < trace->count && trace->frames[next].address == trace->frames[i].address)
		next++;
	return next - i - 1;
}

void backtrace_put(struct text *text, const struct crash_report *report, const struct debug *debug)
{
	static struct trace trace; /* too large for a signal stack */
	struct debug_registers registers = registers_of(&report->registers);

	trace.count = trace.likely = 0;
	add(&trace, registers.value[DEBUG_RIP], false, false);
	while (step(&trace, &report->body, debug, &registers))
		;
	for (unsigned i = 0; i < trace.count; i++) {
		unsigned more;

		if (i >= FRAMES_FIRST && trace.count - i > FRAMES_LAST) {
			more = trace.count - FRAMES_LAST - i;
			put_more(text, more, "more frames");
			i += more;
		}
		put_one(text, &report->body, debug, i, &trace.frames[i]);
		more = repetitions(&trace, i);
		if (more > REPEATED_SHOWN)
			put_more(text, more, "frames like it");
		i += more > REPEATED_SHOWN ? more : 0;
	}
}
