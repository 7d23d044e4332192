/*
 * JSON written into a buffer: as much as our own files and listings need. The buffer is always
 * NUL-ended; what does not fit is left out, and `is_full` says so.
 */
#ifndef DIATOM_HOST_NAMED_JSON_H
#define DIATOM_HOST_NAMED_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json {
	char *text;
	size_t used, room;
	bool is_full;
};

void json_begin(struct json *json, char *text, size_t room);

/* Text as it is. */
__attribute__((format(printf, 2, 3))) void json_put(struct json *json, const char *format, ...);

/* A string with its quotes, escaped (RFC 8259, 7); bytes from 128 on go as they are. */
void json_put_text(struct json *json, const char *text);

#endif
