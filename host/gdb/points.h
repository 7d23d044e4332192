/*
 * Breakpoints and watchpoints.
 *
 * A breakpoint is an int3 in the body's text, whether gdb asks for a software or a hardware one; gdb
 * never sees it, for memory that it reads shows the byte that belongs there.
 *
 * Watchpoints use the CPU's four debug registers where the target has them. Where it has none, and when
 * four don't suffice, a watchpoint for writing is kept by running the body one instruction at a time
 * and comparing: slow (tens of thousands of instructions a second), but it works everywhere. One for
 * reading can't be kept that way and is refused.
 */
#ifndef DIATOM_GDB_POINTS_H
#define DIATOM_GDB_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/gdb/target.h"

#define BREAKPOINTS_MAX 256
#define WATCHES_MAX	16
#define WATCH_BYTES_MAX 64

/* As in the packets Z2, Z3, Z4. */
enum watch_kind { WATCH_WRITE = 2, WATCH_READ = 3, WATCH_ACCESS = 4 };

struct watch {
	enum watch_kind kind;
	uint64_t address, length;
	uint8_t last[WATCH_BYTES_MAX]; /* while we compare ourselves */
};

/* Zero-initialise, but for the target. */
struct points {
	struct gdb_target *target;
	unsigned breakpoint_count;
	struct breakpoint {
		uint64_t address;
		uint8_t byte; /* that int3 stands for */
	} breakpoints[BREAKPOINTS_MAX];
	unsigned watch_count;
	struct watch watches[WATCHES_MAX];
	bool is_stepping; /* watches are kept by single steps */
	uint64_t debug[GDB_DEBUG_REGISTERS];
};

/* False: no memory there, or too many. Adding one twice and removing none is fine. */
bool points_add_break(struct points *points, uint64_t address);
bool points_remove_break(struct points *points, uint64_t address);
bool points_has_break(const struct points *points, uint64_t address);

/* False: too many or too long, or not possible on this target. */
bool points_add_watch(
	struct points *points, enum watch_kind kind, uint64_t address, uint64_t length);
void points_remove_watch(
	struct points *points, enum watch_kind kind, uint64_t address, uint64_t length);

/* Remembers what the watched memory holds: the body is about to run. */
void points_arm(struct points *points);

/* The watch that was hit, or NULL: by comparing, or by the bits that the CPU left in DR6; `*address`
 * is what was touched. */
const struct watch *points_changed(struct points *points, uint64_t *address);
const struct watch *points_hit(const struct points *points, uint64_t dr6, uint64_t *address);

/* Memory as the body's own, without breakpoints. */
uint64_t points_read(struct points *points, uint64_t address, void *bytes, uint64_t length);
uint64_t points_write(struct points *points, uint64_t address, const void *bytes, uint64_t length);

/* Takes all of them out. */
void points_clear(struct points *points);

#endif
