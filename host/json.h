/*
 * JSON (RFC 8259) for our own files and listings, into a buffer or a stream.
 *
 * Two ways to write: json_put for text that is laid out by hand, json_key and what is below it for
 * members one after the other, with their commas.
 */
#ifndef DIATOM_HOST_JSON_H
#define DIATOM_HOST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out; /* NULL: the buffer */
	char *text;
	size_t used, room;
	bool is_full;	  /* the buffer was too small */
	bool needs_comma; /* before the next member or element */
};

/* Into a buffer, which is always NUL-ended; what does not fit is left out, and `is_full` says so. */
void json_begin(struct json *json, char *text, size_t room);

/* To a stream, in ASCII, since texts may be in any encoding there; its errors are the caller's. */
void json_begin_stream(struct json *json, FILE *out);

/* Text as it is. */
__attribute__((format(printf, 2, 3))) void json_put(struct json *json, const char *format, ...);

/* A string with its quotes, escaped (RFC 8259, 7); in a buffer, bytes from 128 on go as they are. */
void json_put_text(struct json *json, const char *text);

/* The same to a stream without the quotes, for strings of several parts. */
void json_write_escaped(FILE *out, const char *text);

/* A comma if it takes one, and the member's name; NULL: an element of an array. */
void json_key(struct json *json, const char *name);

/* An object or an array as a member (`name` NULL: as an element), by its brackets. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);

void json_text(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_claim(struct json *json, const char *name, bool value);

#endif
