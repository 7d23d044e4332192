/*
 * The rows below are the order of the `g` packet. Their sum is checked against the structure.
 */
#include "host/gdb/registers.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum feature { CORE, SSE, LINUX, SEGMENTS };

/* Registers of one type; `names` are separated by blanks, one register each. */
static const struct group {
	enum feature feature;
	const char *names;
	unsigned bytes, count;
	const char *type;
} groups[] = {
	{ CORE, "rax rbx rcx rdx rsi rdi", 8, 6, "int64" },
	{ CORE, "rbp rsp", 8, 2, "data_ptr" },
	{ CORE, "r8 r9 r10 r11 r12 r13 r14 r15", 8, 8, "int64" },
	{ CORE, "rip", 8, 1, "code_ptr" },
	{ CORE, "eflags", 4, 1, "i386_eflags" },
	{ CORE, "cs ss ds es fs gs", 4, 6, "int32" },
	{ CORE, "st0 st1 st2 st3 st4 st5 st6 st7", 10, 8, "i387_ext" },
	{ CORE, "fctrl fstat ftag fiseg fioff foseg fooff fop", 4, 8, "int" },
	{ SSE,
		"xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 xmm8 xmm9 xmm10 xmm11 xmm12 xmm13 xmm14 "
		"xmm15",
		16, 16, "vec128" },
	{ SSE, "mxcsr", 4, 1, "i386_mxcsr" },
	{ LINUX, "orig_rax", 8, 1, "int" },
	{ SEGMENTS, "fs_base gs_base", 8, 2, "int" },
};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

/* gdb takes the registers of a Linux program only with orig_rax, and finds a relocated executable's
 * base (through AT_ENTRY) only for such a program. */
static const char *const feature_names[] = {
	[CORE] = "org.gnu.gdb.i386.core",
	[SSE] = "org.gnu.gdb.i386.sse",
	[LINUX] = "org.gnu.gdb.i386.linux",
	[SEGMENTS] = "org.gnu.gdb.i386.segments",
};

static const char *const feature_types[] = {
	[CORE] =
		"<flags id=\"i386_eflags\" size=\"4\">"
		"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
		"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
		"<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
		"<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
		"<field name=\"DF\" start=\"10\" end=\"10\"/>"
		"<field name=\"OF\" start=\"11\" end=\"11\"/>"
		"<field name=\"RF\" start=\"16\" end=\"16\"/>"
		"<field name=\"AC\" start=\"18\" end=\"18\"/></flags>",
	[SSE] = "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
		"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
		"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
		"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
		"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
		"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
		"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
		"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
		"<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
		"<field name=\"v2_int64\" type=\"v2i64\"/>"
		"<field name=\"uint128\" type=\"uint128\"/></union>"
		"<flags id=\"i386_mxcsr\" size=\"4\">"
		"<field name=\"IE\" start=\"0\" end=\"0\"/><field name=\"DE\" start=\"1\" end=\"1\"/>"
		"<field name=\"ZE\" start=\"2\" end=\"2\"/><field name=\"OE\" start=\"3\" end=\"3\"/>"
		"<field name=\"UE\" start=\"4\" end=\"4\"/><field name=\"PE\" start=\"5\" end=\"5\"/>"
		"<field name=\"DAZ\" start=\"6\" end=\"6\"/><field name=\"IM\" start=\"7\" end=\"7\"/>"
		"<field name=\"DM\" start=\"8\" end=\"8\"/><field name=\"ZM\" start=\"9\" end=\"9\"/>"
		"<field name=\"OM\" start=\"10\" end=\"10\"/>"
		"<field name=\"UM\" start=\"11\" end=\"11\"/>"
		"<field name=\"PM\" start=\"12\" end=\"12\"/>"
		"<field name=\"FZ\" start=\"15\" end=\"15\"/></flags>",
	[LINUX] = "",
	[SEGMENTS] = "",
};

size_t gdb_registers_find(uint64_t number, size_t *at)
{
	*at = 0;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		if (number < groups[i].count) {
			*at += number * groups[i].bytes;
			return groups[i].bytes;
		}
		number -= groups[i].count;
		*at += (size_t)groups[i].count * groups[i].bytes;
	}
	return 0;
}

