/*
 * The shim was in ring 0 when it stopped, so the registers are those that it saved on its exception
 * stack.
 */
#include "host/qemu/crash.h"

#include <string.h>

#include "host/crash/instruction.h"
#include "host/crash/report.h"
#include "host/qemu/world.h"

#define WHY_MAX 1024

/* The words of a platform call that was a crash: the body's, or a constant of the shim's. */
static void read_words(const struct memory *memory, const struct shim_state *state,
	struct crash_report *report, char words[WHY_MAX])
{
	uint64_t length = state->why_length < WHY_MAX ? state->why_length : WHY_MAX;
	uint64_t most = length != 0 ? length : WHY_MAX;

	memset(words, 0, WHY_MAX);
	if (state->why == 0 || !memory_read(memory, state->why, words, most))
		return;
	report->vector = -1;
	report->why = words;
	report->why_length = length != 0 ? length : strnlen(words, WHY_MAX);
}

bool crash_tell(struct memory *memory, const struct run_config *config, const struct image *image)
{
	static struct world world;
	static char words[WHY_MAX];
	struct world_stop stop;
	struct crash_report report = {
		.name = config->name,
		.body = { image, &world.boot, memory_read_body, memory },
		.debug = config->debug,
		.core = config->core,
	};

	if (!world_read(&world, memory, image) || !world_read_stop(&world, memory, &stop))
		return false;
	report.vector = (int)(stop.vector & 0xff);
	report.error_code = stop.error_code;
	report.address = world.state.address;
	report.registers = stop.registers;
	read_words(memory, &world.state, &report, words);
	if (report.why == NULL)
		instruction_explain(&report, words, sizeof(words));
	crash_report_print(&report);
	return true;
}
