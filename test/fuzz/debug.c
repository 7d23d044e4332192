/*
 * Debug files: decodes any bytes, asks everything of what is accepted, and walks a stack that is the
 * input, too. Answers must be well-formed; nothing may be read outside the input.
 */
#include <stdlib.h>
#include <string.h>

#include "host/debug/debug.h"

#define BASE	  UINT64_C(0x7f0000000000)
#define STACK	  UINT64_C(0x10000)
#define STEPS_MAX 64
#define QUESTIONS 6

struct stack {
	const uint8_t *bytes;
	size_t length;
};

static void expect(int claim)
{
	if (!claim)
		abort();
}

static bool is_text(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return length < room;
}

static bool read_stack(void *self, uint64_t address, void *to, size_t bytes)
{
	const struct stack *stack = self;
	uint64_t offset = address - STACK;

	if (address < STACK || offset > stack->length || bytes > stack->length - offset)
		return false;
	memcpy(to, stack->bytes + offset, bytes);
	return true;
}

static void ask_places(const struct debug *debug, uint64_t offset)
{
	static struct debug_place places[DEBUG_PLACES_MAX];
	unsigned count = debug_places_at(debug, offset, places, DEBUG_PLACES_MAX);
	struct debug_symbol symbol, found;

	expect(count <= DEBUG_PLACES_MAX);
	for (unsigned i = 0; i < count; i++) {
		expect(is_text(places[i].function, sizeof(places[i].function)));
		expect(is_text(places[i].line.file, sizeof(places[i].line.file)));
	}
	expect(debug_places_at(debug, offset, places, 0) == 0);
	if (!debug_function_at(debug, offset, &symbol))
		return;
	expect(symbol.start <= offset && symbol.is_function);
	expect(is_text(symbol.name, sizeof(symbol.name)));
	expect(debug_symbol_find(debug, symbol.name, &found));
}

static void ask_callers(const struct debug *debug, uint64_t offset, struct stack *stack)
{
	struct debug_registers registers = { .known = (1u << DEBUG_REGISTER_COUNT) - 1 };

	for (unsigned i = 0; i < DEBUG_RIP; i++)
		registers.value[i] = STACK + 8 * i;
	registers.value[DEBUG_RSP] = STACK;
	registers.value[DEBUG_RIP] = BASE + offset;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		uint64_t before = registers.value[DEBUG_RSP];

		if (debug_unwind(debug, BASE, &registers, i > 0, read_stack, stack) !=
			DEBUG_STEPPED)
			break;
		expect(registers.value[DEBUG_RSP] > before && registers.value[DEBUG_RIP] != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stack stack = { data, size };
	struct debug debug;
	const char *why;

	if (!debug_decode(&debug, data, size, &why)) {
		expect(why != NULL);
		return 0;
	}
	expect(why == NULL && debug.build_id_bytes <= DEBUG_BUILD_ID_MAX);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint64_t span = debug.text_end - debug.text;
		uint64_t offset = debug.text + span / QUESTIONS * i;

		ask_places(&debug, offset);
		ask_callers(&debug, offset, &stack);
	}
	return 0;
}
