/*
 * Nothing here allocates or uses stdio: reports are made in signal handlers.
 */
#include "host/crash/text.h"

#define FOREIGN_MAX 1024

void text_put(struct text *text, const char *words)
{
	while (*words != '\0' && text->used < sizeof(text->bytes) - 1)
		text->bytes[text->used++] = *words++;
}

void text_digits(struct text *text, uint64_t value, unsigned base, unsigned least)
{
	char digits[24];
	unsigned n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0 || sizeof(digits) - 1 - n < least);
	text_put(text, digits + n);
}

void text_hex(struct text *text, uint64_t value)
{
	text_put(text, "0x");
	text_digits(text, value, 16, 1);
}

void text_count(struct text *text, uint64_t value)
{
	if (value >= 1000) {
		text_count(text, value / 1000);
		text_put(text, ",");
		text_digits(text, value % 1000, 10, 3);
	} else {
		text_digits(text, value, 10, 1);
	}
}

void text_foreign(struct text *text, const char *words, size_t length)
{
	char one[2] = { 0 };

	for (size_t i = 0; i < length && i < FOREIGN_MAX && words[i] != '\0'; i++) {
		one[0] = words[i] >= ' ' && words[i] <= '~' ? words[i] : '?';
		if (words[i] != '\n' || i + 1 < length)
			text_put(text, words[i] == '\n' ? "\n  " : one);
	}
}

void text_column(struct text *text, size_t line, size_t column)
{
	while (text->used - line < column && text->used < sizeof(text->bytes) - 1)
		text->bytes[text->used++] = ' ';
}
