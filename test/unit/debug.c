/*
 * Debug files: the ones of test/corpus/debug, made by both compilers of
 *
 *     1  int sink;
 *     2  static inline int twice(int n) { return n * 2 + sink; }
 *     3  static inline int four(int n) { return twice(twice(n)); }
 *     4  static int leaf(int n) { ... four(n) ... }                    not inlined
 *     5  int _start(int n) { sink = leaf(n) + 1; return leaf(sink); }
 *
 * and unwind information put together by hand, with what compilers use seldom.
 */
#include "host/debug/debug.h"

#include <stdlib.h>

#include "host/debug/frame.h"
#include "host/debug/reader.h"
#include "test/check.h"

#define FILE_MAX 65536
#define BASE	 UINT64_C(0x560000000000)
#define STACK	 UINT64_C(0x7ff000000000)

struct memory {
	uint64_t words[64]; /* at STACK */
};

static bool read_memory(void *self, uint64_t address, void *to, size_t bytes)
{
	const struct memory *memory = self;
	uint64_t offset = address - STACK;

	if (address < STACK || offset > sizeof(*memory) || bytes > sizeof(*memory) - offset)
		return false;
	memcpy(to, (const uint8_t *)memory->words + offset, bytes);
	return true;
}

static const char *const names[] = { "clang", "gcc", "gcc-dwarf4" };

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* Reads a file of the corpus into bytes of exactly its length. */
static uint8_t *open_debug(const char *name, struct debug *debug, size_t *length)
{
	static uint8_t bytes[FILE_MAX];
	const char *why = "";
	uint8_t *exact;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "test/corpus/debug/%s", name);
	file = fopen(path, "rb");
	*length = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	if (file)
		fclose(file);
	exact = malloc(*length + 1);
	memcpy(exact, bytes, *length);
	if (!debug_decode(debug, exact, *length, &why))
		CHECK_FAIL("%s: %s", path, why);
	return exact;
}

static void functions_are_found(void)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		struct debug_symbol leaf, found;
		struct debug debug;
		size_t length;
		uint8_t *bytes = open_debug(names[i], &debug, &length);

		CHECK_EQUAL(debug.build_id_bytes, 20);
		CHECK(debug_symbol_find(&debug, "leaf", &leaf) && leaf.is_function);
		for (uint64_t at = leaf.start; at < leaf.start + leaf.bytes; at++)
			CHECK(debug_function_at(&debug, at, &found) && found.start == leaf.start);
		CHECK_TEXT(found.name, "leaf");
		CHECK(debug_symbol_find(&debug, "sink", &found) && !found.is_function);
		CHECK(!debug_symbol_find(&debug, "absent", &found));
		CHECK(!debug_function_at(&debug, 0, &found));
		CHECK(!debug_function_at(&debug, UINT64_MAX, &found));
		free(bytes);
	}
}

/* Each place in leaf is on line 2, 3 or 4, and somewhere twice is inlined into four into leaf. */
static void inlined_calls_are_named(void)
{
	for (size_t i = 0; i + 1 < NAME_COUNT; i++) {
		struct debug_place p[DEBUG_PLACES_MAX];
		struct debug_symbol leaf;
		unsigned deepest = 0;
		struct debug debug;
		size_t length;
		uint8_t *bytes = open_debug(names[i], &debug, &length);

		CHECK(debug_symbol_find(&debug, "leaf", &leaf));
		for (uint64_t at = leaf.start; at < leaf.start + leaf.bytes; at++) {
			unsigned count = debug_places_at(&debug, at, p, DEBUG_PLACES_MAX);

			CHECK(count >= 1 && count <= 3);
			CHECK_TEXT(p[count - 1].function, "leaf");
			CHECK(!p[count - 1].is_inlined);
			CHECK_EQUAL(debug_places_at(&debug, at, p, 1), 1);
			if (count == 3 && deepest < 3) {
				debug_places_at(&debug, at, p, DEBUG_PLACES_MAX);
				CHECK_TEXT(p[0].function, "twice");
				CHECK_EQUAL(p[0].line.line, 2);
				CHECK(p[0].is_inlined);
				CHECK_TEXT(p[1].function, "four");
				CHECK_EQUAL(p[1].line.line, 3);
				CHECK_EQUAL(p[2].line.line, 4);
				CHECK_TEXT(p[2].line.file, "tiny.c");
			}
			deepest = count > deepest ? count : deepest;
		}
		CHECK_EQUAL(deepest, 3);
		free(bytes);
	}
}

