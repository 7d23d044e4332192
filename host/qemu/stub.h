/*
 * QEMU's own gdb server, as its client: gdb's remote protocol from the other side (host/gdb/packet.h).
 *
 *     stub_begin, gdb_reply_text(&stub.request, "m..."), stub_ask     a question and its answer
 *     stub_go                                                         the machine runs
 *     stub_take_stop                                                  ... and stands again
 *
 * QEMU answers at once or is gone: all calls wait, some seconds at most. What it says is hostile input.
 */
#ifndef DIATOM_QEMU_STUB_H
#define DIATOM_QEMU_STUB_H

#include "host/gdb/packet.h"

struct stub {
	int fd;	       /* a socket, blocking */
	bool is_gone;  /* it hung up, or: */
	bool is_wrong; /* it answered nonsense, or not at all: nothing more is asked */
	bool owes_ack; /* for the last packet */
	struct gdb_reply request;
	struct gdb_decoder decoder;
};

/* QEMU's order of the `g` packet. */
struct __attribute__((packed)) stub_registers {
	uint64_t general[16]; /* as gdb's */
	uint64_t rip;
	uint32_t eflags;
	uint32_t segments[6]; /* enum gdb_segment */
	uint64_t fs_base, gs_base, kernel_gs_base, control[5], efer;
	uint8_t st[8][10];
	uint32_t x87[8];
	uint8_t xmm[16][16];
	uint32_t mxcsr;
};

enum stub_point {
	STUB_BREAK = 1,
	STUB_WRITE = 2,
	STUB_READ = 3,
	STUB_ACCESS = 4
}; /* as in Z packets */

struct stub_stop {
	bool is_watch;
	uint64_t address; /* that was watched */
};

void stub_begin(struct stub *stub, const char *text);

/* Sends the request; `answer` is good until the next call. False: it is gone. */
bool stub_ask(struct stub *stub, struct gdb_words *answer);

/* The same, when the answer is to be OK. */
bool stub_order(struct stub *stub);

/* Sets or removes. */
bool stub_point(
	struct stub *stub, bool is_set, enum stub_point kind, uint64_t address, uint64_t length);

bool stub_read_registers(struct stub *stub, struct stub_registers *registers);

/* Writes those that differ from `old`. */
bool stub_write_registers(
	struct stub *stub, const struct stub_registers *old, const struct stub_registers *new);

/* At virtual addresses; what QEMU has translated of it, it translates anew. */
bool stub_write(struct stub *stub, uint64_t address, const void *bytes, uint64_t length);

/* Runs on, or one instruction. What comes next is the stop. */
bool stub_go(struct stub *stub, bool is_step);

/* Makes a running machine stand; its stop is to be taken. */
bool stub_interrupt(struct stub *stub);

/* Waits until it stands. */
bool stub_take_stop(struct stub *stub, struct stub_stop *stop);

#endif
