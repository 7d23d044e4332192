/*
 * First the place of the address is found, then the cause is a sentence about the access and its place.
 */
#include "host/crash/cause.h"

#include <string.h>

#include "abi/call.h"
#include "host/crash/place.h"

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

static void put_page_fault(struct text *text, const struct crash_report *r)
{
	struct place place = place_of(&r->body, r->address);
	bool is_present = (r->error_code & FAULT_PRESENT) != 0;

	if (place.is_guard) {
		text_put(text, "stack overflow of ");
		place_put(text, &place);
		return;
	}
	if ((r->error_code & FAULT_EXECUTE) != 0)
		text_put(text, is_present ? "execution of non-executable memory: " : "jump to ");
	else if ((r->error_code & FAULT_WRITE) != 0)
		text_put(text, is_present ? "write to read-only " : "write to unmapped memory: ");
	else
		text_put(text, is_present ? "read of forbidden " : "read of unmapped memory: ");
	place_put(text, &place);
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

/* The compiler's stack protector ends like any other crash; only the function's name tells. */
static bool is_stack_protector(const struct crash_report *r, const struct debug *debug)
{
	static struct debug_place places[DEBUG_PLACES_MAX];
	uint64_t offset = r->registers.rip - r->body.boot->memory.image;
	unsigned count =
		debug == NULL ? 0 : debug_places_at(debug, offset, places, DEBUG_PLACES_MAX);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(places[i].function, "__stack_chk_fail") == 0)
			return true;
	return false;
}

void cause_put(struct text *text, const struct crash_report *r, const struct debug *debug)
{
	if (r->vector >= 0 && is_stack_protector(r, debug)) {
		text_put(text, "a buffer on the stack overflowed (stack protector)");
	} else if (r->why != NULL) {
		text_foreign(text, r->why, r->why_length);
	} else if (r->vector == VECTOR_PAGE) {
		put_page_fault(text, r);
	} else {
		text_put(text, name_of(r->vector));
		text_put(text, " (vector ");
		text_digits(text, (uint64_t)(r->vector & 0xff), 10, 1);
		text_put(text, ")");
	}
}

bool cause_is_memory(const struct crash_report *r)
{
	const size_t length = strlen(CRASH_OUT_OF_MEMORY);

	return r->why != NULL && r->why_length >= length &&
	       memcmp(r->why, CRASH_OUT_OF_MEMORY, length) == 0;
}