static void lines_are_found(void)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		struct debug_symbol start;
		struct debug_line line;
		struct debug debug;
		size_t length;
		uint8_t *bytes = open_debug(names[i], &debug, &length);

		CHECK(debug_symbol_find(&debug, "_start", &start));
		CHECK(debug_line_at(&debug, start.start, &line));
		CHECK_EQUAL(line.line, 5);
		CHECK_TEXT(line.file, "tiny.c");
		CHECK(!debug_line_at(&debug, 0, &line));
		CHECK(!debug_line_at(&debug, UINT64_MAX, &line));
		free(bytes);
	}
}

/* leaf, called by _start, called by nobody. Both keep 8 bytes of stack to align it. */
static void callers_are_found(void)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		struct memory memory = { { 0 } };
		struct debug_registers r = { .known = 1u << DEBUG_RSP | 1u << DEBUG_RIP };
		struct debug_symbol leaf, start;
		struct debug debug;
		size_t length;
		uint8_t *bytes = open_debug(names[i], &debug, &length);

		CHECK(debug_symbol_find(&debug, "leaf", &leaf));
		CHECK(debug_symbol_find(&debug, "_start", &start));
		memory.words[0] =
			BASE + start.start + 9; /* in the middle of _start, its frame set up */
		r.value[DEBUG_RSP] = STACK;
		r.value[DEBUG_RIP] = BASE + leaf.start;
		CHECK_EQUAL(
			debug_unwind(&debug, BASE, &r, false, read_memory, &memory), DEBUG_STEPPED);
		CHECK_EQUAL(r.value[DEBUG_RIP], memory.words[0]);
		CHECK_EQUAL(r.value[DEBUG_RSP], STACK + 8);
		CHECK_EQUAL(r.known & 1u << DEBUG_RAX, 0);
		CHECK_EQUAL(debug_unwind(&debug, BASE, &r, true, read_memory, &memory),
			DEBUG_OUTERMOST);
		CHECK_EQUAL(r.value[DEBUG_RSP], STACK + 8);
		r.value[DEBUG_RIP] = BASE;
		CHECK_EQUAL(
			debug_unwind(&debug, BASE, &r, false, read_memory, &memory), DEBUG_NO_RULE);
		r.value[DEBUG_RIP] = BASE + leaf.start;
		r.value[DEBUG_RSP] = 8;
		CHECK_EQUAL(debug_unwind(&debug, BASE, &r, false, read_memory, &memory),
			DEBUG_UNREADABLE);
		free(bytes);
	}
}

static void build_ids_must_be_equal(void)
{
	struct debug debug, other;
	size_t length;
	uint8_t *bytes = open_debug("clang", &debug, &length);
	uint8_t *other_bytes = open_debug("gcc", &other, &length);

	CHECK(debug_is_of(&debug, debug.build_id, debug.build_id_bytes));
	CHECK(!debug_is_of(&debug, other.build_id, other.build_id_bytes));
	CHECK(!debug_is_of(&debug, debug.build_id, 19));
	debug.build_id_bytes = 0;
	CHECK(!debug_is_of(&debug, debug.build_id, 0));
	free(bytes);
	free(other_bytes);
}

static void cut_files_do_no_harm(void)
{
	struct debug_place places[DEBUG_PLACES_MAX];
	struct debug debug;
	const char *why;
	size_t whole;
	uint8_t *bytes = open_debug("gcc", &debug, &whole);

	for (size_t length = 0; length < whole; length += 13) {
		uint8_t *cut = malloc(length + 1);

		memcpy(cut, bytes, length);
		if (debug_decode(&debug, cut, length, &why))
			debug_places_at(&debug, debug.text, places, DEBUG_PLACES_MAX);
		else
			CHECK(why != NULL);
		free(cut);
	}
	free(bytes);
}

