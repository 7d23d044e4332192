/* See stub.h. QEMU wants each packet acknowledged; it gets that with the next request. */
#include "host/qemu/stub.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 20000
#define READ_BYTES  2048
#define PIECE_BYTES 1024 /* of memory, in a packet: QEMU takes 4096 characters */

static bool lose(struct stub *stub)
{
	stub->is_gone = true;
	return false;
}

static bool mistrust(struct stub *stub)
{
	stub->is_wrong = true;
	return lose(stub);
}

static bool send_all(struct stub *stub, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(stub->fd, bytes, length, MSG_NOSIGNAL);

		if (n <= 0)
			return lose(stub);
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* Takes bytes up to `wanted`. True: it came; else nothing of note. */
static bool decode(
	struct stub *stub, const char *bytes, size_t length, size_t *taken, enum gdb_event wanted)
{
	for (*taken = 0; *taken < length;) {
		enum gdb_event event = gdb_decode(&stub->decoder, (uint8_t)bytes[(*taken)++]);

		if (event == wanted)
			return true;
		/* Over a socket nothing gets damaged. */
		if (event == GDB_PACKET || event == GDB_BAD_PACKET || event == GDB_AGAIN)
			return mistrust(stub);
	}
	return false;
}

/* Waits for a packet, or an acknowledgement. What is behind it stays in the socket, where the caller's
 * poll finds it. */
static bool take(struct stub *stub, enum gdb_event wanted)
{
	struct pollfd polled = { .fd = stub->fd, .events = POLLIN };
	char bytes[READ_BYTES];
	bool has_come = false;

	for (size_t all = 0, taken; !has_come && !stub->is_gone; all += taken) {
		ssize_t n;

		if (all > 2 * GDB_FRAME_MAX || poll(&polled, 1, PATIENCE_MS) <= 0)
			return mistrust(stub);
		n = recv(stub->fd, bytes, sizeof(bytes), MSG_PEEK);
		if (n <= 0)
			return lose(stub);
		has_come = decode(stub, bytes, (size_t)n, &taken, wanted);
		if (recv(stub->fd, bytes, taken, 0) != (ssize_t)taken)
			return lose(stub);
	}
	return has_come;
}

static bool take_packet(struct stub *stub, struct gdb_words *words)
{
	if (stub->is_gone || !take(stub, GDB_PACKET))
		return false;
	*words = (struct gdb_words){ stub->decoder.payload,
		stub->decoder.payload + stub->decoder.length };
	stub->owes_ack = true;
	return true;
}

void stub_begin(struct stub *stub, const char *text)
{
	stub->request.length = 0;
	stub->request.is_full = false;
	gdb_reply_text(&stub->request, text);
}

static bool send_request(struct stub *stub)
{
	static char bytes[1 + GDB_FRAME_MAX];
	bool owed = stub->owes_ack;

	bytes[0] = '+';
	stub->owes_ack = false;
	return !stub->is_gone &&
	       send_all(stub, bytes + !owed, owed + gdb_frame(&stub->request, bytes + 1));
}

bool stub_ask(struct stub *stub, struct gdb_words *answer)
{
	return send_request(stub) && take_packet(stub, answer);
}

bool stub_order(struct stub *stub)
{
	struct gdb_words answer;

	return stub_ask(stub, &answer) && gdb_words_skip(&answer, "OK");
}

bool stub_point(
	struct stub *stub, bool is_set, enum stub_point kind, uint64_t address, uint64_t length)
{
	stub_begin(stub, is_set ? "Z" : "z");
	gdb_reply_number(&stub->request, kind);
	gdb_reply_text(&stub->request, ",");
	gdb_reply_number(&stub->request, address);
	gdb_reply_text(&stub->request, ",");
	gdb_reply_number(&stub->request, length);
	return stub_order(stub);
}

bool stub_read_registers(struct stub *stub, struct stub_registers *registers)
{
	struct gdb_words answer;

	stub_begin(stub, "g");
	return stub_ask(stub, &answer) && gdb_words_bytes(&answer, registers, sizeof(*registers));
}

/* Registers by QEMU's numbers, as they follow each other in the `g` packet. */
static const struct row {
	unsigned first, count;
	size_t at, bytes;
} rows[] = {
	{ 0, 16, offsetof(struct stub_registers, general), 8 },
	{ 16, 1, offsetof(struct stub_registers, rip), 8 },
	{ 17, 1, offsetof(struct stub_registers, eflags), 4 },
	{ 18, 6, offsetof(struct stub_registers, segments), 4 },
	{ 24, 2, offsetof(struct stub_registers, fs_base), 8 },
	{ 33, 8, offsetof(struct stub_registers, st), 10 },
	{ 41, 8, offsetof(struct stub_registers, x87), 4 },
	{ 49, 16, offsetof(struct stub_registers, xmm), 16 },
	{ 65, 1, offsetof(struct stub_registers, mxcsr), 4 },
};

static bool write_register(struct stub *stub, unsigned number, const void *bytes, size_t length)
{
	stub_begin(stub, "P");
	gdb_reply_number(&stub->request, number);
	gdb_reply_text(&stub->request, "=");
	gdb_reply_bytes(&stub->request, bytes, length);
	return stub_order(stub);
}

bool stub_write_registers(
	struct stub *stub, const struct stub_registers *old, const struct stub_registers *new)
{
	bool is_good = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned n = 0; n < rows[i].count; n++) {
			size_t at = rows[i].at + n * rows[i].bytes;
			const uint8_t *wanted = (const uint8_t *)new + at;

			if (memcmp(wanted, (const uint8_t *)old + at, rows[i].bytes) != 0)
				is_good &= write_register(
					stub, rows[i].first + n, wanted, rows[i].bytes);
		}
	}
	return is_good;
}

bool stub_write(struct stub *stub, uint64_t address, const void *bytes, uint64_t length)
{
	const uint8_t *at = bytes;
	bool is_good = true;

	while (length > 0 && is_good) {
		uint64_t piece = length < PIECE_BYTES ? length : PIECE_BYTES;

		stub_begin(stub, "M");
		gdb_reply_number(&stub->request, address);
		gdb_reply_text(&stub->request, ",");
		gdb_reply_number(&stub->request, piece);
		gdb_reply_text(&stub->request, ":");
		gdb_reply_bytes(&stub->request, at, piece);
		is_good = stub_order(stub);
		address += piece;
		at += piece;
		length -= piece;
	}
	return is_good;
}

bool stub_go(struct stub *stub, bool is_step)
{
	stub_begin(stub, is_step ? "s" : "c");
	return send_request(stub) && take(stub, GDB_TAKEN);
}

bool stub_interrupt(struct stub *stub)
{
	return !stub->is_gone && send_all(stub, "\x03", 1);
}

/* "T05thread:01;watch:10f010;" */
bool stub_take_stop(struct stub *stub, struct stub_stop *stop)
{
	static const char *const kinds[] = { "watch:", "rwatch:", "awatch:" };
	struct gdb_words words;

	*stop = (struct stub_stop){ .is_watch = false };
	if (!take_packet(stub, &words))
		return false;
	if (!gdb_words_skip(&words, "T"))
		return mistrust(stub);
	for (; gdb_words_left(&words) > 0; words.at++) {
		if (*words.at != ';')
			continue;
		words.at++;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			stop->is_watch |= gdb_words_skip(&words, kinds[i]) &&
					  gdb_words_number(&words, &stop->address);
		words.at--;
	}
	return true;
}
