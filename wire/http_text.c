/*
 * Sets are bitmaps: 32 bytes each, two instructions a byte.
 */
#include "wire/http_text.h"

const struct http_class http_token = { { 0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0 } };
const struct http_class http_value = { { 0xffffffff00000200, 0x7fffffffffffffff, UINT64_MAX,
	UINT64_MAX } };
const struct http_class http_target = { { 0xfffffffe00000000, 0x7fffffffffffffff, 0, 0 } };
const struct http_class http_host = { { 0x2fff7ff200000000, 0x47fffffeaffffffe, 0, 0 } };

int http_hex(uint8_t c)
{
	if (http_is_digit(c))
		return c - '0';
	c = http_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_text_is(struct view text, const char *word)
{
	for (size_t i = 0; i < text.length; i++)
		if (word[i] == '\0' || http_lower(text.data[i]) != (uint8_t)word[i])
			return false;
	return word[text.length] == '\0';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct view http_trim(struct view text)
{
	while (text.length > 0 && is_blank(text.data[0]))
		text = view_part(text, 1, text.length);
	while (text.length > 0 && is_blank(text.data[text.length - 1]))
		text.length--;
	return text;
}

bool http_decimal(struct view text, uint64_t *value)
{
	uint64_t number = 0;

	if (text.length == 0)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		uint8_t digit = (uint8_t)(text.data[i] - '0');

		if (digit > 9 || number > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return true;
}

/* Where the element that begins the text ends: at the separator, or at the text's end. */
static size_t element_end(struct view text, uint8_t separator)
{
	bool is_quoted = false;
	size_t at;

	for (at = 0; at < text.length; at++) {
		uint8_t c = text.data[at];

		if (is_quoted && c == '\\')
			at++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (c == separator && !is_quoted)
			break;
	}
	return at < text.length ? at : text.length;
}

bool http_split_next(struct view *rest, uint8_t separator, struct view *element)
{
	while (rest->length > 0) {
		size_t end = element_end(*rest, separator);

		*element = http_trim(view_part(*rest, 0, end));
		*rest = view_part(*rest, end + 1, rest->length);
		if (element->length > 0)
			return true;
	}
	return false;
}

bool http_list_next(struct view *rest, struct view *element)
{
	return http_split_next(rest, ',', element);
}

bool http_list_has(struct view list, const char *word)
{
	struct view element;

	while (http_list_next(&list, &element))
		if (http_text_is(element, word))
			return true;
	return false;
}
