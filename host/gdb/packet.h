/*
 * Packets of gdb's remote serial protocol (gdb's manual, appendix E.1):
 *
 *     $ payload # two hex digits: the sum of the payload's bytes as sent, modulo 256
 *     +  taken    -  send it again    0x03  stop the target
 *
 * In a payload '}' escapes: the byte after it, exclusive-or 0x20, is meant. gdb is as hostile as the
 * network: whatever comes is taken apart byte by byte, and what does not fit is dropped as a whole.
 *
 * Payloads are read by struct gdb_words, which never passes their end, and written by struct
 * gdb_reply, which never passes its own.
 */
#ifndef DIATOM_GDB_PACKET_H
#define DIATOM_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PAYLOAD_MAX 16384 /* of a packet, in both directions */

enum gdb_event {
	GDB_NOTHING, /* the packet goes on */
	GDB_PACKET,
	GDB_BAD_PACKET, /* wrong sum or too long: to be sent again */
	GDB_TAKEN,
	GDB_AGAIN,
	GDB_INTERRUPT,
};

/* Zero-initialise. */
struct gdb_decoder {
	enum { DECODE_IDLE, DECODE_BODY, DECODE_ESCAPED, DECODE_SUM_HIGH, DECODE_SUM_LOW } state;
	uint8_t sum, stated;
	bool is_bad;
	size_t length; /* of the payload, unescaped */
	char payload[GDB_PAYLOAD_MAX];
};

/* Takes one byte. After GDB_PACKET the payload is complete until the next byte. */
enum gdb_event gdb_decode(struct gdb_decoder *decoder, uint8_t byte);

/* What of a payload is still to be read. */
struct gdb_words {
	const char *at, *end;
};

/* Reads on past `text` if it comes next. */
bool gdb_words_skip(struct gdb_words *words, const char *text);
/* Reads a hexadecimal number of 1 to 16 digits. */
bool gdb_words_number(struct gdb_words *words, uint64_t *number);
/* Reads 2 * length hexadecimal digits. */
bool gdb_words_bytes(struct gdb_words *words, void *bytes, size_t length);
static inline size_t gdb_words_left(const struct gdb_words *words)
{
	return (size_t)(words->end - words->at);
}

/* A payload in the making; what does not fit sets is_full and is left out. */
struct gdb_reply {
	bool is_full;
	size_t length;
	char payload[GDB_PAYLOAD_MAX];
};

void gdb_reply_text(struct gdb_reply *reply, const char *text);
void gdb_reply_number(struct gdb_reply *reply, uint64_t number);
/* As hexadecimal digits. */
void gdb_reply_bytes(struct gdb_reply *reply, const void *bytes, size_t length);
/* As they are, escaped; how many fit. */
size_t gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t length);

/* Frames the payload, which has no bytes left to escape. Returns the length, payload + 4. */
#define GDB_FRAME_MAX (GDB_PAYLOAD_MAX + 4)
size_t gdb_frame(const struct gdb_reply *reply, char *frame);

#endif
