/*
 * The shim was in ring 0 when it stopped, so the registers are those that it saved on its exception
 * stack.
 */
#include "host/qemu/crash.h"

#include <string.h>

#include "host/crash/instruction.h"
#include "host/crash/report.h"
#include "host/qemu/world.h"

#define WHY_MAX	  1024
#define RING_MASK 3

/* What the CPU pushed. */
struct cpu_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

static bool has_error_code(uint64_t vector)
{
	return vector < 32 && (SHIM_HAS_ERROR_CODE >> vector & 1) != 0;
}

static bool read_registers(
	const struct memory *memory, const struct shim_state *state, struct crash_report *report)
{
	struct crash_registers *r = &report->registers;
	struct cpu_frame cpu;
	struct shim_frame f;
	uint64_t at = state->frame;

	if (!memory_read(memory, at, &f, sizeof(f)))
		return false;
	at += sizeof(f);
	if (has_error_code(f.vector)) {
		if (!memory_read(memory, at, &report->error_code, sizeof(report->error_code)))
			return false;
		at += sizeof(report->error_code);
	}
	if (!memory_read(memory, at, &cpu, sizeof(cpu)))
		return false;
	*r = (struct crash_registers){ f.rax, f.rbx, f.rcx, f.rdx, f.rsi, f.rdi, f.rbp, cpu.rsp,
		f.r8, f.r9, f.r10, f.r11, f.r12, f.r13, f.r14, f.r15, cpu.rip, cpu.rflags,
		state->thread[0] | (uint64_t)state->thread[1] << 32 };
	report->vector = (int)(f.vector & 0xff);
	return (cpu.cs & RING_MASK) == RING_MASK; /* else it was the shim itself */
}

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
	struct crash_report report = {
		.name = config->name,
		.body = { image, &world.boot, memory_read_body, memory },
		.debug = config->debug,
		.core = config->core,
	};

	if (!world_read(&world, memory, image) || !read_registers(memory, &world.state, &report))
		return false;
	report.address = world.state.address;
	read_words(memory, &world.state, &report, words);
	if (report.why == NULL)
		instruction_explain(&report, words, sizeof(words));
	crash_report_print(&report);
	return true;
}
