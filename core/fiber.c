/*
 * Fibers, waiting and switching. Starting and ending are in fiber_life.c: a program that only blocks
 * in main() links this file and no stacks.
 *
 * main() is the first fiber. Its stack is also where the loop turns (core/loop.h): it stays in
 * main_block while it waits, and is switched to when main is chosen or when nobody is ready.
 *
 *     fiber blocks --> another is ready?  switch straight to it
 *                  \-> no?                switch to main_block, which turns the loop until one is
 */
#include <stddef.h>

#include "abi/manifest.h"
#include "core/fiber_inner.h"
#include "core/finish.h"
#include "core/loop.h"
#include "core/stack.h"
#include "core/trace.h"
#include "diatom/assert.h"
#include "plat/hooks.h"
#include "plat/plat.h"

#define SWITCHES_PER_TURN 64 /* ready fibers that run before the devices are polled again */

void fiber_switch(void **save, void *load);

static void timed_out(struct task *task);

static struct fiber main_fiber = {
	.name = "main",
	.stack = STACK_NONE,
	.timer = TASK(timed_out),
};

/* Not static, for the sake of the note below. */
extern struct fibers fibers;
__attribute__((used)) struct fibers {
	struct fiber *running; /* this and the next: struct inside_fibers */
	struct fiber *main;
	unsigned ready;	     /* how many the scheduler has */
	unsigned budget;     /* switches left in this turn */
	bool is_loop_wanted; /* main is switched to for the loop's sake */
	struct fiber *ended; /* was left for good; `bury` waits for the next fiber to run */
	void (*bury)(struct fiber *fiber);
} fibers = { .running = &main_fiber, .main = &main_fiber };

MANIFEST_INSIDE_NOTE(INSIDE_FIBERS, "fibers", "fibers + 16");
_Static_assert(sizeof(struct inside_fibers) == 16, "the note says so");

struct fiber *fiber_self(void)
{
	return fibers.running;
}

const char *fiber_name(const struct fiber *fiber)
{
	return fiber->name;
}

bool fiber_is_cancelled(void)
{
	return fibers.running->is_cancelled;
}

/* --- the scheduler's side --- */

struct sched_node *fiber_sched_node(struct fiber *fiber)
{
	return &fiber->node;
}

void fiber_set_key(struct fiber *fiber, int64_t key)
{
	if (fiber->state == FIBER_READY)
		sched_remove(fiber);
	fiber->node.key = key;
	if (fiber->state == FIBER_READY)
		sched_add(fiber);
}

void fiber_make_ready(struct fiber *fiber)
{
	fiber->state = FIBER_READY;
	fibers.ready++;
	if (trace_is_on())
		trace_emit(TRACE_READY, fiber, 0);
	sched_add(fiber);
}

/* The fiber to run next; NULL: none is ready, or it is time for a turn of the loop. */
static struct fiber *take_next(void)
{
	struct fiber *next;

	if (fibers.ready == 0 || fibers.budget == 0)
		return NULL;
	next = sched_next();
	ASSERT(next && next->state == FIBER_READY);
	fibers.ready--;
	fibers.budget--;
	next->state = FIBER_RUNNING;
	return next;
}

/* --- switching --- */

void fiber_arrived(void)
{
	struct fiber *ended = fibers.ended;

	hook_switch_finish(fibers.running->hook);
	if (ended) {
		fibers.ended = NULL;
		fibers.bury(ended);
	}
}

static void switch_to(struct fiber *next)
{
	struct fiber *self = fibers.running;
	bool is_main = next == &main_fiber;

	hook_switch_start(self->state == FIBER_ENDED ? NULL : &self->hook,
		is_main ? (uint8_t *)plat_boot->memory.main_stack : stack_low(next->stack),
		is_main ? plat_boot->memory.main_stack_bytes : stack_bytes());
	if (trace_is_on())
		trace_emit(
			TRACE_SWITCH, is_main && fibers.is_loop_wanted ? NULL : next, self->state);
	fibers.running = next;
	fiber_switch(&self->sp, next->sp);
	fiber_arrived();
}

