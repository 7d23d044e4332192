/*
 * Record data: from the words of a master file to the bytes of the wire, and the check of bytes that
 * were given as such (RFC 3597).
 */
#ifndef DIATOM_DNS_RDATA_H
#define DIATOM_DNS_RDATA_H

#include "lib/dns/lexer.h"
#include "lib/dns/type.h"

/*
 * Reads the data of a record of that type, up to the end of its line: the current token is the word
 * before the data, afterwards the line's end. Names are below `origin`. False on an error, noted in
 * the lexer.
 */
bool rdata_parse(
	struct dns_lexer *lexer, uint16_t type, const struct dns_name *origin, struct emitter *out);

/* Is it well-formed data of that type? Always, for types that have no format. */
bool rdata_check(uint16_t type, struct view data);

/* The fields that take a page of their own: rdata_svcb.c and rdata_rare.c. Same contract. */
bool svcb_parse(struct dns_lexer *lexer, struct emitter *out);
bool loc_parse(struct dns_lexer *lexer, struct emitter *out);
bool apl_parse(struct dns_lexer *lexer, struct emitter *out);
bool ipseckey_parse(struct dns_lexer *lexer, const struct dns_name *origin, struct emitter *out);
bool bitmap_parse(struct dns_lexer *lexer, struct emitter *out);

/* Fields that others are made of. */
bool field_name(struct dns_lexer *lexer, const struct dns_name *origin, struct emitter *out);
bool field_number(struct dns_lexer *lexer, uint32_t most, uint32_t *number);
bool field_base64(struct dns_lexer *lexer, struct emitter *out);

/* Is the word next on the line? Reads it. False at the line's end and on an error: fault->text. */
bool lexer_more(struct dns_lexer *lexer);
bool lexer_is_fine(const struct dns_lexer *lexer);

#endif