/* --- unwind information by hand --- */

/* A CIE and an FDE for [0x1000, 0x1100), whose instructions are given. */
struct hand {
	uint8_t bytes[256];
	struct debug debug;
};

static void make_hand(struct hand *h, const uint8_t *instructions, size_t count)
{
	static const uint8_t cie[] = { 16, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 4, 0, 8, 0, 1, 0x78, 16,
		0x0c, 7, 8, 0x80 | 16, 1 };
	const uint64_t start = 0x1000, bytes = 0x100;
	const uint32_t length = (uint32_t)(4 + 16 + count);

	memset(h, 0, sizeof(*h));
	memcpy(h->bytes, cie, sizeof(cie));
	memcpy(h->bytes + 20, &length, 4);
	memcpy(h->bytes + 28, &start, 8);
	memcpy(h->bytes + 36, &bytes, 8);
	memcpy(h->bytes + 44, instructions, count);
	h->debug.frames = (struct debug_bytes){ h->bytes, 44 + count };
	h->debug.text = 0x1000;
	h->debug.text_end = 0x1100;
}

struct row {
	uint64_t offset;
	enum debug_step step;
	uint64_t rsp, rip, rbx; /* of the caller; rbx 0: not known */
};

static void check_rows(const uint8_t *instructions, size_t count, const struct row *rows, size_t n)
{
	struct memory memory;
	struct hand h;

	for (unsigned i = 0; i < 64; i++)
		memory.words[i] = 0x100 + i;
	memory.words[20] = STACK + 0x80;
	make_hand(&h, instructions, count);
	for (size_t i = 0; i < n; i++) {
		struct debug_registers r = { .known = 0x1ffff };

		r.value[DEBUG_RSP] = STACK;
		r.value[DEBUG_RBP] = STACK + 0x40;
		r.value[DEBUG_RBX] = 0xb;
		r.value[DEBUG_RAX] = STACK + 0x60;
		r.value[DEBUG_RIP] = BASE + rows[i].offset;
		CHECK_EQUAL(debug_unwind(&h.debug, BASE, &r, false, read_memory, &memory),
			rows[i].step);
		if (rows[i].step != DEBUG_STEPPED)
			continue;
		CHECK_EQUAL(r.value[DEBUG_RSP], rows[i].rsp);
		CHECK_EQUAL(r.value[DEBUG_RIP], rows[i].rip);
		CHECK_EQUAL((r.known & 1u << DEBUG_RBX) != 0 ? r.value[DEBUG_RBX] : 0, rows[i].rbx);
	}
}

#define CHECK_ROWS(code, ...)                                                                      \
	check_rows(code, sizeof(code), (const struct row[]){ __VA_ARGS__ },                        \
		sizeof((const struct row[]){ __VA_ARGS__ }) / sizeof(struct row))

static void pushes_and_pops(void)
{
	static const uint8_t code[] = {
		0x41, 0x0e, 16, 0x83, 2, /* 0x1001: CFA rsp+16, rbx at CFA-16 */
		0x44, 0x0a,		 /* 0x1005: remember */
		0x41, 0x0e, 8, 0xc3,	 /* 0x1006: CFA rsp+8, rbx as at the start */
		0x41, 0x0b,		 /* 0x1007: recall */
		0x02, 0x20, 0x0d, 6,	 /* 0x1027: CFA rbp+16 */
		0x03, 0x10, 0, 0x07, 3,	 /* 0x1037: rbx is lost */
	};

	CHECK_ROWS(code, { 0x1000, DEBUG_STEPPED, STACK + 8, 0x100, 0xb },
		{ 0x1001, DEBUG_STEPPED, STACK + 16, 0x101, 0x100 },
		{ 0x1004, DEBUG_STEPPED, STACK + 16, 0x101, 0x100 },
		{ 0x1006, DEBUG_STEPPED, STACK + 8, 0x100, 0xb },
		{ 0x1007, DEBUG_STEPPED, STACK + 16, 0x101, 0x100 },
		{ 0x1027, DEBUG_STEPPED, STACK + 0x50, 0x109, 0x108 },
		{ 0x1037, DEBUG_STEPPED, STACK + 0x50, 0x109, 0 },
		{ 0xfff, DEBUG_NO_RULE, 0, 0, 0 }, { 0x1100, DEBUG_NO_RULE, 0, 0, 0 });
}

