/*
 * Every character goes through one function that escapes, every text through one that knows where to.
 */
#include "host/json.h"

#include <stdarg.h>
#include <string.h>

#define CHARACTER_BYTES 7 /* \u007f and the NUL */

void json_begin(struct json *json, char *text, size_t room)
{
	*json = (struct json){ .text = text, .room = room };
	text[0] = '\0';
}

void json_begin_stream(struct json *json, FILE *out)
{
	*json = (struct json){ .out = out };
}

static void put_in_buffer(struct json *json, const char *format, va_list arguments)
{
	size_t left = json->room - json->used;
	int length = vsnprintf(json->text + json->used, left, format, arguments);

	if (length < 0 || (size_t)length >= left) {
		json->text[json->used] = '\0';
		json->is_full = true;
		return;
	}
	json->used += (size_t)length;
}

void json_put(struct json *json, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (json->out != NULL)
		vfprintf(json->out, format, arguments);
	else
		put_in_buffer(json, format, arguments);
	va_end(arguments);
}

static void escape(unsigned char c, bool is_ascii, char out[CHARACTER_BYTES])
{
	if (c == '"' || c == '\\')
		snprintf(out, CHARACTER_BYTES, "\\%c", c);
	else if (c < 32 || c == 127 || (is_ascii && c > 127))
		snprintf(out, CHARACTER_BYTES, "\\u%04x", c);
	else
		snprintf(out, CHARACTER_BYTES, "%c", c);
}

void json_put_text(struct json *json, const char *text)
{
	char character[CHARACTER_BYTES];

	json_put(json, "\"");
	for (; *text != '\0'; text++) {
		escape((unsigned char)*text, json->out != NULL, character);
		json_put(json, "%s", character);
	}
	json_put(json, "\"");
}

void json_write_escaped(FILE *out, const char *text)
{
	char character[CHARACTER_BYTES];

	for (; *text != '\0'; text++) {
		escape((unsigned char)*text, true, character);
		fputs(character, out);
	}
}

void json_key(struct json *json, const char *name)
{
	if (json->needs_comma)
		json_put(json, ",");
	if (name != NULL) {
		json_put_text(json, name);
		json_put(json, ":");
	}
	json->needs_comma = true;
}

void json_open(struct json *json, const char *name, char bracket)
{
	json_key(json, name);
	json_put(json, "%c", bracket);
	json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
	json_put(json, "%c", bracket);
	json->needs_comma = true;
}

void json_text(struct json *json, const char *name, const char *value)
{
	json_key(json, name);
	json_put_text(json, value);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	json_key(json, name);
	json_put(json, "%llu", (unsigned long long)value);
}

void json_claim(struct json *json, const char *name, bool value)
{
	json_key(json, name);
	json_put(json, value ? "true" : "false");
}