/* Offsets in the image of FXSAVE. */
enum {
	FX_CONTROL = 0,
	FX_STATUS = 2,
	FX_TAGS = 4, /* bit i: physical register i is in use */
	FX_OPCODE = 6,
	FX_INSTRUCTION = 8,
	FX_OPERAND = 16,
	FX_MXCSR = 24,
	FX_ST = 32,
	FX_XMM = 160,
	FX_PITCH = 16,
};

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const uint8_t *at)
{
	return load16(at) | (uint32_t)load16(at + 2) << 16;
}

static void store(uint8_t *at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void gdb_registers_from_fxsave(struct gdb_registers *r, const uint8_t *fx)
{
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		memcpy(r->st[i], fx + FX_ST + i * FX_PITCH, sizeof(r->st[i]));
		tags |= (fx[FX_TAGS] >> i & 1) != 0 ? 0 : 3U << 2 * i;
	}
	memcpy(r->xmm, fx + FX_XMM, sizeof(r->xmm));
	r->mxcsr = load32(fx + FX_MXCSR);
	r->x87[GDB_FCTRL] = load16(fx + FX_CONTROL);
	r->x87[GDB_FSTAT] = load16(fx + FX_STATUS);
	r->x87[GDB_FTAG] = tags;
	r->x87[GDB_FISEG] = r->x87[GDB_FOSEG] = 0;
	r->x87[GDB_FIOFF] = load32(fx + FX_INSTRUCTION);
	r->x87[GDB_FOOFF] = load32(fx + FX_OPERAND);
	r->x87[GDB_FOP] = load16(fx + FX_OPCODE);
}

void gdb_registers_to_fxsave(const struct gdb_registers *r, uint8_t *fx)
{
	fx[FX_TAGS] = 0;
	for (unsigned i = 0; i < 8; i++) {
		memcpy(fx + FX_ST + i * FX_PITCH, r->st[i], sizeof(r->st[i]));
		if ((r->x87[GDB_FTAG] >> 2 * i & 3) != 3)
			fx[FX_TAGS] |= (uint8_t)(1U << i);
	}
	memcpy(fx + FX_XMM, r->xmm, sizeof(r->xmm));
	store(fx + FX_MXCSR, r->mxcsr & 0xffff, 4);
	store(fx + FX_CONTROL, r->x87[GDB_FCTRL], 2);
	store(fx + FX_STATUS, r->x87[GDB_FSTAT], 2);
	store(fx + FX_INSTRUCTION, r->x87[GDB_FIOFF], 4);
	store(fx + FX_OPERAND, r->x87[GDB_FOOFF], 4);
	store(fx + FX_OPCODE, r->x87[GDB_FOP], 2);
}

struct text {
	char *bytes;
	size_t room, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->bytes + text->used, text->room - text->used, format, arguments);
	va_end(arguments);
	if (length > 0)
		text->used += (size_t)length;
	if (text->used >= text->room)
		text->used = text->room - 1;
}

static void put_group(struct text *text, const struct group *group)
{
	const char *name = group->names;

	while (*name != '\0') {
		size_t length = strcspn(name, " ");

		put(text, "<reg name=\"%.*s\" bitsize=\"%u\" type=\"%s\"/>", (int)length, name,
			8 * group->bytes, group->type);
		name += length + (name[length] == ' ');
	}
}

size_t gdb_registers_describe(char *bytes, size_t room)
{
	struct text text = { .bytes = bytes, .room = room };

	put(&text, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		   "<target><architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>");
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		bool is_first = i == 0 || groups[i - 1].feature != groups[i].feature;
		bool is_last = i + 1 == GROUP_COUNT || groups[i + 1].feature != groups[i].feature;

		if (is_first)
			put(&text, "<feature name=\"%s\">%s", feature_names[groups[i].feature],
				feature_types[groups[i].feature]);
		put_group(&text, &groups[i]);
		put(&text, "%s", is_last ? "</feature>" : "");
	}
	put(&text, "</target>");
	return text.used;
}
