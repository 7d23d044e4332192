/*
 * $GENERATE, as BIND has it: one line for each number of a range.
 *
 *     $GENERATE 1-100/2 host$ 300 IN A 10.0.0.$
 *     $GENERATE 0-15 node-${10,3,d} A 10.0.1.$       OFFSET, WIDTH, BASE: d o x X n N
 *
 * "$" stands for the number, "\$" and "$$" for a dollar sign. n and N are nibbles in reverse with
 * dots, for ip6.arpa.
 */
#include "lib/dns/master.h"

#include "base/format.h"
#include "lib/dns/rdata.h"

#define GENERATE_COUNT_MAX 1000000
#define GENERATE_LINE_MAX  1024

struct range {
	uint32_t first, last, step;
};

static bool range_parse(struct range *range, struct view text)
{
	const uint8_t *dash = memchr(text.data, '-', text.length);
	const uint8_t *slash = memchr(text.data, '/', text.length);
	size_t end = slash != NULL ? (size_t)(slash - text.data) : text.length;
	size_t middle = dash != NULL ? (size_t)(dash - text.data) : 0;

	range->step = 1;
	if (dash == NULL || middle >= end)
		return false;
	return dns_number_parse(&range->first, view_part(text, 0, middle), INT32_MAX) &&
	       dns_number_parse(
		       &range->last, view_part(text, middle + 1, end - middle - 1), INT32_MAX) &&
	       (slash == NULL || dns_number_parse(&range->step,
					 view_part(text, end + 1, text.length), INT32_MAX)) &&
	       range->first <= range->last && range->step > 0 &&
	       (range->last - range->first) / range->step < GENERATE_COUNT_MAX;
}

/* Takes a number, perhaps negative, from the front of the text. */
static bool take_number(struct view *text, int64_t *number)
{
	bool is_negative = text->length > 0 && text->data[0] == '-';
	size_t i = is_negative ? 1 : 0, start = i;

	*number = 0;
	for (; i < text->length && i < 11 && text->data[i] >= '0' && text->data[i] <= '9'; i++)
		*number = *number * 10 + (text->data[i] - '0');
	if (is_negative)
		*number = -*number;
	*text = view_part(*text, i, text->length);
	return i > start;
}

static bool take(struct view *text, uint8_t c)
{
	if (text->length == 0 || text->data[0] != c)
		return false;
	*text = view_part(*text, 1, text->length);
	return true;
}

/* The number's nibbles, least first, with dots between; `width` characters at least. */
static void emit_nibbles(struct emitter *out, uint64_t value, int64_t width, bool is_upper)
{
	const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (int64_t done = 0; done == 0 || value != 0 || done < width; done += 2) {
		if (done > 0)
			emit_u8(out, '.');
		emit_u8(out, (uint8_t)digits[value & 15]);
		value >>= 4;
	}
}

/* What follows a "$": {OFFSET[,WIDTH[,BASE]]}, or nothing. */
static bool emit_number(struct emitter *out, struct view *text, uint32_t i)
{
	int64_t offset = 0, width = 0, value;
	uint8_t base = 'd';
	char number[160], format[] = "%0*lld";

	if (take(text, '{')) {
		if (!take_number(text, &offset))
			return false;
		if (take(text, ',') && !take_number(text, &width))
			return false;
		if (take(text, ',')) {
			if (text->length == 0)
				return false;
			base = text->data[0];
			*text = view_part(*text, 1, text->length);
		}
		if (!take(text, '}') || width < 0 || width > 128)
			return false;
	}
	value = (int64_t)i + offset;
	if (base == 'n' || base == 'N') {
		emit_nibbles(out, (uint64_t)value & UINT32_MAX, width, base == 'N');
		return true;
	}
	if (base != 'd' && base != 'o' && base != 'x' && base != 'X')
		return false;
	if (base != 'd')
		value &= UINT32_MAX;
	format[5] = (char)base;
	format_text(number, sizeof(number), format, (int)width, (long long)value);
	emit_bytes(out, view_text(number));
	return true;
}

static bool expand(struct emitter *out, struct view text, uint32_t i)
{
	while (text.length > 0) {
		uint8_t c = text.data[0];

		if (c == '\\' && text.length > 1) {
			emit_u8(out, c); /* the record's reader takes the escape out */
			emit_u8(out, text.data[1]);
			text = view_part(text, 2, text.length);
			continue;
		}
		text = view_part(text, 1, text.length);
		if (c != '$')
			emit_u8(out, c);
		else if (take(&text, '$'))
			emit_bytes(out, view_text("\\$"));
		else if (!emit_number(out, &text, i))
			return false;
	}
	return true;
}

/* The rest of the line as it stands, without its comment; the lexer goes on behind it. */
static struct view rest_of_line(struct dns_lexer *lexer)
{
	const uint8_t *start = lexer->next, *c;
	bool is_quoted = false;

	for (c = start; c < lexer->end && *c != '\n'; c++) {
		if (*c == '\\' && c + 1 < lexer->end && c[1] != '\n')
			c++;
		else if (*c == '"')
			is_quoted = !is_quoted;
		else if (*c == ';' && !is_quoted)
			break;
	}
	lexer->next = c;
	while (start < c && (*start == ' ' || *start == '\t'))
		start++;
	return view_of(start, (size_t)(c - start));
}

bool master_generate(struct master *master, struct dns_lexer *lexer)
{
	uint8_t line[GENERATE_LINE_MAX];
	struct dns_token place = lexer->token;
	char shown[LEXER_SHOWN];
	struct range range;
	struct view rest;

	if (!lexer_word(lexer, "a range"))
		return false;
	if (!range_parse(&range, lexer->token.text))
		return lexer_fail(lexer, "%s is no range FIRST-LAST[/STEP] of at most %d numbers",
			lexer_shown(lexer, shown), GENERATE_COUNT_MAX);
	rest = rest_of_line(lexer);
	for (uint64_t i = range.first; i <= range.last; i += range.step) {
		struct emitter out = emitter_on(line, sizeof(line));
		struct dns_lexer inner;

		lexer->token = place;
		if (!expand(&out, rest, (uint32_t)i))
			return lexer_fail(
				lexer, "$GENERATE: ${OFFSET,WIDTH,BASE} is not well formed");
		if (out.is_short)
			return lexer_fail(lexer, "$GENERATE: a line gets longer than %d bytes",
				GENERATE_LINE_MAX);
		if (emitter_length(&out) == 0 || line[0] == '$')
			return lexer_fail(lexer, "$GENERATE: a record must follow the range");
		lexer_start(&inner, view_of(line, emitter_length(&out)), lexer->file, lexer->fault);
		inner.line = place.line;
		if (!master_lines(master, &inner))
			return false;
	}
	lexer->token = place;
	lexer->token.kind = TOKEN_WORD;
	return lexer_line_end(lexer);
}
