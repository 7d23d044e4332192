/*
 * Words, names and times of master files. See lexer.h.
 */
#include "lib/dns/lexer.h"
#include "base/format.h"

#include <stdarg.h>

void lexer_start(
	struct dns_lexer *lexer, struct view text, const char *file, struct dns_fault *fault)
{
	*lexer = (struct dns_lexer){
		.file = file,
		.next = text.data,
		.end = text.data + text.length,
		.line_start = text.data,
		.line = 1,
		.is_line_start = true,
		.fault = fault,
	};
}

static void place_token(struct dns_lexer *lexer)
{
	lexer->token.line = lexer->line;
	lexer->token.column = (unsigned)(lexer->next - lexer->line_start) + 1;
}

bool lexer_fail(struct dns_lexer *lexer, const char *format, ...)
{
	struct dns_fault *fault = lexer->fault;
	va_list arguments;

	fault->file = lexer->file;
	fault->line = lexer->token.line;
	fault->column = lexer->token.column;
	fault->is_warning = false;
	va_start(arguments, format);
	format_text_list(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	return false;
}

const char *lexer_shown(const struct dns_lexer *lexer, char shown[LEXER_SHOWN])
{
	struct view text = lexer->token.text;
	size_t n = text.length < LEXER_SHOWN - 4 ? text.length : LEXER_SHOWN - 4;

	if (lexer->token.kind != TOKEN_WORD) {
		format_text(shown, LEXER_SHOWN, "the end of the line");
		return shown;
	}
	shown[0] = '"';
	for (size_t i = 0; i < n; i++)
		shown[i + 1] = text.data[i] >= ' ' && text.data[i] < 127 ? (char)text.data[i] : '?';
	shown[n + 1] = '"';
	shown[n + 2] = 0;
	return shown;
}

static void next_line(struct dns_lexer *lexer)
{
	lexer->next++;
	lexer->line++;
	lexer->line_start = lexer->next;
}

static bool is_word_end(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' || c == '(' ||
	       c == ')' || c == '"';
}

static bool quoted(struct dns_lexer *lexer)
{
	const uint8_t *start = ++lexer->next;

	while (lexer->next < lexer->end && *lexer->next != '"' && *lexer->next != '\n')
		lexer->next += *lexer->next == '\\' && lexer->end - lexer->next > 1 ? 2 : 1;
	if (lexer->next >= lexer->end || *lexer->next == '\n')
		return lexer_fail(lexer, "the quoted string has no end on its line");
	lexer->token.kind = TOKEN_WORD;
	lexer->token.is_quoted = true;
	lexer->token.text = view_of(start, (size_t)(lexer->next - start));
	lexer->next++;
	return true;
}

/* Up to the closing quote of key="value", which belongs to the word. */
static void quoted_value(struct dns_lexer *lexer)
{
	lexer->next++;
	while (lexer->next < lexer->end && *lexer->next != '"' && *lexer->next != '\n')
		lexer->next += *lexer->next == '\\' && lexer->end - lexer->next > 1 ? 2 : 1;
	if (lexer->next < lexer->end && *lexer->next == '"')
		lexer->next++;
}

static bool word(struct dns_lexer *lexer)
{
	const uint8_t *start = lexer->next;

	while (lexer->next < lexer->end && !is_word_end(*lexer->next)) {
		if (*lexer->next == '\\' && lexer->end - lexer->next > 1 && lexer->next[1] != '\n')
			lexer->next++;
		lexer->next++;
		if (lexer->next < lexer->end && *lexer->next == '"' && lexer->next[-1] == '=')
			quoted_value(lexer);
	}
	lexer->token.kind = TOKEN_WORD;
	lexer->token.text = view_of(start, (size_t)(lexer->next - start));
	return true;
}

static bool end_of_text(struct dns_lexer *lexer)
{
	if (lexer->depth != 0) {
		lexer->token.line = lexer->open_line;
		lexer->token.column = lexer->open_column;
		return lexer_fail(lexer, "the parenthesis is never closed");
	}
	/* The last line may lack its line feed. */
	lexer->token.kind = lexer->is_line_start ? TOKEN_END : TOKEN_LINE_END;
	lexer->is_line_start = true;
	return true;
}

/* Skips space, comments and parentheses; false on an error. */
static bool skip_space(struct dns_lexer *lexer)
{
	for (; lexer->next < lexer->end; lexer->next++) {
		switch (*lexer->next) {
		case ' ':
		case '\t':
		case '\r':
			break;
		case ';':
			while (lexer->next + 1 < lexer->end && lexer->next[1] != '\n')
				lexer->next++;
			break;
		case '(':
			place_token(lexer);
			if (lexer->depth++ == 0) {
				lexer->open_line = lexer->token.line;
				lexer->open_column = lexer->token.column;
			}
			break;
		case ')':
			place_token(lexer);
			if (lexer->depth-- == 0)
				return lexer_fail(lexer, "the parenthesis was never opened");
			break;
		case '\n':
			if (lexer->depth == 0)
				return true;
			next_line(lexer);
			lexer->next--;
			break;
		default:
			return true;
		}
	}
	return true;
}

bool lexer_next(struct dns_lexer *lexer)
{
	bool starts_line = lexer->is_line_start && lexer->depth == 0;

	lexer->token.is_quoted = false;
	lexer->token.text = view_of(NULL, 0);
	place_token(lexer);
	if (starts_line && lexer->next < lexer->end &&
		(*lexer->next == ' ' || *lexer->next == '\t')) {
		lexer->is_line_start = false;
		lexer->token.kind = TOKEN_BLANK;
		return true;
	}
	if (!skip_space(lexer))
		return false;
	place_token(lexer);
	if (lexer->next >= lexer->end)
		return end_of_text(lexer);
	if (*lexer->next == '\n') {
		next_line(lexer);
		lexer->is_line_start = true;
		lexer->token.kind = TOKEN_LINE_END;
		return true;
	}
	lexer->is_line_start = false;
	return *lexer->next == '"' ? quoted(lexer) : word(lexer);
}

bool lexer_word(struct dns_lexer *lexer, const char *what)
{
	if (!lexer_next(lexer))
		return false;
	if (lexer->token.kind != TOKEN_WORD)
		return lexer_fail(lexer, "the line ends where %s belongs", what);
	return true;
}

bool lexer_line_end(struct dns_lexer *lexer)
{
	char shown[LEXER_SHOWN];

	if (lexer->token.kind == TOKEN_WORD && !lexer_next(lexer))
		return false;
	if (lexer->token.kind == TOKEN_WORD)
		return lexer_fail(
			lexer, "%s follows where the line should end", lexer_shown(lexer, shown));
	return true;
}

bool text_unescape(struct view *text, uint8_t *byte, bool *is_escaped)
{
	const uint8_t *c = text->data;
	unsigned value;

	*is_escaped = false;
	if (text->length == 0)
		return false;
	if (c[0] != '\\') {
		*byte = c[0];
		*text = view_part(*text, 1, text->length);
		return true;
	}
	*is_escaped = true;
	if (text->length < 2)
		return false;
	if (c[1] < '0' || c[1] > '9') {
		*byte = c[1];
		*text = view_part(*text, 2, text->length);
		return true;
	}
	if (text->length < 4 || c[2] < '0' || c[2] > '9' || c[3] < '0' || c[3] > '9')
		return false;
	value = (unsigned)(c[1] - '0') * 100 + (unsigned)(c[2] - '0') * 10 + (unsigned)(c[3] - '0');
	if (value > 255)
		return false;
	*byte = (uint8_t)value;
	*text = view_part(*text, 4, text->length);
	return true;
}

/* The labels of `text` into out; *length is what they take. NULL, or what is wrong. */
static const char *labels_parse(struct view text, uint8_t *out, size_t *length, bool *is_absolute)
{
	size_t label = 0, place = 1;
	bool is_escaped;
	uint8_t c;

	*is_absolute = false;
	while (text.length > 0) {
		if (!text_unescape(&text, &c, &is_escaped))
			return "has a bad escape";
		if (c == '.' && !is_escaped) {
			if (place == label + 1)
				return "has an empty label";
			out[label] = (uint8_t)(place - label - 1);
			label = place++;
			*is_absolute = text.length == 0;
			continue;
		}
		if (place - label > DNS_LABEL_BYTES)
			return "has a label of more than 63 bytes";
		if (place >= DNS_NAME_BYTES)
			return "is longer than 255 bytes";
		out[place++] = c;
	}
	if (!*is_absolute) {
		out[label] = (uint8_t)(place - label - 1);
		label = place;
	}
	*length = label;
	return NULL;
}

const char *name_parse(struct dns_name *name, struct view text, const struct dns_name *origin,
	uint8_t written[DNS_NAME_BYTES])
{
	uint8_t labels[DNS_NAME_BYTES + 2];
	size_t length;
	bool is_absolute;
	const char *wrong;

	if (text.length == 1 && text.data[0] == '@') {
		memcpy(written, origin->bytes, origin->length);
		*name = *origin;
		return NULL;
	}
	if (text.length == 1 && text.data[0] == '.') {
		written[0] = 0;
		dns_name_read(name, view_of(written, 1));
		return NULL;
	}
	if (text.length == 0)
		return "is empty";
	wrong = labels_parse(text, labels, &length, &is_absolute);
	if (wrong != NULL)
		return wrong;
	if (length + (is_absolute ? 1 : origin->length) > DNS_NAME_BYTES)
		return "is longer than 255 bytes";
	memcpy(written, labels, length);
	if (is_absolute) {
		written[length++] = 0;
	} else {
		memcpy(written + length, origin->bytes, origin->length);
		length += origin->length;
	}
	return dns_name_read(name, view_of(written, length)) ? NULL : "is no domain name";
}

static uint32_t unit_seconds(uint8_t unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

bool ttl_parse(uint32_t *seconds, struct view text)
{
	uint64_t total = 0, value = 0;
	bool has_digits = false;

	if (text.length == 0 || text.data[0] < '0' || text.data[0] > '9')
		return false;
	for (size_t i = 0; i < text.length; i++) {
		uint8_t c = text.data[i];

		if (c >= '0' && c <= '9') {
			value = value * 10 + (uint64_t)(c - '0');
			has_digits = true;
		} else {
			uint32_t unit = unit_seconds(dns_lower(c));

			if (unit == 0 || !has_digits)
				return false;
			total += value * unit;
			value = 0;
			has_digits = false;
		}
		if (value > UINT32_MAX || total > UINT32_MAX)
			return false;
	}
	total += value;
	if (total > UINT32_MAX)
		return false;
	*seconds = (uint32_t)total;
	return true;
}

const char *name_text(const uint8_t *name, char *text, size_t room)
{
	size_t used = 0;

	if (name[0] == 0) {
		format_text(text, room, ".");
		return text;
	}
	for (; name[0] != 0; name += (size_t)name[0] + 1) {
		for (unsigned i = 1; i <= name[0] && used + 8 < room; i++) {
			uint8_t c = name[i];

			if (c <= ' ' || c >= 127)
				used += (size_t)format_text(text + used, room - used, "\\%03u", c);
			else if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' ||
				 c == ')' || c == '@' || c == '$')
				used += (size_t)format_text(text + used, room - used, "\\%c", c);
			else
				text[used++] = (char)c;
		}
		if (used + 8 < room)
			text[used++] = '.';
	}
	text[used > 0 ? used - 1 : 0] = 0;
	return text;
}
