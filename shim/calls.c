/*
 * Platform calls (abi/call.h), from the breakpoint of the call page. A call's memory must be the
 * body's; anything else is the body's crash.
 */
#include <stdbool.h>
#include <stddef.h>

#include "abi/call.h"
#include "shim/clock.h"
#include "shim/console.h"
#include "shim/crash.h"
#include "shim/device.h"
#include "shim/machine.h"
#include "shim/power.h"
#include "shim/world.h"

#define CRASH_TEXT_MAX 1024
#define DRAIN_NS       100000000
#define USER_END       (UINT64_C(1) << 47)

static const char not_its_own[] = "platform call with memory that is not the body's";

/* Where the CPU goes on. */
struct call_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

const char *calls_enter(
	uint32_t number, uint64_t first, uint64_t second, const struct call_frame *frame);

/* Interrupts that wait are taken: each has set what it has to say. */
static void take_interrupts(bool is_waiting)
{
	if (is_waiting)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	else
		__asm__ volatile("sti; nop; cli" ::: "memory");
}

static bool wants_finish(void)
{
	bool is_asked = false;

	while (console_wants_finish()) {
		world.page->finish_requested++;
		is_asked = true;
	}
	return is_asked;
}

static void sleep_until(int64_t deadline)
{
	int64_t left = INT64_MAX;

	if (deadline == INT64_MIN) {
		take_interrupts(false);
		wants_finish();
		return;
	}
	devices_acknowledge();
	if (devices_arm() || wants_finish())
		return;
	if (deadline != INT64_MAX &&
		__builtin_sub_overflow(deadline, clock_now(&world.boot->clock), &left))
		left = deadline < 0 ? 0 : INT64_MAX;
	if (left <= 0)
		return;
	if (left != INT64_MAX)
		timer_start(left);
	take_interrupts(true);
	if (left != INT64_MAX)
		timer_stop();
	wants_finish();
}

/* What was submitted is sent before the machine goes. */
static void drain(void)
{
	int64_t end = clock_now(&world.boot->clock) + DRAIN_NS;

	while (devices_have_output() && clock_now(&world.boot->clock) < end)
		__builtin_ia32_pause();
}

static const char *write_console(uint64_t address, uint64_t length)
{
	const void *bytes = world_body(address, length);

	if (bytes == NULL)
		return not_its_own;
	console_write(bytes, length);
	return NULL;
}

static const char *crash(uint64_t address, uint64_t length)
{
	uint64_t shown = length < CRASH_TEXT_MAX ? length : CRASH_TEXT_MAX;
	const char *text = world_body(address, shown);

	if (text == NULL)
		return not_its_own;
	shim_state.why_length = shown;
	return text;
}

static const char *set_thread(uint64_t address)
{
	if (address >= USER_END)
		return "thread pointer that is not the body's";
	msr_write(MSR_FS_BASE, address);
	return NULL;
}

/* NULL: the body goes on; else why it crashed. */
static const char *act(uint32_t number, uint64_t first, uint64_t second)
{
	switch (number) {
	case CALL_SLEEP:
		sleep_until((int64_t)first);
		return NULL;
	case CALL_EXIT:
		drain();
		power_off((uint8_t)first);
	case CALL_CONSOLE:
		return write_console(first, second);
	case CALL_CRASH:
		return crash(first, second);
	case CALL_DEVICE_BEGIN:
		device_begin(first, second);
		return NULL;
	case CALL_DEVICE_QUEUE:
		device_queue(first, second, &world.layout);
		return NULL;
	case CALL_DEVICE_START:
		device_start(first);
		return NULL;
	case CALL_DEVICE_SUBMIT:
		device_submit(first, second);
		return NULL;
	case CALL_THREAD:
		return set_thread(first);
	default:
		return "platform call that does not exist";
	}
}

const char *calls_enter(
	uint32_t number, uint64_t first, uint64_t second, const struct call_frame *frame)
{
	if (frame->rip != world.boot->call + 1)
		return "breakpoint instruction";
	return act(number, first, second);
}
