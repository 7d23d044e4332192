/*
 * First where an address lies, then the cause as a sentence about the access and its place. The words
 * are those of host/crash/cause.c and instruction.c, shorter: there is no image file here to look into.
 */
#include "shim/crash.h"

#include <stdbool.h>
#include <stddef.h>

#include "abi/call.h"
#include "shim/console.h"
#include "shim/machine.h"
#include "shim/power.h"
#include "shim/world.h"

#define STACK_WORDS_SEEN  256
#define STACK_WORDS_SHOWN 12
#define RING_MASK	  3

enum vector {
	VECTOR_DIVIDE = 0,
	VECTOR_DEBUG = 1,
	VECTOR_BREAKPOINT = 3,
	VECTOR_INVALID = 6,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE = 14,
	VECTOR_ALIGNMENT = 17,
};

/* Of a page fault's error code. */
enum { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_EXECUTE = 16 };

enum { EXECUTE = 1, WRITE = 2 }; /* enum image_rights */

struct shim_state shim_state __attribute__((section(".state")));

extern const struct shim_image shim_image;

static bool is_in(const struct region *region, uint64_t address)
{
	return address >= region->virtual && address - region->virtual < region->bytes;
}

static const char *place_in_image(uint64_t offset)
{
	for (uint32_t i = 0; i < shim_image.region_count; i++) {
		const struct shim_region *r = &shim_image.regions[i];

		if (offset >= r->end || offset < (r->start & -BOOT_PAGE_BYTES))
			continue;
		return (r->start & EXECUTE) != 0 ? "image text"
		       : (r->start & WRITE) != 0 ? "image data"
						 : "image constants";
	}
	return "a hole of the image";
}

static bool is_guard(uint64_t address)
{
	const struct layout *l = &world.layout;
	uint64_t pitch = l->body.stack_bytes + BOOT_PAGE_BYTES;

	if (is_in(&l->body.stacks, address))
		return (address - l->body.stacks.virtual) % pitch < BOOT_PAGE_BYTES;
	return address < l->body.stack.virtual &&
	       l->body.stack.virtual - address <= BOOT_PAGE_BYTES;
}

static const char *place_of(uint64_t address)
{
	const struct layout *l = &world.layout;

	if (address < BOOT_PAGE_BYTES)
		return "NULL";
	if (address < UINT64_C(1) << 32)
		return "the shim's memory";
	if (is_in(&l->body.image, address))
		return place_in_image(address - l->body.image.virtual);
	if (is_in(&l->body.stacks, address))
		return "fiber stack";
	if (is_in(&l->body.stack, address) || is_guard(address))
		return "the main stack";
	if (is_in(&l->body.heap, address))
		return "the heap";
	if (is_in(&l->body.boot, address))
		return "boot information";
	if (is_in(&l->devices, address))
		return "a device window";
	return "no known memory";
}

static void say_place(uint64_t address)
{
	const struct layout *l = &world.layout;

	say(place_of(address));
	if (is_in(&l->body.stacks, address)) {
		say(" ");
		say_number((address - l->body.stacks.virtual) /
			   (l->body.stack_bytes + BOOT_PAGE_BYTES));
	}
}

static void say_page_fault(uint64_t code, uint64_t address)
{
	bool is_present = (code & FAULT_PRESENT) != 0;

	if (is_guard(address))
		say("stack overflow of ");
	else if ((code & FAULT_EXECUTE) != 0)
		say(is_present ? "execution of non-executable memory: " : "jump to ");
	else if ((code & FAULT_WRITE) != 0)
		say(is_present ? "write to read-only " : "write to unmapped memory: ");
	else
		say(is_present ? "read of forbidden " : "read of unmapped memory: ");
	say_place(address);
}

/* The opcodes that attackers want most; `extension` of the modrm byte, 8: any. Behind 0f first. A host that
 * reads shim_state knows more of them. */
static const struct {
	uint8_t is_plain, byte, extension;
	char name[12];
} opcodes[] = {
	{ 0, 0x01, 2, "lgdt" },
	{ 0, 0x01, 3, "lidt" },
	{ 0, 0x01, 7, "invlpg" },
	{ 0, 0x20, 8, "mov from cr" },
	{ 0, 0x22, 8, "mov to cr" },
	{ 0, 0x30, 8, "wrmsr" },
	{ 0, 0x32, 8, "rdmsr" },
	{ 1, 0xf4, 8, "hlt" },
	{ 1, 0xfa, 8, "cli" },
	{ 1, 0xfb, 8, "sti" },
};

static bool say_opcode(const uint8_t *code)
{
	bool is_plain = code[0] != 0x0f;

	for (unsigned i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		if (opcodes[i].is_plain != is_plain || opcodes[i].byte != code[!is_plain] ||
			(opcodes[i].extension != 8 && opcodes[i].extension != (code[2] >> 3 & 7)))
			continue;
		say("privileged instruction ");
		say_bytes(opcodes[i].name, sizeof(opcodes[i].name));
		return true;
	}
	return false;
}

static bool say_port(uint8_t opcode, uint8_t immediate, uint16_t dx)
{
	bool is_fixed = opcode >= 0xe4 && opcode <= 0xe7;

	if (!is_fixed && !(opcode >= 0xec && opcode <= 0xef) && !(opcode >= 0x6c && opcode <= 0x6f))
		return false;
	say("port 0x");
	say_hex(is_fixed ? immediate : dx, 1);
	say(" not granted");
	return true;
}

