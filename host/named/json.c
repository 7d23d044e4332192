/*
 * See json.h.
 */
#include "host/named/json.h"

#include <stdarg.h>
#include <stdio.h>

void json_begin(struct json *json, char *text, size_t room)
{
	*json = (struct json){ .text = text, .room = room };
	text[0] = '\0';
}

void json_put(struct json *json, const char *format, ...)
{
	size_t left = json->room - json->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(json->text + json->used, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left) {
		json->text[json->used] = '\0';
		json->is_full = true;
		return;
	}
	json->used += (size_t)length;
}

void json_put_text(struct json *json, const char *text)
{
	json_put(json, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			json_put(json, "\\%c", c);
		else if (c < 32 || c == 127)
			json_put(json, "\\u%04x", c);
		else
			json_put(json, "%c", c);
	}
	json_put(json, "\"");
}