/* main's way of blocking: it turns the loop until main itself is chosen. */
static void main_block(void)
{
	struct fiber *next;

	finish_start();
	for (;;) {
		next = take_next();
		if (trace_is_on() && (!next || next == &main_fiber))
			trace_emit(TRACE_SWITCH, next, main_fiber.state);
		if (next == &main_fiber)
			return;
		if (!next) {
			loop_turn(fibers.ready == 0);
			fibers.budget = SWITCHES_PER_TURN;
			continue;
		}
		switch_to(next);
		if (!fibers.is_loop_wanted)
			return;
	}
}

/* Lets others run until the running fiber, which is ready, waiting or ended, is chosen again. */
static void block(void)
{
	struct fiber *self = fibers.running, *next;

	if (self == &main_fiber) {
		main_block();
		return;
	}
	next = take_next();
	fibers.is_loop_wanted = next == NULL;
	if (next != self)
		switch_to(next ? next : &main_fiber);
}

_Noreturn void fiber_leave(void (*bury)(struct fiber *fiber))
{
	fibers.ended = fibers.running;
	fibers.bury = bury;
	block();
	image_crash("a fiber that has ended was run again");
}

void fiber_yield(void)
{
	fiber_make_ready(fibers.running);
	block();
}

/* --- waiting --- */

static void queue_put(struct wait_queue *queue, struct fiber *fiber)
{
	fiber->queue = queue;
	fiber->next = NULL;
	fiber->previous = queue->last;
	if (queue->last)
		queue->last->next = fiber;
	else
		queue->first = fiber;
	queue->last = fiber;
}

static void queue_remove(struct fiber *fiber)
{
	struct wait_queue *queue = fiber->queue;

	if (fiber->previous)
		fiber->previous->next = fiber->next;
	else
		queue->first = fiber->next;
	if (fiber->next)
		fiber->next->previous = fiber->previous;
	else
		queue->last = fiber->previous;
	fiber->queue = NULL;
}

void fiber_wake(struct fiber *fiber, enum status result)
{
	ASSERT(fiber->state == FIBER_WAITING);
	if (fiber->queue)
		queue_remove(fiber);
	task_cancel(&fiber->timer);
	fiber->result = (uint8_t)result;
	fiber_make_ready(fiber);
}

static void timed_out(struct task *task)
{
	fiber_wake(CONTAINER_OF(task, struct fiber, timer), TIMED_OUT);
}

enum status fiber_wait(instant deadline)
{
	struct fiber *self = fibers.running;

	self->state = FIBER_WAITING;
	if (deadline != FOREVER) {
		self->timer.run = timed_out;
		task_at(&self->timer, deadline);
	}
	block();
	return (enum status)self->result;
}

enum status wait_on(struct wait_queue *queue, instant deadline)
{
	if (fibers.running->is_cancelled)
		return CANCELLED;
	if (deadline == AT_ONCE || (deadline != FOREVER && deadline <= time_now()))
		return TIMED_OUT;
	queue_put(queue, fibers.running);
	return fiber_wait(deadline);
}

void wake_one(struct wait_queue *queue)
{
	if (queue->first)
		fiber_wake(queue->first, OK);
}

void wake_all(struct wait_queue *queue)
{
	while (queue->first)
		fiber_wake(queue->first, OK);
}

enum status sleep_until(instant deadline)
{
	enum status status;

	if (fibers.running->is_cancelled)
		return CANCELLED;
	if (deadline <= time_now()) {
		fiber_yield();
		return fibers.running->is_cancelled ? CANCELLED : OK;
	}
	status = fiber_wait(deadline);
	return status == TIMED_OUT ? OK : status;
}

enum status sleep_for(duration length)
{
	return sleep_until(in_ns(length));
}

void fiber_cancel(struct fiber *fiber)
{
	if (!fiber)
		return;
	fiber->is_cancelled = true;
	if (fiber->state == FIBER_WAITING)
		fiber_wake(fiber, CANCELLED);
}
