/*
 * Inside an image: data of the body that a host may look at, after a crash or while it runs, without
 * debug information. A note (MANIFEST_INSIDE, abi/manifest.h) says where each lies:
 *
 *     "log"       struct inside_log         core/log.c       the last lines
 *     "fibers"    struct inside_fibers      core/fiber.c     who runs; from there, all fibers
 *     "counters"  struct inside_counter[]   every COUNTER    constant; may be empty
 *
 * The body writes them as it likes, and a hostile one writes nonsense: a host checks every address,
 * index and length in them, bounds every walk, and shows texts in printable characters only.
 *
 * All fibers that have a stack of their own are found through the stack window (abi/boot.h): the
 * highest word of stack i is
 *
 *     0                            it was never used, nor was any higher one: stacks are used in order
 *     INSIDE_STACK_FREE | number   free
 *     else                         the address of its fiber's control block, whose `stack` is i
 *
 * A fiber that does not run has its registers where `sp` points, as core/fiber_switch.S left them
 * (struct inside_switch). main's control block has stack INSIDE_STACK_NONE.
 */
#ifndef DIATOM_ABI_INSIDE_H
#define DIATOM_ABI_INSIDE_H

#include <stdint.h>

#define INSIDE_LOG	  "log"
#define INSIDE_FIBERS	  "fibers"
#define INSIDE_COUNTERS	  "counters"

#define INSIDE_LINE_BYTES 240 /* with its newline */
#define INSIDE_LINES	  16
#define INSIDE_LOG_MAGIC  0x676f6c64 /* "dlog"; 0 before the first line */
#define INSIDE_STACK_NONE UINT32_MAX
#define INSIDE_STACK_FREE (UINT64_C(1) << 63)

struct inside_log {
	uint32_t magic;
	uint32_t next; /* lines written so far; the last is in lines[(next - 1) % INSIDE_LINES] */
	char lines[INSIDE_LINES][INSIDE_LINE_BYTES]; /* each NUL-ended, or full */
};

struct inside_fibers {
	uint64_t running; /* struct inside_fiber of the fiber that has the CPU */
	uint64_t main;	  /* and of main() */
};

enum inside_fiber_state {
	INSIDE_FIBER_RUNNING,
	INSIDE_FIBER_READY,
	INSIDE_FIBER_WAITING,
	INSIDE_FIBER_ENDED,
};

/* A fiber's control block, see core/fiber_inner.h. */
struct inside_fiber {
	uint64_t scheduler[2];
	uint64_t sp;   /* struct inside_switch, while it doesn't run */
	uint64_t name; /* NUL-ended text */
	uint64_t entry, argument;
	uint64_t own[9];
	uint32_t stack; /* its number in the window */
	uint8_t state;	/* enum inside_fiber_state */
	uint8_t own_too[3];
};

/* What a switch leaves on the stack. It goes on at `rip`, with the stack pointer behind this. */
struct inside_switch {
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

/* Each field is the distance to its target from the field's own address: nothing is to be relocated. */
struct inside_counter {
	int32_t name;  /* NUL-ended text */
	int32_t value; /* uint64_t */
};

_Static_assert(sizeof(struct inside_log) == 8 + 16 * 240, "inside_log is a shared layout");
_Static_assert(sizeof(struct inside_fiber) == 128, "inside_fiber is a shared layout");
_Static_assert(sizeof(struct inside_counter) == 8, "inside_counter is a shared layout");

#endif
