/*
 * Codecs of record data: text to bytes. Each appends to `out` and returns false when the text is not
 * in its form; what does not fit sets out->is_short. Hexadecimal and base64 may be cut into several
 * words: a struct carries what is left over between them.
 */
#ifndef DIATOM_DNS_CODEC_H
#define DIATOM_DNS_CODEC_H

#include "wire/cursor.h"

struct codec {
	uint32_t bits;	 /* collected, not yet a byte */
	unsigned count;	 /* how many of them */
	unsigned digits; /* read in all */
	unsigned pads;	 /* '=' read in all */
};

bool hex_feed(struct codec *codec, struct view text, struct emitter *out);
bool hex_is_whole(const struct codec *codec);
/* RFC 4648 section 4. */
bool base64_feed(struct codec *codec, struct view text, struct emitter *out);
bool base64_is_whole(const struct codec *codec);
/* RFC 4648 section 7, without padding, in one word. */
bool base32hex_decode(struct view text, struct emitter *out);

/* YYYYMMDDHHmmSS or seconds (RFC 4034 3.2). */
bool date_parse(struct view text, uint32_t *seconds);
/* Dotted quad, four decimal numbers without leading zeros. */
bool ipv4_text_parse(struct view text, uint8_t address[4]);
bool ipv6_text_parse(struct view text, uint8_t address[16]);
/* `bytes` pairs of digits with '-' between: EUI48, EUI64 (RFC 7043). */
bool eui_parse(struct view text, unsigned bytes, struct emitter *out);
/* Four groups of up to four digits with ':' between (RFC 6742). */
bool ilnp_parse(struct view text, struct emitter *out);

#endif
