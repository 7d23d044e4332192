/*
 * The reader of master files: RFC 1035 section 5, RFC 2308 section 4 ($TTL), and BIND's $GENERATE.
 *
 *     $ORIGIN name | $TTL time | $INCLUDE file [origin] | $GENERATE range owner [ttl] [class] type data
 *     [owner] [ttl] [class] type data
 */
#ifndef DIATOM_DNS_MASTER_H
#define DIATOM_DNS_MASTER_H

#include "lib/dns/draft.h"

#define MASTER_INCLUDES_MAX 8

struct master {
	struct draft *draft;
	const struct dns_source *source;
	struct dns_name origin;
	uint32_t owner; /* node of the last owner; NODE_NONE: none yet */
	bool has_default_ttl, has_last_ttl;
	uint32_t default_ttl, last_ttl; /* $TTL; the last one given (RFC 1035 5.1) */
	unsigned includes;		/* open ones */
	bool is_out_of_memory;
	struct emitter data; /* a record's, while it is read */
};

/* Reads a whole text into the draft: false on an error, noted in the draft's fault, or
 * is_out_of_memory. */
bool master_read(struct master *master, struct view text, const char *file);

/* One line of a $GENERATE (generate.c): the current token is the directive. */
bool master_generate(struct master *master, struct dns_lexer *lexer);

/* Reads the lines of a lexer up to its end. */
bool master_lines(struct master *master, struct dns_lexer *lexer);

#endif
