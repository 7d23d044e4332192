/*
 * Fields with a grammar of their own: type bitmaps (RFC 4034 4.1.2), LOC (RFC 1876), APL (RFC 3123),
 * IPSECKEY (RFC 4025).
 */
#include "lib/dns/rdata.h"

#include "lib/dns/codec.h"

#define BITMAP_TYPES_MAX 512

/* Puts the type into the ascending list, once. */
static void list_insert(uint16_t *list, unsigned *count, uint16_t type)
{
	unsigned place = *count;

	while (place > 0 && list[place - 1] > type)
		place--;
	if (place > 0 && list[place - 1] == type)
		return;
	memmove(list + place + 1, list + place, (*count - place) * sizeof(*list));
	list[place] = type;
	(*count)++;
}

static void bitmap_emit(const uint16_t *types, unsigned count, struct emitter *out)
{
	for (unsigned i = 0; i < count;) {
		unsigned window = types[i] / 256, length = 0;
		uint8_t bytes[32] = { 0 };

		for (; i < count && types[i] / 256 == window; i++) {
			bytes[types[i] % 256 / 8] |= (uint8_t)(0x80 >> types[i] % 8);
			length = types[i] % 256 / 8 + 1U;
		}
		emit_u8(out, (uint8_t)window);
		emit_u8(out, (uint8_t)length);
		emit_bytes(out, view_of(bytes, length));
	}
}

bool bitmap_parse(struct dns_lexer *lexer, struct emitter *out)
{
	uint16_t types[BITMAP_TYPES_MAX], type;
	char shown[LEXER_SHOWN];
	unsigned count = 0;

	while (lexer_more(lexer)) {
		if (!dns_type_parse(&type, lexer->token.text))
			return lexer_fail(lexer, "%s is no record type", lexer_shown(lexer, shown));
		if (count == BITMAP_TYPES_MAX)
			return lexer_fail(lexer, "the list has more than %u types", count);
		list_insert(types, &count, type);
	}
	if (!lexer_is_fine(lexer))
		return false;
	bitmap_emit(types, count, out);
	return true;
}

