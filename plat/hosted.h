/*
 * Hosted: the platform as an ordinary Linux program, for unit tests, simulations and fuzzers. There
 * is nothing to call before the first use; these functions change what a test needs changed.
 */
#ifndef DIATOM_PLAT_HOSTED_H
#define DIATOM_PLAT_HOSTED_H

#include <stddef.h>

#include "plat/plat.h"

/*
 * The heap and stack window of this run, instead of 1 GiB and 16,384 stacks of 64 KiB. Before
 * anything allocates. stack_count is cut to heap_bytes / stack_bytes.
 */
void plat_hosted_set_memory(size_t heap_bytes, size_t stack_bytes, size_t stack_count);

/*
 * A clock of the test's own: time_now() is now(), and plat_sleep(deadline) is sleep(deadline), which
 * should move the clock on, to `deadline` at most. NULL, NULL: the real one again.
 */
void plat_hosted_set_clock(instant (*now)(void), void (*sleep)(instant deadline));

/* A ready-made virtual clock: stands still but for plat_sleep, which jumps to the deadline (and
 * stops the program if that is FOREVER), and for plat_hosted_set_time. */
void plat_hosted_use_virtual_time(instant start);
void plat_hosted_set_time(instant now);

/* As if INT or TERM had come. */
void plat_hosted_request_finish(void);

/* The boot info, for tests that change it. */
struct boot_info *plat_hosted_boot(void);

#endif
