/*
 * Frames are checked as a whole when their header is there; what a header forbids is named once, here.
 */
#include "wire/websocket.h"

#include "base/endian.h"
#include "base/sha1.h"

#define FINAL	  0x80
#define RESERVED  0x70
#define OPCODE	  0x0f
#define MASKED	  0x80
#define LENGTH	  0x7f
#define LENGTH_16 126
#define LENGTH_64 127

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* 1.3 */

static bool is_known(uint8_t opcode)
{
	return opcode <= WEBSOCKET_BINARY ||
	       (opcode >= WEBSOCKET_CLOSE && opcode <= WEBSOCKET_PONG);
}

/* The length in its shortest form (5.2). */
static bool take_length(struct websocket_header *h, const uint8_t *bytes, uint8_t field)
{
	if (field == LENGTH_16) {
		h->length = be16_at(bytes);
		return h->length >= LENGTH_16;
	}
	if (field == LENGTH_64) {
		h->length = be64_at(bytes);
		return h->length > UINT16_MAX && h->length <= INT64_MAX;
	}
	h->length = field;
	return true;
}

enum websocket_result websocket_parse(
	struct websocket_header *h, struct view bytes, size_t *header_bytes)
{
	const uint8_t *p = bytes.data;
	size_t extra, mask;

	if (p == NULL || bytes.length < 2)
		return WEBSOCKET_SHORT;
	h->is_final = (p[0] & FINAL) != 0;
	h->opcode = p[0] & OPCODE;
	h->is_masked = (p[1] & MASKED) != 0;
	if ((p[0] & RESERVED) != 0 || !is_known(h->opcode))
		return WEBSOCKET_PROTOCOL;
	if (h->opcode >= WEBSOCKET_CLOSE && (!h->is_final || (p[1] & LENGTH) >= LENGTH_16))
		return WEBSOCKET_PROTOCOL;
	extra = (p[1] & LENGTH) == LENGTH_16 ? 2 : (p[1] & LENGTH) == LENGTH_64 ? 8 : 0;
	mask = h->is_masked ? sizeof(h->mask) : 0;
	if (bytes.length < 2 + extra + mask)
		return WEBSOCKET_SHORT;
	if (!take_length(h, p + 2, p[1] & LENGTH))
		return WEBSOCKET_PROTOCOL;
	if (h->is_masked)
		memcpy(h->mask, p + 2 + extra, sizeof(h->mask));
	*header_bytes = 2 + extra + mask;
	return WEBSOCKET_OK;
}

size_t websocket_emit(uint8_t *out, const struct websocket_header *h)
{
	size_t n = 2;

	out[0] = (uint8_t)((h->is_final ? FINAL : 0) | h->opcode);
	out[1] = h->is_masked ? MASKED : 0;
	if (h->length < LENGTH_16) {
		out[1] |= (uint8_t)h->length;
	} else if (h->length <= UINT16_MAX) {
		out[1] |= LENGTH_16;
		be16_to(out + n, (uint16_t)h->length);
		n += 2;
	} else {
		out[1] |= LENGTH_64;
		be64_to(out + n, h->length);
		n += 8;
	}
	if (h->is_masked) {
		memcpy(out + n, h->mask, sizeof(h->mask));
		n += sizeof(h->mask);
	}
	return n;
}

void websocket_mask(uint8_t *payload, size_t length, const uint8_t mask[4], uint64_t offset)
{
	for (size_t i = 0; i < length; i++)
		payload[i] ^= mask[(offset + i) & 3];
}

bool websocket_key_is_good(struct view key)
{
	if (key.length != WEBSOCKET_KEY_BYTES || key.data[22] != '=' || key.data[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (key.data[i] == '\0' || strchr(base64, key.data[i]) == NULL)
			return false;
	return true;
}

/* 20 bytes as 28 characters. */
static void encode(const uint8_t digest[SHA1_BYTES], char text[WEBSOCKET_ACCEPT_BYTES])
{
	uint8_t padded[21] = { 0 };

	memcpy(padded, digest, SHA1_BYTES);
	for (unsigned i = 0; i < 7; i++) {
		const uint8_t *three = padded + 3 * i;
		uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];

		for (unsigned j = 0; j < 4; j++)
			text[4 * i + j] = base64[bits >> (18 - 6 * j) & 63];
	}
	text[WEBSOCKET_ACCEPT_BYTES - 1] = '=';
}

void websocket_accept(struct view key, char accept[WEBSOCKET_ACCEPT_BYTES])
{
	uint8_t text[WEBSOCKET_KEY_BYTES + sizeof(guid) - 1] = { 0 }, digest[SHA1_BYTES];
	struct view part = view_part(key, 0, WEBSOCKET_KEY_BYTES);

	if (part.data != NULL && part.length > 0)
		memcpy(text, part.data, part.length);
	memcpy(text + part.length, guid, sizeof(guid) - 1);
	sha1(view_of(text, part.length + sizeof(guid) - 1), digest);
	encode(digest, accept);
}

bool websocket_code_is_good(unsigned code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}