/* The CPU says "general protection"; the instruction says which. */
static bool say_instruction(uint64_t rip, uint16_t dx)
{
	const uint8_t *at;
	uint8_t code[3] = { 0 };
	unsigned skipped = 0;

	while ((at = world_body(rip, 1)) != NULL && skipped++ < 4 &&
		(*at == 0x66 || *at == 0xf2 || *at == 0xf3 || (*at & 0xf0) == 0x40))
		rip++;
	for (unsigned i = 0; i < sizeof(code); i++)
		if ((at = world_body(rip + i, 1)) != NULL)
			code[i] = *at;
	if (code[0] == 0xcd) {
		say("software interrupt 0x");
		say_hex(code[1], 1);
		return true;
	}
	return say_port(code[0], code[1], dx) || say_opcode(code);
}

static const char *name_of(uint64_t vector)
{
	switch (vector) {
	case VECTOR_DIVIDE:
		return "division by zero or overflow";
	case VECTOR_DEBUG:
		return "debug trap";
	case VECTOR_INVALID:
		return "a check in the code failed (bounds, overflow, call target) or an invalid "
		       "instruction";
	case VECTOR_PROTECTION:
		return "privileged instruction, or access at a non-canonical address";
	case VECTOR_ALIGNMENT:
		return "unaligned access";
	default:
		return "exception";
	}
}

static void say_cause(const struct shim_frame *frame, uint64_t code, uint64_t rip, uint64_t address)
{
	const char *why = (const char *)shim_state.why;

	if (why != NULL && shim_state.why_length > 0) {
		say_bytes(why, shim_state.why_length);
	} else if (why != NULL) {
		say(why);
	} else if (frame->vector == VECTOR_PAGE) {
		say_page_fault(code, address);
	} else if ((frame->vector != VECTOR_PROTECTION && frame->vector != VECTOR_INVALID) ||
		   !say_instruction(rip, (uint16_t)frame->rdx)) {
		say(name_of(frame->vector));
		say(" (vector ");
		say_number(frame->vector);
		say(")");
	}
}

static void say_address(const char *label, uint64_t address)
{
	say(label);
	say_hex(address, 1);
	if (is_in(&world.layout.body.image, address)) {
		say(", image+0x");
		say_hex(address - world.layout.body.image.virtual, 1);
	}
	say(" (");
	say_place(address);
	say(")\n");
}

static void say_registers(const struct shim_frame *frame, uint64_t rsp)
{
	static const char names[][4] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8 ",
		"r9 ", "r10", "r11", "r12", "r13", "r14", "r15", "rsp" };
	const uint64_t *values = &frame->rax;

	for (unsigned i = 0; i < 16; i++) {
		say("  ");
		say(names[i]);
		say(" ");
		say_hex(i < 15 ? values[i] : rsp, 16);
		say(i % 4 == 3 ? "\n" : "");
	}
}

/* Words on the stack that point into the text: return addresses, mostly. */
static void say_stack(uint64_t rsp)
{
	unsigned shown = 0;

	rsp &= -8;
	for (unsigned i = 0; i < STACK_WORDS_SEEN && shown < STACK_WORDS_SHOWN; i++, rsp += 8) {
		const uint64_t *word = world_body(rsp, 8);

		if (word == NULL)
			break;
		if (place_of(*word)[0] != 'i' || place_of(*word)[6] != 't')
			continue;
		say(shown++ == 0 ? "  called by (likely) image+0x" : " image+0x");
		say_hex(*word - world.layout.body.image.virtual, 1);
	}
	say(shown > 0 ? "\n" : "");
}

static bool is_out_of_memory(void)
{
	static const char words[] = CRASH_OUT_OF_MEMORY;
	const char *why = (const char *)shim_state.why;
	unsigned i = 0;

	while (i < shim_state.why_length && words[i] != '\0' && why[i] == words[i])
		i++;
	return words[i] == '\0';
}

static const char *name_of_image(void)
{
	const char *name = world.boot == NULL ? NULL : world_body(world.boot->arguments[0], 1);

	return name == NULL ? "image" : name;
}

_Noreturn void crash_exception(const struct shim_frame *frame)
{
	bool has_code = (SHIM_HAS_ERROR_CODE >> frame->vector & 1) != 0;
	const uint64_t *cpu = frame->cpu + has_code;
	uint64_t rip = cpu[0], rsp = cpu[3], address;

	shim_state.frame = (uint64_t)frame;
	__asm__ volatile("mov %%cr2, %0" : "=r"(address));
	shim_state.address = address;
	__asm__ volatile("rdmsr"
		: "=a"(shim_state.thread[0]), "=d"(shim_state.thread[1])
		: "c"(MSR_FS_BASE));
	report_mark(SHIM_CRASHED);
	say("diatom: ");
	say((cpu[1] & RING_MASK) == 0 ? "shim" : name_of_image());
	say(is_out_of_memory() ? " ended: " : " crashed: ");
	say_cause(frame, has_code ? frame->cpu[0] : 0, rip, address);
	say("\n");
	if (is_out_of_memory())
		say("  give it more memory: -m MIB\n");
	if (shim_state.why == 0 && frame->vector == VECTOR_PAGE)
		say_address("  address 0x", address);
	say_address("  at      0x", rip);
	say_registers(frame, rsp);
	say_stack(rsp);
	power_off(is_out_of_memory() ? EXIT_OUT_OF_MEMORY : EXIT_CRASHED);
}
