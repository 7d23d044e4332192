/*
 * The driver of the type table's letters, for text and for the wire. See type.h and rdata.h.
 */
#include "lib/dns/rdata.h"

#include "lib/dns/codec.h"

bool lexer_is_fine(const struct dns_lexer *lexer)
{
	return lexer->fault->text[0] == 0;
}

bool lexer_more(struct dns_lexer *lexer)
{
	return lexer_next(lexer) && lexer->token.kind == TOKEN_WORD;
}

static bool wrong(struct dns_lexer *lexer, const char *wanted)
{
	char shown[LEXER_SHOWN];

	return lexer_fail(lexer, "%s is no %s", lexer_shown(lexer, shown), wanted);
}

bool field_number(struct dns_lexer *lexer, uint32_t most, uint32_t *number)
{
	char shown[LEXER_SHOWN];

	if (!lexer_word(lexer, "a number"))
		return false;
	if (!dns_number_parse(number, lexer->token.text, most))
		return lexer_fail(
			lexer, "%s is no number from 0 to %u", lexer_shown(lexer, shown), most);
	return true;
}

static bool number(struct dns_lexer *lexer, unsigned bytes, struct emitter *out)
{
	uint32_t value;

	if (!field_number(lexer, bytes == 1 ? 255 : bytes == 2 ? 65535 : UINT32_MAX, &value))
		return false;
	if (bytes == 1)
		emit_u8(out, (uint8_t)value);
	else if (bytes == 2)
		emit_be16(out, (uint16_t)value);
	else
		emit_be32(out, value);
	return true;
}

bool field_name(struct dns_lexer *lexer, const struct dns_name *origin, struct emitter *out)
{
	uint8_t written[DNS_NAME_BYTES];
	char shown[LEXER_SHOWN];
	struct dns_name name;
	const char *why;

	if (!lexer_word(lexer, "a name"))
		return false;
	why = name_parse(&name, lexer->token.text, origin, written);
	if (why != NULL)
		return lexer_fail(lexer, "the name %s %s", lexer_shown(lexer, shown), why);
	emit_bytes(out, view_of(written, name.length));
	return true;
}

/* One character-string (RFC 1035 3.3), from the current word. */
static bool string_of_token(struct dns_lexer *lexer, struct emitter *out)
{
	struct view text = lexer->token.text;
	uint8_t *length = emitter_space(out, 1), byte;
	bool is_escaped;
	unsigned n = 0;

	while (text.length > 0) {
		if (!text_unescape(&text, &byte, &is_escaped))
			return lexer_fail(lexer, "the string has a bad escape");
		if (++n > 255)
			return lexer_fail(lexer, "the string is longer than 255 bytes");
		emit_u8(out, byte);
	}
	if (length != NULL)
		*length = (uint8_t)n;
	return true;
}

static bool strings(struct dns_lexer *lexer, struct emitter *out)
{
	if (!lexer_word(lexer, "a string"))
		return false;
	do {
		if (!string_of_token(lexer, out))
			return false;
	} while (lexer_more(lexer));
	return lexer_is_fine(lexer);
}

static bool text_to_end(struct dns_lexer *lexer, struct emitter *out)
{
	struct view text;
	bool is_escaped;
	uint8_t byte;

	if (!lexer_word(lexer, "a string"))
		return false;
	text = lexer->token.text;
	while (text.length > 0) {
		if (!text_unescape(&text, &byte, &is_escaped))
			return lexer_fail(lexer, "the string has a bad escape");
		emit_u8(out, byte);
	}
	return true;
}

