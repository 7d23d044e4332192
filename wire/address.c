/*
 * Address text: dotted quads, RFC 4291 2.2 in, RFC 5952 out.
 *
 * Text is at most ADDRESS_TEXT_BYTES long and comes from the command line, the manifest, or zone
 * files: it is parsed strictly. "1.2.3", "01.2.3.4" and " 1.2.3.4" are not addresses.
 */
#include "diatom/address.h"

#include "diatom/view.h"

/* Writes an unsigned number in decimal; returns past its end. */
static char *decimal(char *out, unsigned value)
{
	if (value >= 10)
		out = decimal(out, value / 10);
	*out++ = (char)('0' + value % 10);
	return out;
}

static char *hexadecimal(char *out, unsigned value)
{
	if (value >= 16)
		out = hexadecimal(out, value / 16);
	*out++ = "0123456789abcdef"[value % 16];
	return out;
}

static char *dotted_quad(char *out, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		out = decimal(out, bytes[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
	return out;
}

/* RFC 5952 4.2: the longest run of at least two zero groups, the first of equals. */
static int longest_zeros(const uint16_t groups[8], int *length)
{
	int best = -1;

	*length = 1;
	for (int i = 0; i < 8; i++) {
		int run = 0;

		while (i + run < 8 && groups[i + run] == 0)
			run++;
		if (run > *length) {
			*length = run;
			best = i;
		}
		i += run;
	}
	return best;
}

const char *address_text(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
	uint16_t groups[8];
	char *out = text;
	int zeros, length;

	if (address_is_v4(a)) {
		dotted_quad(text, a->bytes + 12);
		return text;
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(a->bytes[2 * i] << 8 | a->bytes[2 * i + 1]);
	zeros = longest_zeros(groups, &length);
	for (int i = 0; i < 8; i++) {
		if (i == zeros) {
			*out++ = ':';
			i += length - 1;
			if (i == 7)
				*out++ = ':';
			continue;
		}
		if (i > 0)
			*out++ = ':';
		out = hexadecimal(out, groups[i]);
	}
	*out = '\0';
	return text;
}

/* Reads "a.b.c.d"; false unless all of the text is that. */
static bool parse_quad(const char *text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned value = 0;
		const char *start = text;

		for (; *text >= '0' && *text <= '9' && text - start < 3; text++)
			value = value * 10 + (unsigned)(*text - '0');
		if (text == start || value > 255 || (*start == '0' && text - start > 1))
			return false;
		if (*text++ != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (uint8_t)value;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads one to four hex digits; the number of them. */
static int parse_group(const char *text, unsigned *value)
{
	int n = 0;

	for (*value = 0; n < 4 && hex_digit(text[n]) >= 0; n++)
		*value = *value * 16 + (unsigned)hex_digit(text[n]);
	return n;
}

/*
 * Fills bytes[0..] with the groups before "::" and moves those after it to the end. `gap` is where
 * "::" stood, -1 if nowhere.
 */
static bool parse_v6(const char *text, uint8_t out[16])
{
	int filled = 0, gap = -1;

	memset(out, 0, 16);
	if (text[0] == ':' && text[1] != ':')
		return false;
	while (*text != '\0') {
		unsigned value;
		int digits;

		if (text[0] == ':' && text[1] == ':') {
			if (gap >= 0)
				return false;
			gap = filled;
			text += 2;
			continue;
		}
		if (filled > 0 && filled != gap && *text++ != ':')
			return false;
		digits = parse_group(text, &value);
		if (filled <= 12 && parse_quad(text, out + filled)) {
			filled += 4;
			break;
		}
		if (digits == 0 || filled > 14 || (text[digits] != ':' && text[digits] != '\0'))
			return false;
		out[filled++] = (uint8_t)(value >> 8);
		out[filled++] = (uint8_t)value;
		text += digits;
	}
	if (gap < 0)
		return filled == 16;
	if (filled > 14)
		return false;
	memmove(out + gap + (16 - filled), out + gap, (size_t)(filled - gap));
	memset(out + gap, 0, (size_t)(16 - filled));
	return true;
}

enum status address_parse(struct address *out, const char *text)
{
	struct address parsed = address_v4(0);

	if (!parse_quad(text, parsed.bytes + 12) && !parse_v6(text, parsed.bytes))
		return MALFORMED;
	*out = parsed;
	return OK;
}

enum status prefix_parse(struct prefix *out, const char *text)
{
	char address[ADDRESS_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned most, bits = 0;

	if (length >= sizeof(address))
		return MALFORMED;
	memcpy(address, text, length);
	address[length] = '\0';
	if (address_parse(&out->address, address) != OK)
		return MALFORMED;
	most = address_is_v4(&out->address) ? 32 : 128;
	out->bits = (uint8_t)most;
	if (slash == NULL)
		return OK;
	for (text = slash + 1; *text >= '0' && *text <= '9' && bits <= most; text++)
		bits = bits * 10 + (unsigned)(*text - '0');
	if (text == slash + 1 || *text != '\0' || bits > most ||
		(slash[1] == '0' && slash[2] != '\0'))
		return MALFORMED;
	out->bits = (uint8_t)bits;
	return OK;
}

bool prefix_contains(const struct prefix *prefix, const struct address *a)
{
	bool is_v4 = address_is_v4(&prefix->address);
	unsigned bits = prefix->bits + (is_v4 ? 96u : 0u);
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (is_v4 != address_is_v4(a) || bits > 128)
		return false;
	if (memcmp(prefix->address.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || ((prefix->address.bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}
