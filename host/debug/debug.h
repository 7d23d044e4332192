/*
 * What a debug file knows about an image: names of functions, lines of the source, and how to get
 * from a function's registers to its caller's.
 *
 * `diatom build` leaves IMAGE.debug beside IMAGE: the linked file before it was stripped. Both carry
 * the same build id, and only then do they belong together.
 *
 *     struct debug debug;
 *
 *     if (!debug_decode(&debug, bytes, length, &why)) ...
 *     if (!debug_is_of(&debug, image->build_id, image->build_id_bytes)) ...
 *     count = debug_places_at(&debug, offset, places, DEBUG_PLACES_MAX);
 *     while (debug_unwind(&debug, base, &registers, is_call, read, self) == DEBUG_STEPPED) ...
 *
 * Everything works on the bytes as they stand in memory, allocates nothing, keeps no state, does no
 * I/O and never reads outside them: a debug file may be damaged or hostile, and this runs in signal
 * handlers and in the jail. Results are then wrong or missing, never harmful; texts are printable.
 * A lookup reads whole sections (a millisecond for a megabyte): keep results that are asked for often.
 *
 * Places in the image are offsets from its base, as the linker numbered them (the base is 0 there).
 * Formats: ELF64; DWARF 2-5 .debug_line (DWARF 5 section 6.2), .debug_frame (6.4), .debug_info for
 * inlined functions (3.3.8); x86-64 psABI for the registers' numbers.
 */
#ifndef DIATOM_HOST_DEBUG_H
#define DIATOM_HOST_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUG_NAME_BYTES     128
#define DEBUG_PATH_BYTES     192
#define DEBUG_PLACES_MAX     16 /* inlined into one another at one place */
#define DEBUG_BUILD_ID_MAX   32
#define DEBUG_REGISTER_COUNT 17

/* A section's bytes; length 0: the file has none. */
struct debug_bytes {
	const uint8_t *at;
	uint64_t length;
};

struct debug {
	uint64_t text, text_end; /* where code is: the span of the executable segments */
	struct debug_bytes symbols, symbol_names;
	struct debug_bytes lines, line_names, names;
	struct debug_bytes frames;
	struct debug_bytes units, shapes, addresses, name_offsets, ranges;
	struct debug_bytes parts; /* what diatom inspect reads: host/inspect/parts.h */
	struct debug_bytes help;  /* what its counters count: include/diatom/counter.h */
	uint8_t build_id[DEBUG_BUILD_ID_MAX];
	unsigned build_id_bytes; /* 0: it has none */
};

/* Finds the sections. False: it is no debug file for x86-64, and *why says it in a few words. `bytes`
 * must stay as long as `debug` is used; its sections may be missing, then so are answers. */
bool debug_decode(struct debug *debug, const uint8_t *bytes, uint64_t length, const char **why);

/* Has it this build id? False also where either has none. */
bool debug_is_of(const struct debug *debug, const uint8_t *build_id, unsigned build_id_bytes);

/* A symbol of the symbol table. Suffixes that compilers add (".llvm.123", ".cfi", ".constprop.0") are
 * taken off its name. */
struct debug_symbol {
	char name[DEBUG_NAME_BYTES];
	uint64_t start, bytes;
	bool is_function;
};

/* The function that `offset` lies in. */
bool debug_function_at(const struct debug *debug, uint64_t offset, struct debug_symbol *symbol);

/* The function or object of that name (functions first). */
bool debug_symbol_find(const struct debug *debug, const char *name, struct debug_symbol *symbol);

/* What the counter whose value is at `offset` counts, in words. */
bool debug_counter_help(const struct debug *debug, uint64_t offset, char *text, size_t room);

/* A line of the source. */
struct debug_line {
	char file
		[DEBUG_PATH_BYTES]; /* as the compiler was given it; cut at the front if too long */
	unsigned line;		    /* 0: code that belongs to no line */
	unsigned column;	    /* 0: not known */
};

bool debug_line_at(const struct debug *debug, uint64_t offset, struct debug_line *line);

/* Function and line. */
struct debug_place {
	char function[DEBUG_NAME_BYTES]; /* empty: not known */
	struct debug_line line;		 /* file empty: not known */
	bool is_inlined;		 /* into the next place, whose line is that of the call */
};

/*
 * Where `offset` is in the source: the function itself last, before it those that were inlined there,
 * innermost first. Returns how many, at most `most`; 0 when nothing is known. For a return address,
 * ask for the byte before it.
 */
unsigned debug_places_at(
	const struct debug *debug, uint64_t offset, struct debug_place *places, unsigned most);

/* DWARF's numbers of the registers. */
enum debug_register {
	DEBUG_RAX,
	DEBUG_RDX,
	DEBUG_RCX,
	DEBUG_RBX,
	DEBUG_RSI,
	DEBUG_RDI,
	DEBUG_RBP,
	DEBUG_RSP,
	DEBUG_R8, /* ... R15 is 15 */
	DEBUG_R15 = 15,
	DEBUG_RIP = 16,
};

struct debug_registers {
	uint64_t value[DEBUG_REGISTER_COUNT];
	uint32_t known; /* bit i: value[i] is known; callers' scratch registers are not */
};

enum debug_step {
	DEBUG_STEPPED,	  /* *registers are the caller's, and rip its return address */
	DEBUG_OUTERMOST,  /* there is no caller: the start of main's or a fiber's stack */
	DEBUG_NO_RULE,	  /* no rule for this place: not code, or code without unwind information */
	DEBUG_UNREADABLE, /* a saved register could not be read, or a rule needs one not known */
	DEBUG_STUCK,	  /* the caller's frame would not lie above this one */
};

/* Reads the body's memory at a virtual address; false if it can't all be read. */
typedef bool debug_read(void *self, uint64_t address, void *to, size_t bytes);

/*
 * From the registers of a frame to those of its caller. `base` is the image's virtual address.
 * `is_call`: rip is a return address (every frame but the innermost one). *registers change only
 * with DEBUG_STEPPED.
 */
enum debug_step debug_unwind(const struct debug *debug, uint64_t base,
	struct debug_registers *registers, bool is_call, debug_read *read, void *self);

#endif