static void rare_rules(void)
{
	static const uint8_t code[] = {
		0x0f, 3, 0x76, 0, 0x06,		 /* 0x1000: CFA = *(rbp) is 0x108: not above us */
		0x41, 0x0f, 3, 0x70, 0x40, 0x06, /* 0x1001: CFA = *(rax - 64) = word 4 */
		0x41, 0x0c, 7, 0x20, 0x16, 3, 2, 0x08, 0x2a, /* 0x1002: rbx = the number 42 */
		0x41, 0x10, 3, 2, 0x70, 8,		     /* 0x1003: rbx at rax + 8 */
		0x41, 0x14, 3, 0x7f, /* 0x1004: rbx = CFA - 8 * 127: what it counts */
		0x41, 0x09, 3, 0,    /* 0x1005: rbx is in rax */
		0x41, 0x07, 16,	     /* 0x1006: no return address */
	};

	CHECK_ROWS(code, { 0x1000, DEBUG_UNREADABLE, 0, 0, 0 },
		{ 0x1001, DEBUG_UNREADABLE, 0, 0, 0 },
		{ 0x1002, DEBUG_STEPPED, STACK + 0x20, 0x103, 42 },
		{ 0x1003, DEBUG_STEPPED, STACK + 0x20, 0x103, 0x10d },
		{ 0x1004, DEBUG_STEPPED, STACK + 0x20, 0x103, STACK + 0x20 - 8 * 127 },
		{ 0x1005, DEBUG_STEPPED, STACK + 0x20, 0x103, STACK + 0x60 },
		{ 0x1006, DEBUG_OUTERMOST, 0, 0, 0 });
}

static void broken_rules(void)
{
	static const uint8_t too_low[] = { 0x0e, 0 };	     /* CFA rsp+0: its frame is ours */
	static const uint8_t no_register[] = { 0x0d, 0x50 }; /* CFA of register 80 */
	static const uint8_t nothing_kept[] = { 0x0b };	     /* recall without remember */
	static const uint8_t unknown[] = { 0x3f, 0 };
	static const uint8_t cut[] = { 0x0f, 0x7f };
	static const uint8_t empty_stack[] = { 0x0f, 1, 0x22 };

	CHECK_ROWS(too_low, { 0x1000, DEBUG_UNREADABLE, 0, 0, 0 });
	CHECK_ROWS(no_register, { 0x1000, DEBUG_UNREADABLE, 0, 0, 0 });
	CHECK_ROWS(nothing_kept, { 0x1000, DEBUG_NO_RULE, 0, 0, 0 });
	CHECK_ROWS(unknown, { 0x1000, DEBUG_NO_RULE, 0, 0, 0 });
	CHECK_ROWS(cut, { 0x1000, DEBUG_NO_RULE, 0, 0, 0 });
	CHECK_ROWS(empty_stack, { 0x1000, DEBUG_UNREADABLE, 0, 0, 0 });
}

static void leb128(void)
{
	static const uint8_t bytes[] = { 0xe5, 0x8e, 0x26, 0x7f, 0x80, 0x7f, 0xff };
	struct reader r = reader_of((struct debug_bytes){ bytes, sizeof(bytes) });

	CHECK_EQUAL(reader_uleb(&r), 624485);
	CHECK_EQUAL(reader_sleb(&r), -1);
	CHECK_EQUAL(reader_sleb(&r), -128);
	CHECK(!r.is_bad);
	reader_uleb(&r);
	CHECK(r.is_bad);
}

int main(void)
{
	return RUN(TEST(functions_are_found), TEST(inlined_calls_are_named), TEST(lines_are_found),
		TEST(callers_are_found), TEST(build_ids_must_be_equal), TEST(cut_files_do_no_harm),
		TEST(pushes_and_pops), TEST(rare_rules), TEST(broken_rules), TEST(leb128));
}