/* RFC 8659 4.1: letters and digits. */
static bool caa_tag(struct dns_lexer *lexer, struct emitter *out)
{
	if (!lexer_word(lexer, "a CAA tag"))
		return false;
	for (size_t i = 0; i < lexer->token.text.length; i++) {
		uint8_t c = dns_lower(lexer->token.text.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return wrong(lexer, "CAA tag: it may have letters and digits");
	}
	if (lexer->token.text.length == 0)
		return wrong(lexer, "CAA tag");
	return string_of_token(lexer, out);
}

static bool hex_to_end(struct dns_lexer *lexer, struct emitter *out)
{
	struct codec codec = { 0 };

	if (!lexer_word(lexer, "hexadecimal data"))
		return false;
	do {
		if (!hex_feed(&codec, lexer->token.text, out))
			return wrong(lexer, "hexadecimal number");
	} while (lexer_more(lexer));
	if (lexer_is_fine(lexer) && !hex_is_whole(&codec))
		return lexer_fail(lexer, "the hexadecimal data has an odd number of digits");
	return lexer_is_fine(lexer);
}

bool field_base64(struct dns_lexer *lexer, struct emitter *out)
{
	struct codec codec = { 0 };

	if (!lexer_word(lexer, "base64 data"))
		return false;
	do {
		if (!base64_feed(&codec, lexer->token.text, out))
			return wrong(lexer, "base64 data");
	} while (lexer_more(lexer));
	if (lexer_is_fine(lexer) && !base64_is_whole(&codec))
		return lexer_fail(lexer, "the base64 data is not whole");
	return lexer_is_fine(lexer);
}

/* RFC 5155 3.3: the salt, "-" if there is none. */
static bool salt(struct dns_lexer *lexer, struct emitter *out)
{
	struct codec codec = { 0 };
	uint8_t *length = emitter_space(out, 1);
	size_t before = emitter_length(out);

	if (!lexer_word(lexer, "a salt"))
		return false;
	if (!view_equal(lexer->token.text, view_text("-")) &&
		(!hex_feed(&codec, lexer->token.text, out) || !hex_is_whole(&codec) ||
			emitter_length(out) - before > 255))
		return wrong(lexer, "salt: hexadecimal digits, or \"-\"");
	if (length != NULL)
		*length = (uint8_t)(emitter_length(out) - before);
	return true;
}

static bool next_hash(struct dns_lexer *lexer, struct emitter *out)
{
	uint8_t *length = emitter_space(out, 1);
	size_t before = emitter_length(out);

	if (!lexer_word(lexer, "a hash"))
		return false;
	if (!base32hex_decode(lexer->token.text, out) || emitter_length(out) == before ||
		emitter_length(out) - before > 255)
		return wrong(lexer, "hash in base32hex");
	if (length != NULL)
		*length = (uint8_t)(emitter_length(out) - before);
	return true;
}

/* Fields that are one word and have a form of their own. */
static bool word_field(struct dns_lexer *lexer, char letter, struct emitter *out)
{
	struct view text;
	uint8_t address[16], algorithm;
	uint16_t short_number;
	uint32_t value;

	if (!lexer_word(lexer, letter == 'a' || letter == '6' ? "an address" : "a value"))
		return false;
	text = lexer->token.text;
	switch (letter) {
	case 'a':
		if (!ipv4_text_parse(text, address))
			return wrong(lexer, "IPv4 address");
		emit_bytes(out, view_of(address, 4));
		return true;
	case '6':
		if (!ipv6_text_parse(text, address))
			return wrong(lexer, "IPv6 address");
		emit_bytes(out, view_of(address, 16));
		return true;
	case 't':
		if (!ttl_parse(&value, text))
			return wrong(lexer, "time in seconds");
		emit_be32(out, value);
		return true;
	case 'd':
		if (!date_parse(text, &value))
			return wrong(lexer, "time: YYYYMMDDHHmmSS or seconds");
		emit_be32(out, value);
		return true;
	case 'T':
		if (!dns_type_parse(&short_number, text))
			return wrong(lexer, "record type");
		emit_be16(out, short_number);
		return true;
	case 'A':
		if (!dns_algorithm_parse(&algorithm, text))
			return wrong(lexer, "DNSSEC algorithm");
		emit_u8(out, algorithm);
		return true;
	case 'c':
		if (!dns_certificate_parse(&short_number, text))
			return wrong(lexer, "certificate type");
		emit_be16(out, short_number);
		return true;
	case 'e':
		return eui_parse(text, 6, out) || wrong(lexer, "EUI-48 address: 00-00-5e-00-53-2a");
	case 'E':
		return eui_parse(text, 8, out) ||
		       wrong(lexer, "EUI-64 address: 00-00-5e-ef-10-00-00-2a");
	default:
		return ilnp_parse(text, out) || wrong(lexer, "64-bit value: 2001:db8:1140:1000");
	}
}

static bool field(
	struct dns_lexer *lexer, char letter, const struct dns_name *origin, struct emitter *out)
{
	switch (letter) {
	case '1':
	case '2':
	case '4':
		return number(lexer, (unsigned)(letter - '0'), out);
	case 'n':
	case 'N':
		return field_name(lexer, origin, out);
	case 's':
		return lexer_word(lexer, "a string") && string_of_token(lexer, out);
	case 'S':
		return strings(lexer, out);
	case 'q':
		return text_to_end(lexer, out);
	case 'g':
		return caa_tag(lexer, out);
	case 'H':
		return hex_to_end(lexer, out);
	case 'B':
		return field_base64(lexer, out);
	case 'x':
		return salt(lexer, out);
	case '3':
		return next_hash(lexer, out);
	case 'W':
		return bitmap_parse(lexer, out);
	case 'L':
		return loc_parse(lexer, out);
	case 'P':
		return apl_parse(lexer, out);
	case 'I':
		return ipseckey_parse(lexer, origin, out);
	case 'V':
		return svcb_parse(lexer, out);
	default:
		return word_field(lexer, letter, out);
	}
}

/* \# LENGTH HEX (RFC 3597 section 5): the current token is the "\#". */
static bool generic_parse(struct dns_lexer *lexer, uint16_t type, struct emitter *out)
{
	struct dns_token place = lexer->token;
	size_t before = emitter_length(out);
	char text[DNS_TYPE_TEXT];
	uint32_t length;

	if (!field_number(lexer, 65535, &length))
		return false;
	if (length > 0 && !hex_to_end(lexer, out))
		return false;
	if (!lexer_line_end(lexer))
		return false;
	lexer->token.line = place.line;
	lexer->token.column = place.column;
	if (emitter_length(out) - before != length)
		return lexer_fail(lexer, "the data has %zu bytes, not the %u that it says",
			emitter_length(out) - before, length);
	if (!rdata_check(type, view_of(out->start + before, length)))
		return lexer_fail(
			lexer, "the data is not in the form of %s", dns_type_text(type, text));
	return true;
}

/* Is "\#" the next word? It is read then; else nothing is. */
static bool is_generic(struct dns_lexer *lexer)
{
	struct dns_lexer ahead = *lexer;

	if (!lexer_next(&ahead) || !view_equal(ahead.token.text, view_text("\\#")) ||
		ahead.token.is_quoted) {
		lexer->fault->text[0] = 0; /* it will be met again */
		return false;
	}
	*lexer = ahead;
	return true;
}

bool rdata_parse(
	struct dns_lexer *lexer, uint16_t type, const struct dns_name *origin, struct emitter *out)
{
	const char *format = dns_type_format(type);
	char text[DNS_TYPE_TEXT];

	if (is_generic(lexer)) {
		if (!generic_parse(lexer, type, out))
			return false;
	} else if (format == NULL) {
		lexer_next(lexer);
		return lexer_fail(lexer, "data of type %s must be given as \\# LENGTH HEX",
			dns_type_text(type, text));
	} else {
		for (const char *letter = format; *letter != 0; letter++)
			if (!field(lexer, *letter, origin, out))
				return false;
		if (!lexer_line_end(lexer))
			return false;
	}
	if (out->is_short)
		return lexer_fail(lexer, "the data of the record is longer than 65535 bytes");
	return true;
}
