/*
 * Text forms of record data. See codec.h.
 */
#include "lib/dns/codec.h"

#include "diatom/address.h"
#include "lib/dns/type.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = dns_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void push(struct codec *codec, unsigned digit, unsigned width, struct emitter *out)
{
	codec->bits = (codec->bits << width | digit) & 0xffff;
	codec->count += width;
	codec->digits++;
	if (codec->count >= 8) {
		codec->count -= 8;
		emit_u8(out, (uint8_t)(codec->bits >> codec->count));
	}
}

bool hex_feed(struct codec *codec, struct view text, struct emitter *out)
{
	for (size_t i = 0; i < text.length; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0)
			return false;
		push(codec, (unsigned)digit, 4, out);
	}
	return true;
}

bool hex_is_whole(const struct codec *codec)
{
	return codec->count == 0;
}

bool base64_feed(struct codec *codec, struct view text, struct emitter *out)
{
	for (size_t i = 0; i < text.length; i++) {
		int digit = base64_digit(text.data[i]);

		if (text.data[i] == '=') {
			codec->pads++;
			continue;
		}
		if (digit < 0 || codec->pads > 0)
			return false;
		push(codec, (unsigned)digit, 6, out);
	}
	return true;
}

bool base64_is_whole(const struct codec *codec)
{
	unsigned spare = codec->count;

	if ((codec->digits + codec->pads) % 4 != 0 || codec->pads > 2)
		return false;
	return (codec->bits & ((1U << spare) - 1)) == 0;
}

bool base32hex_decode(struct view text, struct emitter *out)
{
	struct codec codec = { 0 };

	for (size_t i = 0; i < text.length; i++) {
		uint8_t c = dns_lower(text.data[i]);
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'v' ? c - 'a' + 10
						   : -1;

		if (digit < 0)
			return false;
		push(&codec, (unsigned)digit, 5, out);
	}
	return codec.count < 5 && (codec.bits & ((1U << codec.count) - 1)) == 0;
}

/* Days from 1970-01-01 to the first of that month in the Gregorian calendar. */
static int64_t days_before(int64_t year, unsigned month)
{
	int64_t y = month <= 2 ? year - 1 : year; /* years start in March: leap days are last */
	int64_t month_of_year = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (month_of_year * 153 + 2) / 5 - 719468;
}

static uint32_t digits_at(struct view text, size_t offset, size_t n)
{
	uint32_t value = 0;

	for (size_t i = offset; i < offset + n; i++)
		value = value * 10 + (uint32_t)(text.data[i] - '0');
	return value;
}

bool date_parse(struct view text, uint32_t *seconds)
{
	uint32_t year, month, day, hour, minute, second;

	if (text.length != 14)
		return dns_number_parse(seconds, text, UINT32_MAX);
	for (size_t i = 0; i < 14; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	year = digits_at(text, 0, 4);
	month = digits_at(text, 4, 2);
	day = digits_at(text, 6, 2);
	hour = digits_at(text, 8, 2);
	minute = digits_at(text, 10, 2);
	second = digits_at(text, 12, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
		minute > 59 || second > 60)
		return false;
	*seconds = (uint32_t)((days_before(year, month) + day - 1) * 86400 + hour * 3600 +
			      minute * 60 + second);
	return true;
}

/* By the one parser of addresses, whose text ends in a zero byte. */
static bool address_read(struct view text, bool is_v4, struct address *address)
{
	char copy[ADDRESS_TEXT_BYTES];

	if (text.length >= sizeof(copy) || text.length == 0 ||
		(memchr(text.data, ':', text.length) == NULL) != is_v4 ||
		memchr(text.data, 0, text.length) != NULL)
		return false;
	memcpy(copy, text.data, text.length);
	copy[text.length] = 0;
	return address_parse(address, copy) == OK;
}

bool ipv4_text_parse(struct view text, uint8_t address[4])
{
	struct address parsed;

	if (!address_read(text, true, &parsed))
		return false;
	memcpy(address, parsed.bytes + 12, 4);
	return true;
}

bool ipv6_text_parse(struct view text, uint8_t address[16])
{
	struct address parsed;

	if (!address_read(text, false, &parsed))
		return false;
	memcpy(address, parsed.bytes, 16);
	return true;
}

bool eui_parse(struct view text, unsigned bytes, struct emitter *out)
{
	if (text.length != (size_t)bytes * 3 - 1)
		return false;
	for (unsigned i = 0; i < bytes; i++) {
		int high = hex_digit(text.data[i * 3]), low = hex_digit(text.data[i * 3 + 1]);

		if (high < 0 || low < 0 || (i + 1 < bytes && text.data[i * 3 + 2] != '-'))
			return false;
		emit_u8(out, (uint8_t)(high * 16 + low));
	}
	return true;
}

bool ilnp_parse(struct view text, struct emitter *out)
{
	size_t place = 0;

	for (unsigned group = 0; group < 4; group++) {
		unsigned value = 0;
		size_t start = place;

		while (place < text.length && place - start < 4 && hex_digit(text.data[place]) >= 0)
			value = value * 16 + (unsigned)hex_digit(text.data[place++]);
		if (place == start)
			return false;
		emit_be16(out, (uint16_t)value);
		if (group < 3 && (place >= text.length || text.data[place++] != ':'))
			return false;
	}
	return place == text.length;
}
