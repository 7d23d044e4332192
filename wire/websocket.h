/*
 * WebSocket frames (RFC 6455 section 5) and the handshake's key (4.2.2).
 *
 *      0        1        2              (8)       (12)
 *     +-+---+--+-+------+----------------+---------+---------
 *     |F|RSV|op|M|length| 16 or 64 bits  | masking | payload
 *     | |   |  | |  7   | if 126 or 127  | key if M|
 *     +-+---+--+-+------+----------------+---------+---------
 */
#ifndef DIATOM_WIRE_WEBSOCKET_H
#define DIATOM_WIRE_WEBSOCKET_H

#include <stdbool.h>

#include "diatom/view.h"

enum websocket_opcode { /* 5.2 */
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

#define WEBSOCKET_HEADER_MAX   14
#define WEBSOCKET_CONTROL_MAX  125 /* payload of a control frame (5.5) */
#define WEBSOCKET_KEY_BYTES    24  /* Sec-WebSocket-Key */
#define WEBSOCKET_ACCEPT_BYTES 28  /* Sec-WebSocket-Accept */

struct websocket_header {
	uint64_t length; /* of the payload */
	uint8_t opcode;	 /* enum websocket_opcode */
	bool is_final;
	bool is_masked;
	uint8_t mask[4];
};

enum websocket_result {
	WEBSOCKET_OK,
	WEBSOCKET_SHORT,    /* more bytes are needed */
	WEBSOCKET_PROTOCOL, /* a frame that 5.2 or 5.5 forbids: close with 1002 */
};

/*
 * Reads a frame's header at the start of `bytes`; *header_bytes: its length. Reserved bits, unknown
 * opcodes, control frames that are long or fragmented, lengths not in the shortest form, and a 64-bit
 * length with its top bit set are refused.
 */
enum websocket_result websocket_parse(
	struct websocket_header *header, struct view bytes, size_t *header_bytes);

/* Writes a header into room for WEBSOCKET_HEADER_MAX; its length. */
size_t websocket_emit(uint8_t *out, const struct websocket_header *header);

/* Masks or unmasks payload in place; `offset` of its first byte in the frame's payload (5.3). */
void websocket_mask(uint8_t *payload, size_t length, const uint8_t mask[4], uint64_t offset);

/* Is it 16 bytes in base64? And the answer to it. */
bool websocket_key_is_good(struct view key);
void websocket_accept(struct view key, char accept[WEBSOCKET_ACCEPT_BYTES]);

/* A close frame's status code that may be sent or received (7.4.1, 7.4.2). */
bool websocket_code_is_good(unsigned code);

#endif
