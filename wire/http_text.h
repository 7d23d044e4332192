/*
 * The character classes of HTTP's grammar (RFC 9110 5.6, RFC 9112), as sets of bytes.
 */
#ifndef DIATOM_WIRE_HTTP_TEXT_H
#define DIATOM_WIRE_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diatom/view.h"

struct http_class {
	uint64_t bits[4];
};

extern const struct http_class http_token; /* tchar (9110 5.6.2) */
extern const struct http_class
	http_value; /* what a field value may hold: VCHAR, obs-text, SP, HTAB */
extern const struct http_class http_target; /* VCHAR: a request target, without blanks */
extern const struct http_class http_host;   /* of uri-host and port (RFC 3986 3.2.2) */

static inline bool http_is(const struct http_class *class, uint8_t c)
{
	return class->bits[c >> 6] >> (c & 63) & 1;
}

/* The first byte of [at, end) that is not in the class. */
static inline const uint8_t *http_skip(
	const struct http_class *class, const uint8_t *at, const uint8_t *end)
{
	while (at < end && http_is(class, *at))
		at++;
	return at;
}

static inline bool http_all(const struct http_class *class, struct view text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!http_is(class, text.data[i]))
			return false;
	return true;
}

static inline bool http_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline uint8_t http_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The value of a hexadecimal digit, or -1. */
int http_hex(uint8_t c);

/* Is it that word, whatever the case of its ASCII letters? `word` is in lower case. */
bool http_text_is(struct view text, const char *word);

/* Without blanks (SP, HTAB) at either end. */
struct view http_trim(struct view text);

/* A decimal number of all the text's characters, at least one; false for anything else, and for one
 * beyond 2^63 - 1. */
bool http_decimal(struct view text, uint64_t *value);

/*
 * Takes the next element of a comma-separated list (9110 5.6.1) from *rest, without blanks around it;
 * empty elements are passed over, as they must be. False at the end. Commas inside quoted strings do
 * not separate.
 */
bool http_list_next(struct view *rest, struct view *element);

/* The same for any separator, where empty elements are passed over, too: ';' of parameters. */
bool http_split_next(struct view *rest, uint8_t separator, struct view *element);

/* Does a list have that element, whatever the case? */
bool http_list_has(struct view list, const char *word);

#endif
