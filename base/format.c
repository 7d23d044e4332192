/*
 * A conversion is read into struct conversion, then its argument is taken and put.
 */
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 22 /* of 64 bits in base 8 */

struct output {
	char *to;
	size_t room, length; /* length may be beyond room: nothing is written there */
};

struct conversion {
	bool is_left, is_zero_padded;
	int width, precision; /* precision -1: none */
	unsigned longs;	      /* 0: int; 1, 2 and z: 64 bits */
	char kind;
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->room)
		out->to[out->length] = c;
	out->length++;
}

static void pad(struct output *out, char c, int count)
{
	for (; count > 0; count--)
		put(out, c);
}

static void put_padded(
	struct output *out, const struct conversion *c, const char *text, size_t length)
{
	int spaces = c->width - (int)length;

	if (!c->is_left)
		pad(out, ' ', spaces);
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
	if (c->is_left)
		pad(out, ' ', spaces);
}

/* Zeros stand between the sign and the digits. */
static void put_zeros(
	struct output *out, const struct conversion *c, size_t digits, bool is_negative)
{
	if (is_negative)
		put(out, '-');
	pad(out, '0', c->width - (int)digits - is_negative);
}

static void put_number(
	struct output *out, const struct conversion *c, uint64_t value, bool is_negative)
{
	struct conversion plain = { .kind = c->kind };
	unsigned base = c->kind == 'o' ? 8 : (c->kind | 0x20) == 'x' || c->kind == 'p' ? 16 : 10;
	const char *set = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[DIGITS_MAX + 3];
	size_t at = sizeof(digits);

	do {
		digits[--at] = set[value % base];
		value /= base;
	} while (value != 0);
	if (c->is_zero_padded && !c->is_left) {
		put_zeros(out, c, sizeof(digits) - at, is_negative);
		c = &plain;
	} else if (is_negative) {
		digits[--at] = '-';
	}
	if (c->kind == 'p') {
		digits[--at] = 'x';
		digits[--at] = '0';
	}
	put_padded(out, c, digits + at, sizeof(digits) - at);
}

/* A va_list that functions can share. */
struct arguments {
	va_list list;
};

/* A number, or * for the next argument. */
static int read_number(const char **format, struct arguments *arguments)
{
	int value = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(arguments->list, int);
	}
	for (; **format >= '0' && **format <= '9' && value < 100000; (*format)++)
		value = value * 10 + (**format - '0');
	return value;
}

/* What is between the % and the conversion's letter, where *format is left. */
static struct conversion read_conversion(const char **format, struct arguments *arguments)
{
	struct conversion c = { .precision = -1 };

	for (; **format == '-' || **format == '0'; (*format)++) {
		c.is_left |= **format == '-';
		c.is_zero_padded |= **format == '0';
	}
	c.width = read_number(format, arguments);
	if (**format == '.') {
		(*format)++;
		c.precision = read_number(format, arguments);
	}
	for (; **format == 'l' || **format == 'z' || **format == 'h'; (*format)++)
		c.longs += **format != 'h';
	c.kind = **format;
	return c;
}

static uint64_t take_value(const struct conversion *c, struct arguments *arguments)
{
	if (c->kind == 'p' || c->longs > 0)
		return va_arg(arguments->list, uint64_t);
	if (c->kind == 'd' || c->kind == 'i')
		return (uint64_t)va_arg(arguments->list, int);
	return va_arg(arguments->list, unsigned);
}

static void put_text(struct output *out, const struct conversion *c, const char *text)
{
	put_padded(out, c, text,
		c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision));
}

static void put_value(struct output *out, const struct conversion *c, uint64_t value)
{
	char one = (char)value;
	bool is_negative = (c->kind == 'd' || c->kind == 'i') && (int64_t)value < 0;

	if (c->kind == 'c')
		put_padded(out, c, &one, 1);
	else
		put_number(out, c, is_negative ? 0 - value : value, is_negative);
}

/* One conversion; returns where the format goes on. What is no conversion is plain text. */
static const char *convert(struct output *out, const char *format, struct arguments *arguments)
{
	const char *at = format + 1;
	struct conversion c = read_conversion(&at, arguments);

	if (c.kind == '\0' || strchr("scdiuxXop", c.kind) == NULL) {
		put(out, '%');
		return format + (c.kind == '%' ? 2 : 1);
	}
	if (c.kind == 's')
		put_text(out, &c, va_arg(arguments->list, const char *));
	else
		put_value(out, &c, take_value(&c, arguments));
	return at + 1;
}

int format_text_list(char *to, size_t room, const char *format, va_list list)
{
	struct output out = { to, room, 0 };
	struct arguments arguments;

	va_copy(arguments.list, list);
	while (*format != '\0') {
		if (*format == '%')
			format = convert(&out, format, &arguments);
		else
			put(&out, *format++);
	}
	va_end(arguments.list);
	if (room > 0)
		to[out.length < room ? out.length : room - 1] = '\0';
	return (int)out.length;
}

int format_text(char *to, size_t room, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_text_list(to, room, format, arguments);
	va_end(arguments);
	return length;
}
