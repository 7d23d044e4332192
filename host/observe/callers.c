/*
 * Frames are collected innermost first, at the end of an array, so that they stand outermost first when
 * the walk is over.
 *
 *     | unused | main | serve | answer |
 *              ^ at             ^ depth - 1
 */
#include "host/observe/callers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "host/report.h"

#define INLINED_MAX   DEBUG_PLACES_MAX
#define OUTSIDE_WORDS 32 /* of the stack, in which code outside the image may have its caller */

/* The names of one place: the innermost first. An entry of an open hash table. */
struct callers_seen {
	uint64_t key; /* offset + 1; 0: free */
	uint32_t names[INLINED_MAX];
	unsigned count;
};

struct walk {
	struct callers *callers;
	const struct sample *sample;
	uint32_t names[STACKS_DEPTH_MAX];
	unsigned at; /* names[at ..] are taken */
};

static void put(struct walk *walk, uint32_t name)
{
	if (walk->at > 0)
		walk->names[--walk->at] = name;
}

static void put_text(struct walk *walk, const char *name)
{
	put(walk, stacks_name(walk->callers->stacks, name));
}

/* --- names of places --- */

static void look_up(struct callers *callers, struct callers_seen *seen, uint64_t offset)
{
	struct debug_place places[INLINED_MAX];
	char name[DEBUG_NAME_BYTES + 8];

	seen->key = offset + 1;
	seen->count = callers->debug != NULL
			      ? debug_places_at(callers->debug, offset, places, INLINED_MAX)
			      : 0;
	for (unsigned i = 0; i < seen->count; i++) {
		snprintf(name, sizeof(name), "%.*s%s", DEBUG_NAME_BYTES - 1,
			places[i].function[0] != '\0' ? places[i].function : "[unknown]",
			places[i].is_inlined ? "_[i]" : "");
		seen->names[i] = stacks_name(callers->stacks, name);
	}
	if (seen->count > 0)
		return;
	snprintf(name, sizeof(name), "image+0x%llx", (unsigned long long)offset);
	seen->names[0] = stacks_name(callers->stacks, name);
	seen->count = 1;
}

static struct callers_seen *slot_of(struct callers_seen *table, uint32_t capacity, uint64_t offset)
{
	/* Knuth's multiplier: addresses next to each other go to different places. */
	uint32_t at = (uint32_t)(offset * UINT64_C(0x9e3779b97f4a7c15) >> 40) % capacity;

	while (table[at].key != 0 && table[at].key != offset + 1)
		at = (at + 1) % capacity;
	return &table[at];
}

static void grow_seen(struct callers *callers)
{
	uint32_t wanted = callers->seen_capacity == 0 ? 1024 : callers->seen_capacity * 2;
	struct callers_seen *grown = calloc(wanted, sizeof(*grown));

	if (grown == NULL)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for the profile"));
	for (uint32_t i = 0; i < callers->seen_capacity; i++)
		if (callers->seen[i].key != 0)
			*slot_of(grown, wanted, callers->seen[i].key - 1) = callers->seen[i];
	free(callers->seen);
	callers->seen = grown;
	callers->seen_capacity = wanted;
}

static void put_place(struct walk *walk, uint64_t offset)
{
	struct callers *callers = walk->callers;
	struct callers_seen *seen;

	if (callers->seen_count * 2 >= callers->seen_capacity)
		grow_seen(callers);
	seen = slot_of(callers->seen, callers->seen_capacity, offset);
	if (seen->key == 0) {
		callers->seen_count++;
		look_up(callers, seen, offset);
	}
	for (unsigned i = 0; i < seen->count; i++)
		put(walk, seen->names[i]);
}

/* --- walking --- */

static bool read_stack(void *self, uint64_t address, void *to, size_t bytes)
{
	const struct sample *sample = self;
	uint64_t offset = address - sample->registers.rsp;

	if (offset > sample->stack_bytes || bytes > sample->stack_bytes - offset)
		return false;
	memcpy(to, sample->stack + offset, bytes);
	return true;
}

static struct debug_registers registers_of(const struct crash_registers *r)
{
	return (struct debug_registers){
		.value = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
			r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip },
		.known = (1U << DEBUG_REGISTER_COUNT) - 1,
	};
}

static bool is_in_image(const struct callers *callers, uint64_t address)
{
	return address - callers->image < callers->image_bytes;
}

/* Linux's clock function, or nowhere: the first word of the stack that points to code is taken for its
 * return address. */
static bool leave_outside(
	const struct callers *callers, const struct sample *sample, struct debug_registers *r)
{
	uint64_t word;

	for (uint64_t at = r->value[DEBUG_RSP], i = 0; i < OUTSIDE_WORDS; i++, at += sizeof(word)) {
		if (!read_stack((void *)sample, at, &word, sizeof(word)))
			return false;
		if (callers->debug == NULL || word - callers->image < callers->debug->text ||
			word - callers->image >= callers->debug->text_end)
			continue;
		r->value[DEBUG_RIP] = word;
		r->value[DEBUG_RSP] = at + sizeof(word);
		return true;
	}
	return false;
}

/* Why the walk ended, as a frame; NULL: it got to the outermost function. */
static const char *end_of(enum debug_step step, const struct sample *sample)
{
	if (step == DEBUG_OUTERMOST)
		return NULL;
	if (step == DEBUG_UNREADABLE && sample->stack_bytes == SAMPLE_STACK_BYTES)
		return "[truncated]";
	return "[unknown]";
}

static void walk_callers(struct walk *walk, struct debug_registers *r, bool is_return)
{
	const struct callers *callers = walk->callers;
	enum debug_step step = DEBUG_NO_RULE;
	const char *end;

	while (walk->at > 1 && is_in_image(callers, r->value[DEBUG_RIP])) {
		put_place(walk, r->value[DEBUG_RIP] - callers->image - is_return);
		if (callers->debug == NULL)
			return;
		step = debug_unwind(callers->debug, callers->image, r, is_return, read_stack,
			(void *)walk->sample);
		if (step != DEBUG_STEPPED)
			break;
		is_return = true;
	}
	end = walk->at > 1 ? end_of(step, walk->sample) : "[truncated]";
	if (end != NULL)
		put_text(walk, end);
}

void callers_add(struct callers *callers, const struct sample *sample)
{
	struct walk walk = { .callers = callers, .sample = sample, .at = STACKS_DEPTH_MAX };
	struct debug_registers r = registers_of(&sample->registers);
	bool is_return = sample->is_return != 0;

	if (sample->stack_bytes > SAMPLE_STACK_BYTES)
		return; /* not written by a sampler */
	if (sample->place == SAMPLE_MONITOR)
		put_text(&walk, "[monitor]");
	else if (sample->place == SAMPLE_KERNEL)
		put_text(&walk, "[kernel]");
	else if (is_return)
		put_text(&walk, "[exit]");
	if (!is_return && !is_in_image(callers, r.value[DEBUG_RIP])) {
		put_text(&walk, "[vdso]");
		is_return = leave_outside(callers, sample, &r);
	}
	walk_callers(&walk, &r, is_return);
	stacks_add(callers->stacks, walk.names + walk.at, STACKS_DEPTH_MAX - walk.at);
}
