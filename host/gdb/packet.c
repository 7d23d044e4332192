/* See packet.h. Nothing here knows what a payload means. */
#include "host/gdb/packet.h"

#include <string.h>

#include "host/hex.h"

#define ESCAPE	  '}'
#define ESCAPE_BY 0x20
#define INTERRUPT 0x03

static void begin(struct gdb_decoder *d)
{
	d->state = DECODE_BODY;
	d->sum = d->stated = 0;
	d->is_bad = false;
	d->length = 0;
}

static enum gdb_event take_idle(struct gdb_decoder *d, uint8_t byte)
{
	switch (byte) {
	case '$':
		begin(d);
		return GDB_NOTHING;
	case '+':
		return GDB_TAKEN;
	case '-':
		return GDB_AGAIN;
	case INTERRUPT:
		return GDB_INTERRUPT;
	default:
		return GDB_NOTHING; /* noise between packets */
	}
}

static void take_body(struct gdb_decoder *d, uint8_t byte)
{
	if (byte == '$') {
		begin(d); /* the last one was cut short */
		return;
	}
	if (byte == '#') {
		d->is_bad |= d->state == DECODE_ESCAPED;
		d->state = DECODE_SUM_HIGH;
		return;
	}
	d->sum = (uint8_t)(d->sum + byte);
	if (d->state == DECODE_BODY && byte == ESCAPE) {
		d->state = DECODE_ESCAPED;
		return;
	}
	if (d->length == sizeof(d->payload))
		d->is_bad = true;
	else
		d->payload[d->length++] =
			(char)(d->state == DECODE_ESCAPED ? byte ^ ESCAPE_BY : byte);
	d->state = DECODE_BODY;
}

static void take_sum(struct gdb_decoder *d, uint8_t byte)
{
	int digit = hex_digit((char)byte);

	d->is_bad |= digit < 0;
	d->stated = (uint8_t)(d->stated << 4 | (digit & 0xf));
}

enum gdb_event gdb_decode(struct gdb_decoder *d, uint8_t byte)
{
	switch (d->state) {
	case DECODE_IDLE:
		return take_idle(d, byte);
	case DECODE_BODY:
	case DECODE_ESCAPED:
		take_body(d, byte);
		return GDB_NOTHING;
	case DECODE_SUM_HIGH:
		take_sum(d, byte);
		d->state = DECODE_SUM_LOW;
		return GDB_NOTHING;
	case DECODE_SUM_LOW:
		take_sum(d, byte);
		d->state = DECODE_IDLE;
		return d->is_bad || d->sum != d->stated ? GDB_BAD_PACKET : GDB_PACKET;
	}
	return GDB_NOTHING;
}

bool gdb_words_skip(struct gdb_words *words, const char *text)
{
	size_t length = strlen(text);

	if (gdb_words_left(words) < length || memcmp(words->at, text, length) != 0)
		return false;
	words->at += length;
	return true;
}

bool gdb_words_number(struct gdb_words *words, uint64_t *number)
{
	unsigned digits = 0;

	*number = 0;
	for (; words->at < words->end && hex_digit(*words->at) >= 0; words->at++, digits++)
		*number = *number << 4 | (unsigned)hex_digit(*words->at);
	return digits >= 1 && digits <= 16;
}

bool gdb_words_bytes(struct gdb_words *words, void *bytes, size_t length)
{
	uint8_t *to = bytes;

	if (gdb_words_left(words) / 2 < length)
		return false;
	for (size_t i = 0; i < length; i++, words->at += 2) {
		int high = hex_digit(words->at[0]), low = hex_digit(words->at[1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void put(struct gdb_reply *reply, char byte)
{
	if (reply->length == sizeof(reply->payload))
		reply->is_full = true;
	else
		reply->payload[reply->length++] = byte;
}

void gdb_reply_text(struct gdb_reply *reply, const char *text)
{
	for (; *text != '\0'; text++)
		put(reply, *text);
}

void gdb_reply_number(struct gdb_reply *reply, uint64_t number)
{
	unsigned shift = 60;

	while (shift > 0 && number >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		put(reply, "0123456789abcdef"[number >> shift & 0xf]);
		if (shift == 0)
			return;
	}
}

void gdb_reply_bytes(struct gdb_reply *reply, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++) {
		put(reply, "0123456789abcdef"[from[i] >> 4]);
		put(reply, "0123456789abcdef"[from[i] & 0xf]);
	}
}

size_t gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t length)
{
	const char *from = bytes;
	size_t i = 0;

	for (; i < length && sizeof(reply->payload) - reply->length >= 2; i++) {
		bool is_escaped =
			from[i] == '#' || from[i] == '$' || from[i] == ESCAPE || from[i] == '*';

		if (is_escaped)
			put(reply, ESCAPE);
		put(reply, (char)(is_escaped ? from[i] ^ ESCAPE_BY : from[i]));
	}
	return i;
}

size_t gdb_frame(const struct gdb_reply *reply, char *frame)
{
	uint8_t sum = 0;

	frame[0] = '$';
	for (size_t i = 0; i < reply->length; i++) {
		frame[1 + i] = reply->payload[i];
		sum = (uint8_t)(sum + (uint8_t)reply->payload[i]);
	}
	frame[1 + reply->length] = '#';
	frame[2 + reply->length] = "0123456789abcdef"[sum >> 4];
	frame[3 + reply->length] = "0123456789abcdef"[sum & 0xf];
	return reply->length + 4;
}
