/*
 * Not a disassembler: the few opcodes that ring 3 is refused, behind any prefixes. What it does not
 * know it does not name.
 */
#include "host/crash/instruction.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define INSTRUCTION_BYTES  15
#define GENERAL_PROTECTION 13
#define UNDEFINED_OPCODE   6

struct opcode {
	uint8_t byte;
	int8_t extension; /* of the modrm byte; -1: any */
	const char *name;
};

static const struct opcode plain[] = {
	{ 0xf4, -1, "hlt" },
	{ 0xfa, -1, "cli" },
	{ 0xfb, -1, "sti" },
};

/* Behind 0f. */
static const struct opcode extended[] = {
	{ 0x00, 2, "lldt" },
	{ 0x00, 3, "ltr" },
	{ 0x01, 0, "sgdt" },
	{ 0x01, 1, "sidt" },
	{ 0x01, 2, "lgdt" },
	{ 0x01, 3, "lidt" },
	{ 0x01, 6, "lmsw" },
	{ 0x01, 7, "invlpg" },
	{ 0x06, -1, "clts" },
	{ 0x08, -1, "invd" },
	{ 0x09, -1, "wbinvd" },
	{ 0x20, -1, "mov from cr" },
	{ 0x21, -1, "mov from dr" },
	{ 0x22, -1, "mov to cr" },
	{ 0x23, -1, "mov to dr" },
	{ 0x30, -1, "wrmsr" },
	{ 0x32, -1, "rdmsr" },
	{ 0x33, -1, "rdpmc" },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *find(const struct opcode *rows, size_t count, uint8_t byte, uint8_t modrm)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].byte == byte &&
			(rows[i].extension < 0 || rows[i].extension == (modrm >> 3 & 7)))
			return rows[i].name;
	return NULL;
}

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 ||
	       (byte & 0xf0) == 0x40;
}

void instruction_describe(char *text, size_t room, const uint8_t *code, size_t length, uint16_t dx)
{
	uint8_t bytes[3] = { 0 };
	const char *name;
	size_t at = 0;

	text[0] = '\0';
	while (at < length && is_prefix(code[at]))
		at++;
	for (size_t i = 0; i < sizeof(bytes) && at + i < length; i++)
		bytes[i] = code[at + i];
	name = bytes[0] == 0x0f ? find(extended, COUNT(extended), bytes[1], bytes[2])
				: find(plain, COUNT(plain), bytes[0], 0);
	if (name != NULL)
		snprintf(text, room, "privileged instruction %s%s", name,
			bytes[0] == 0xf4 ? ": what the C library ends with when it is damaged"
					 : "");
	else if (bytes[0] >= 0xe4 && bytes[0] <= 0xe7)
		snprintf(text, room, "port %#x not granted", bytes[1]);
	else if ((bytes[0] >= 0xec && bytes[0] <= 0xef) || (bytes[0] >= 0x6c && bytes[0] <= 0x6f))
		snprintf(text, room, "port %#x not granted", dx);
	else if (bytes[0] == 0xcd)
		snprintf(text, room, "software interrupt %#x", bytes[1]);
}

/* The CPU says "general protection"; the instruction says which. An undefined opcode may be one, too,
 * where the hypervisor makes it so. */
void instruction_explain(struct crash_report *report, char *text, size_t room)
{
	const struct body *body = &report->body;
	uint8_t code[INSTRUCTION_BYTES];
	size_t length = sizeof(code);

	if (report->vector != GENERAL_PROTECTION && report->vector != UNDEFINED_OPCODE)
		return;
	/* An instruction at the end of a region is shorter than the longest. */
	while (length > 0 && !body->read(body->self, report->registers.rip, code, length))
		length--;
	if (length == 0)
		return;
	instruction_describe(text, room, code, length, (uint16_t)report->registers.rdx);
	if (text[0] == '\0')
		return;
	report->why = text;
	report->why_length = strlen(text);
}
