/*
 * The check of record data that was given as bytes (RFC 3597): the same letters as rdata.c, read from
 * the wire. What passes can be served like data read from text: its names are well formed.
 */
#include "lib/dns/rdata.h"

static bool check_name(struct cursor *c)
{
	for (size_t length = 1;;) {
		uint8_t label = cursor_u8(c);

		if (c->is_short || label > DNS_LABEL_BYTES)
			return false;
		if (label == 0)
			return true;
		length += (size_t)label + 1;
		if (length > DNS_NAME_BYTES || cursor_take(c, label) == NULL)
			return false;
	}
}

static bool check_string(struct cursor *c)
{
	uint8_t length = cursor_u8(c);

	return !c->is_short && (length == 0 || cursor_take(c, length) != NULL);
}

static bool check_strings(struct cursor *c)
{
	do {
		if (!check_string(c))
			return false;
	} while (cursor_left(c) > 0);
	return true;
}

/* Windows in ascending order, 1 .. 32 bytes each (RFC 4034 4.1.2). */
static bool check_bitmap(struct cursor *c)
{
	int last = -1;

	while (cursor_left(c) > 0) {
		int window = cursor_u8(c);
		uint8_t length = cursor_u8(c);

		if (c->is_short || window <= last || length < 1 || length > 32 ||
			cursor_take(c, length) == NULL)
			return false;
		last = window;
	}
	return true;
}

/* Keys in ascending order (RFC 9460 2.2). */
static bool check_svcb(struct cursor *c)
{
	int last = -1;

	while (cursor_left(c) > 0) {
		int key = cursor_be16(c);
		uint16_t length = cursor_be16(c);

		if (c->is_short || key <= last || (length > 0 && cursor_take(c, length) == NULL))
			return false;
		last = key;
	}
	return true;
}

static bool check_apl(struct cursor *c)
{
	while (cursor_left(c) > 0) {
		uint8_t length;

		cursor_be16(c);
		cursor_u8(c);
		length = cursor_u8(c) & 0x7f;
		if (c->is_short || (length > 0 && cursor_take(c, length) == NULL))
			return false;
	}
	return true;
}

static bool check_ipseckey(struct cursor *c)
{
	uint8_t gateway;

	cursor_u8(c);
	gateway = cursor_u8(c);
	cursor_u8(c);
	if (c->is_short || gateway > 3 || (gateway == 3 && !check_name(c)))
		return false;
	if (gateway == 1 || gateway == 2)
		cursor_take(c, gateway == 1 ? 4 : 16);
	cursor_take(c, cursor_left(c));
	return !c->is_short;
}

/* Bytes of a field of fixed size; 0 for one that has none. */
static size_t fixed_bytes(char letter)
{
	switch (letter) {
	case '1':
	case 'A':
		return 1;
	case '2':
	case 'T':
	case 'c':
		return 2;
	case '4':
	case 'a':
	case 't':
	case 'd':
		return 4;
	case 'e':
		return 6;
	case 'E':
	case 'i':
		return 8;
	case '6':
	case 'L':
		return 16;
	default:
		return 0;
	}
}

static bool check_field(struct cursor *c, char letter)
{
	switch (letter) {
	case 'n':
	case 'N':
		return check_name(c);
	case 's':
	case 'g':
	case 'x':
	case '3':
		return check_string(c);
	case 'S':
		return check_strings(c);
	case 'W':
		return check_bitmap(c);
	case 'V':
		return check_svcb(c);
	case 'P':
		return check_apl(c);
	case 'I':
		return check_ipseckey(c);
	case 'q':
	case 'H':
	case 'B':
		cursor_take(c, cursor_left(c));
		return true;
	default:
		return cursor_take(c, fixed_bytes(letter)) != NULL;
	}
}

bool rdata_check(uint16_t type, struct view data)
{
	const char *format = dns_type_format(type);
	struct cursor c = cursor_on(data);

	if (format == NULL)
		return true;
	for (const char *letter = format; *letter != 0; letter++)
		if (!check_field(&c, *letter))
			return false;
	return cursor_left(&c) == 0;
}
