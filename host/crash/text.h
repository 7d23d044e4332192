/*
 * Text that is put together in a buffer and cut where the buffer ends.
 */
#ifndef DIATOM_HOST_CRASH_TEXT_H
#define DIATOM_HOST_CRASH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_BYTES 24576

struct text {
	char bytes[TEXT_BYTES];
	size_t used;
};

void text_put(struct text *text, const char *words);
/* In the given base, with leading zeros up to `least` digits. */
void text_digits(struct text *text, uint64_t value, unsigned base, unsigned least);
void text_hex(struct text *text, uint64_t value);
/* With commas: 16,384. */
void text_count(struct text *text, uint64_t value);
/* Foreign words: nothing that a terminal would obey; its newlines become indented lines. */
void text_foreign(struct text *text, const char *words, size_t length);
/* Blanks up to a column, counted from where the line began (`line` is text->used then). */
void text_column(struct text *text, size_t line, size_t column);

#endif
