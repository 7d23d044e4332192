/*
 * The registers of a body as gdb's remote protocol carries them: struct gdb_registers *is* the `g`
 * packet, and target.xml describes it row by row.
 */
#ifndef DIATOM_GDB_REGISTERS_H
#define DIATOM_GDB_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum gdb_general {
	GDB_RAX,
	GDB_RBX,
	GDB_RCX,
	GDB_RDX,
	GDB_RSI,
	GDB_RDI,
	GDB_RBP,
	GDB_RSP,
	GDB_R8,
	GDB_R12 = 12
};
enum gdb_segment { GDB_CS, GDB_SS, GDB_DS, GDB_ES, GDB_FS, GDB_GS };
enum gdb_x87 {
	GDB_FCTRL,
	GDB_FSTAT,
	GDB_FTAG, /* two bits a register, as the x87 stores them, not FXSAVE's one */
	GDB_FISEG,
	GDB_FIOFF,
	GDB_FOSEG,
	GDB_FOOFF,
	GDB_FOP,
};

struct __attribute__((packed)) gdb_registers {
	uint64_t general[16]; /* rax rbx rcx rdx rsi rdi rbp rsp r8 ... r15 */
	uint64_t rip;
	uint32_t eflags;
	uint32_t segments[6];
	uint8_t st[8][10];
	uint32_t x87[8];
	uint8_t xmm[16][16];
	uint32_t mxcsr;
	uint64_t orig_rax; /* the system call that a process is in; -1: none */
	uint64_t fs_base, gs_base;
};

_Static_assert(sizeof(struct gdb_registers) == 560, "the registers are a wire format");

/* Of eflags, what ring 3 may change: CF PF AF ZF SF DF OF AC ID. */
#define GDB_FLAGS_TO_SET 0x240cd5U

#define GDB_FXSAVE_BYTES 512

/* Where register `number` lies: its length in bytes, 0 if there is none, and its offset in `*at`. */
size_t gdb_registers_find(uint64_t number, size_t *at);

/* x87 and SSE state from and to the image that FXSAVE makes (Intel SDM volume 1, 10.5.1). What it has
 * beside the registers stays as it is. */
void gdb_registers_from_fxsave(struct gdb_registers *registers, const uint8_t *fxsave);
void gdb_registers_to_fxsave(const struct gdb_registers *registers, uint8_t *fxsave);

/* target.xml, in full, NUL-ended; its length. gdb's manual, "Target Descriptions". */
size_t gdb_registers_describe(char *text, size_t room);
#define GDB_DESCRIPTION_BYTES 8192

#endif
