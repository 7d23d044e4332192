/*
 * Reading is one switch on the state for each byte of a chunk's line, and one step for all of its
 * data that is there:
 *
 *     SIZE --digit--> DIGITS --CR--> LINE_FEED --LF--> DATA --all--> DATA_CR --> DATA_LF --> SIZE
 *                       | blank --> BLANKS --;--> EXTENSION           \-- size 0 --> LAST
 *                       \-- ; ----------------> EXTENSION --CR--> LINE_FEED
 */
#include "wire/http_chunk.h"

#include "wire/http_text.h"

enum state { SIZE, DIGITS, BLANKS, EXTENSION, LINE_FEED, DATA, DATA_CR, DATA_LF, LAST, BROKEN };

#define SIZE_MAX_BEFORE_DIGIT (INT64_MAX >> 4)

static enum state after_digit(struct http_chunks *c, uint8_t byte)
{
	int digit = http_hex(byte);

	if (digit < 0 || c->left > SIZE_MAX_BEFORE_DIGIT)
		return BROKEN;
	c->left = c->left << 4 | (unsigned)digit;
	return DIGITS;
}

/* What may come behind a size: extensions, perhaps after blanks (7.1.1), or the line's end. */
static enum state after_size(uint8_t byte, bool may_end)
{
	if (byte == ';')
		return EXTENSION;
	if (byte == ' ' || byte == '\t')
		return BLANKS;
	return byte == '\r' && may_end ? LINE_FEED : BROKEN;
}

static enum state step(struct http_chunks *c, uint8_t byte)
{
	switch ((enum state)c->state) {
	case SIZE:
		c->left = 0;
		c->line_bytes = 0;
		return after_digit(c, byte);
	case DIGITS:
		return http_hex(byte) >= 0 ? after_digit(c, byte) : after_size(byte, true);
	case BLANKS:
		return after_size(byte, false);
	case EXTENSION:
		if (byte == '\r')
			return LINE_FEED;
		return http_is(&http_value, byte) ? EXTENSION : BROKEN;
	case LINE_FEED:
		if (byte != '\n')
			return BROKEN;
		return c->left > 0 ? DATA : LAST;
	case DATA_CR:
		return byte == '\r' ? DATA_LF : BROKEN;
	case DATA_LF:
		return byte == '\n' ? SIZE : BROKEN;
	case DATA:
	case LAST:
	case BROKEN:
		break;
	}
	return BROKEN;
}

static enum http_chunk_event take_data(struct http_chunks *c, struct view *bytes, struct view *data)
{
	size_t n = bytes->length < c->left ? bytes->length : (size_t)c->left;

	*data = view_part(*bytes, 0, n);
	*bytes = view_part(*bytes, n, bytes->length);
	c->left -= n;
	if (c->left == 0)
		c->state = DATA_CR;
	return HTTP_CHUNK_DATA;
}

enum http_chunk_event http_chunk_next(struct http_chunks *c, struct view *bytes, struct view *data)
{
	while (bytes->length > 0 && c->state != LAST && c->state != BROKEN) {
		if (c->state == DATA)
			return take_data(c, bytes, data);
		c->state = (uint8_t)step(c, bytes->data[0]);
		*bytes = view_part(*bytes, 1, bytes->length);
		if (++c->line_bytes > HTTP_CHUNK_LINE_MAX)
			c->state = BROKEN;
	}
	if (c->state == BROKEN)
		return HTTP_CHUNK_FAULT;
	return c->state == LAST ? HTTP_CHUNK_TRAILERS : HTTP_CHUNK_MORE;
}

size_t http_chunk_head(uint8_t *line, uint64_t length)
{
	unsigned digits = (64 - (unsigned)__builtin_clzll(length | 1) + 3) / 4;

	for (unsigned i = 0; i < digits; i++)
		line[i] = (uint8_t)"0123456789abcdef"[length >> 4 * (digits - 1 - i) & 15];
	line[digits] = '\r';
	line[digits + 1] = '\n';
	return digits + 2;
}