/* "12.345m" in thousandths; false if it is no such number or beyond `most`. */
static bool milli_parse(struct view text, int64_t *milli, int64_t most)
{
	bool is_negative = text.length > 0 && text.data[0] == '-';
	unsigned decimals = 0;
	bool has_point = false, has_digit = false;
	int64_t value = 0;

	for (size_t i = is_negative ? 1 : 0; i < text.length; i++) {
		uint8_t c = text.data[i];

		if ((c == 'm' || c == 'M') && i + 1 == text.length && has_digit)
			break;
		if (c == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (c < '0' || c > '9' || decimals == 3 || value > most)
			return false;
		value = value * 10 + (c - '0');
		has_digit = true;
		decimals += has_point;
	}
	while (decimals++ < 3)
		value *= 10;
	*milli = is_negative ? -value : value;
	return has_digit && value <= most;
}

/* A size as its first digit and the power of ten, in centimetres (RFC 1876 section 2). */
static uint8_t loc_size(int64_t milli)
{
	uint64_t centimetres = (uint64_t)milli / 10;
	unsigned exponent = 0;

	while (centimetres >= 10) {
		centimetres /= 10;
		exponent++;
	}
	return (uint8_t)(centimetres << 4 | exponent);
}

/* Degrees, perhaps minutes and seconds, then one of two letters: thousandths of a second. */
static bool loc_angle(
	struct dns_lexer *lexer, uint32_t degrees_max, const char *letters, uint32_t *out)
{
	uint32_t degrees, minutes = 0;
	int64_t seconds = 0, value;
	char shown[LEXER_SHOWN];

	if (!field_number(lexer, degrees_max, &degrees))
		return false;
	for (unsigned part = 0; part < 3; part++) {
		struct view text;

		if (!lexer_word(lexer, "a direction"))
			return false;
		text = lexer->token.text;
		if (text.length == 1 && (dns_lower(text.data[0]) == (uint8_t)letters[0] ||
						dns_lower(text.data[0]) == (uint8_t)letters[1])) {
			value = ((int64_t)degrees * 60 + minutes) * 60000 + seconds;
			if (value > (int64_t)degrees_max * 3600000)
				return lexer_fail(
					lexer, "the angle is beyond %u degrees", degrees_max);
			if (dns_lower(text.data[0]) == (uint8_t)letters[1])
				value = -value;
			*out = (uint32_t)((INT64_C(1) << 31) + value);
			return true;
		}
		if (part == 0 ? !dns_number_parse(&minutes, text, 59)
			      : !milli_parse(text, &seconds, 59999) || seconds < 0)
			break;
	}
	return lexer_fail(lexer, "%s is no part of an angle", lexer_shown(lexer, shown));
}

bool loc_parse(struct dns_lexer *lexer, struct emitter *out)
{
	/* size 1 m, horizontal precision 10 km, vertical 10 m (RFC 1876 section 3) */
	uint8_t sizes[3] = { 0x12, 0x16, 0x13 };
	uint32_t latitude = 0, longitude = 0;
	char shown[LEXER_SHOWN];
	int64_t altitude, size;

	if (!loc_angle(lexer, 90, "ns", &latitude) || !loc_angle(lexer, 180, "ew", &longitude) ||
		!lexer_word(lexer, "an altitude"))
		return false;
	if (!milli_parse(lexer->token.text, &altitude, INT64_C(42849672950)) ||
		altitude < -100000000)
		return lexer_fail(lexer, "%s is no altitude in metres", lexer_shown(lexer, shown));
	for (unsigned i = 0; lexer_more(lexer); i++) {
		if (i == 3 || !milli_parse(lexer->token.text, &size, INT64_C(90000000000)) ||
			size < 0)
			return lexer_fail(
				lexer, "%s is no size in metres", lexer_shown(lexer, shown));
		sizes[i] = loc_size(size);
	}
	if (!lexer_is_fine(lexer))
		return false;
	emit_u8(out, 0);
	emit_bytes(out, view_of(sizes, 3));
	emit_be32(out, latitude);
	emit_be32(out, longitude);
	emit_be32(out, (uint32_t)(altitude / 10 + 10000000));
	return true;
}

/* [!]FAMILY:ADDRESS/PREFIX, trailing zero bytes of the address left out. */
static bool apl_item(struct view text, struct emitter *out)
{
	bool is_negated = text.length > 0 && text.data[0] == '!';
	uint8_t address[16] = { 0 };
	const uint8_t *slash;
	size_t length, place = is_negated ? 1 : 0;
	uint32_t prefix;
	bool is_v4;

	if (text.length < place + 2 || text.data[place + 1] != ':' ||
		(text.data[place] != '1' && text.data[place] != '2'))
		return false;
	is_v4 = text.data[place] == '1';
	text = view_part(text, place + 2, text.length);
	slash = memchr(text.data, '/', text.length);
	if (slash == NULL)
		return false;
	length = (size_t)(slash - text.data);
	if (!dns_number_parse(&prefix, view_part(text, length + 1, text.length), is_v4 ? 32 : 128))
		return false;
	text = view_part(text, 0, length);
	if (is_v4 ? !ipv4_text_parse(text, address) : !ipv6_text_parse(text, address))
		return false;
	length = is_v4 ? 4 : 16;
	while (length > 0 && address[length - 1] == 0)
		length--;
	emit_be16(out, is_v4 ? 1 : 2);
	emit_u8(out, (uint8_t)prefix);
	emit_u8(out, (uint8_t)(length | (is_negated ? 0x80 : 0)));
	emit_bytes(out, view_of(address, length));
	return true;
}

bool apl_parse(struct dns_lexer *lexer, struct emitter *out)
{
	char shown[LEXER_SHOWN];

	while (lexer_more(lexer))
		if (!apl_item(lexer->token.text, out))
			return lexer_fail(lexer,
				"%s is no address prefix: [!]FAMILY:ADDRESS/PREFIX",
				lexer_shown(lexer, shown));
	return lexer_is_fine(lexer);
}

bool ipseckey_parse(struct dns_lexer *lexer, const struct dns_name *origin, struct emitter *out)
{
	uint32_t precedence, gateway, algorithm;
	uint8_t address[16];

	if (!field_number(lexer, 255, &precedence) || !field_number(lexer, 3, &gateway) ||
		!field_number(lexer, 255, &algorithm))
		return false;
	emit_u8(out, (uint8_t)precedence);
	emit_u8(out, (uint8_t)gateway);
	emit_u8(out, (uint8_t)algorithm);
	if (gateway == 3) {
		if (!field_name(lexer, origin, out))
			return false;
	} else {
		if (!lexer_word(lexer, "a gateway"))
			return false;
		if (gateway == 0       ? !view_equal(lexer->token.text, view_text("."))
			: gateway == 1 ? !ipv4_text_parse(lexer->token.text, address)
				       : !ipv6_text_parse(lexer->token.text, address))
			return lexer_fail(lexer, "the gateway is not of type %u", gateway);
		emit_bytes(out, view_of(address, gateway == 0 ? 0 : gateway == 1 ? 4 : 16));
	}
	if (algorithm == 0)
		return true;
	return field_base64(lexer, out);
}
