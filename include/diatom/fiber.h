/*
 * Fibers: cooperative threads with blocking, straight-line code, as Lwt threads are in Mirage.
 *
 * One runs at a time, until it blocks, yields or ends; nothing is preempted, so between two calls
 * that may block a fiber owns the whole image. Stacks are pooled and have an unmapped page below.
 * main() runs as a fiber too; when main returns the image exits, whatever other fibers do.
 *
 * Every wait takes a deadline, and can be cancelled: the wait then returns CANCELLED at once, and so
 * does every later wait of that fiber until it ends (fiber_cancel is for good).
 *
 * Fibers share errno, the rounding mode and the x87 control word: read errno before the next call
 * that may block.
 */
#ifndef DIATOM_FIBER_H
#define DIATOM_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/manifest.h"
#include "diatom/status.h"
#include "diatom/time.h"

struct fiber;

/*
 * Sizes the stacks of the image's fibers: DIATOM_FIBERS(.stack_bytes = 8192, .count_max = 100000).
 * The default is 16 KiB and 4096 fibers.
 */
#define DIATOM_FIBERS(...)                                                                         \
	MANIFEST_NOTE(diatom_fibers, MANIFEST_STACKS, struct manifest_stacks, __VA_ARGS__)

/*
 * Starts a fiber that runs main(argument). `name` must outlive it; it is shown in reports. The new
 * fiber first runs when the caller next blocks or yields. NULL when stacks or memory end (counted).
 * The handle stays valid until fiber_join or fiber_detach.
 */
struct fiber *fiber_start(const char *name, void (*main)(void *argument), void *argument);

/* Lets the fiber free itself when it ends. The handle is invalid afterwards. Not while it is joined. */
void fiber_detach(struct fiber *fiber);

/* Wakes it wherever it waits; all its waits return CANCELLED from now on. NULL is allowed. */
void fiber_cancel(struct fiber *fiber);

/* Blocks until the fiber ends, then frees it: the handle is invalid. CANCELLED if the caller is
 * cancelled first; the handle then stays valid. OK, even for a cancelled caller, when it has ended
 * already. One fiber may join another at a time; none itself. */
enum status fiber_join(struct fiber *fiber);

/* The running fiber, never NULL. */
struct fiber *fiber_self(void);
const char *fiber_name(const struct fiber *fiber);
bool fiber_is_cancelled(void);

/* Lets the others run once. */
void fiber_yield(void);

/* OK when the time has passed, CANCELLED if cancelled before. When it has passed already, lets the
 * others run once. */
enum status sleep_for(duration length);
enum status sleep_until(instant deadline);

/*
 * Blocks until the host asks the image to finish (INT or TERM): OK then, and at once when it has
 * been asked. TIMED_OUT, CANCELLED as everywhere. In a program that has not called it by then, the
 * request cancels main() instead: its wait returns CANCELLED, so a plain server loop ends.
 */
enum status finish_wait(instant deadline);
bool finish_is_requested(void);

/*
 * The wait queue, on which every blocking call is built. Zero-initialise. A wait queue must not be
 * freed while fibers wait on it.
 *
 *     while (list_is_empty(&q->items))
 *             if ((status = wait_on(&q->readers, deadline)) != OK)
 *                     return status;
 */
struct wait_queue {
	struct fiber *first, *last;
};

/* Blocks until woken: OK; TIMED_OUT at the deadline, at once if it has passed; CANCELLED. Never wakes
 * without cause. */
enum status wait_on(struct wait_queue *queue, instant deadline);
/* Makes the longest waiting fiber ready; does nothing when there is none. May be called from tasks
 * and device callbacks. */
void wake_one(struct wait_queue *queue);
void wake_all(struct wait_queue *queue);

#endif
