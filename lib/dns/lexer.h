/*
 * Lexer of master files (RFC 1035 section 5.1): bytes to words.
 *
 *     example  3600 IN SOA ns1 ( host\.master.example.   ; comment
 *                                1 "quoted string" )
 *
 * Parentheses join lines; a semicolon starts a comment; a word may be quoted; a backslash takes the
 * next character, or three decimal digits, out of all that. Space at the start of a line is a token
 * of its own (BLANK): it stands for the owner of the record before.
 */
#ifndef DIATOM_DNS_LEXER_H
#define DIATOM_DNS_LEXER_H

#include "diatom/dns.h"
#include "wire/dns.h"

enum dns_token_kind { TOKEN_WORD, TOKEN_BLANK, TOKEN_LINE_END, TOKEN_END };

struct dns_token {
	enum dns_token_kind kind;
	bool is_quoted;
	unsigned line, column;
	struct view text; /* as it stands in the file, without the quotes */
};

struct dns_lexer {
	const char *file;
	const uint8_t *next, *end, *line_start;
	unsigned line;
	unsigned depth;			 /* of parentheses */
	unsigned open_line, open_column; /* the outermost open one */
	bool is_line_start;
	struct dns_token token;	 /* the current one */
	struct dns_fault *fault; /* the first error, once there is one */
};

/* The same `fault` serves a file and all that it includes. */
void lexer_start(
	struct dns_lexer *lexer, struct view text, const char *file, struct dns_fault *fault);

/* Reads the next token into lexer->token; false on an error. */
bool lexer_next(struct dns_lexer *lexer);

/* The same, and it must be a word: `what` names the missing thing otherwise. */
bool lexer_word(struct dns_lexer *lexer, const char *what);

/* Skips to the end of the line; anything but its end is an error. */
bool lexer_line_end(struct dns_lexer *lexer);

/* Notes an error at the current token. Returns false. */
__attribute__((format(printf, 2, 3))) bool lexer_fail(
	struct dns_lexer *lexer, const char *format, ...);

/* The current word for a message: cut, unprintable characters replaced. */
#define LEXER_SHOWN 64
const char *lexer_shown(const struct dns_lexer *lexer, char shown[LEXER_SHOWN]);

/* Takes one character, or escape, from *text into *byte; false at the end, and for a bad escape. */
bool text_unescape(struct view *text, uint8_t *byte, bool *is_escaped);

/* A name: absolute with a last dot, else below `origin`; "@" is the origin. NULL, or what is wrong. */
const char *name_parse(struct dns_name *name, struct view text, const struct dns_name *origin,
	uint8_t written[DNS_NAME_BYTES]);

/* "3600" or "1h30m": seconds (RFC 2308 and BIND's units); false if it is neither. */
bool ttl_parse(uint32_t *seconds, struct view text);

/* A name's text without the last dot ("." for the root), cut to `room` bytes; returns `text`. */
const char *name_text(const uint8_t *name, char *text, size_t room);

#endif
