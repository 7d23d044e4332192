/*
 * TCP header and options (RFC 9293 3.1, 3.2; RFC 7323 2.2, 3.2; RFC 2018 2, 3).
 *
 *     0                   4              8                  12                     14        16
 *     +---------+---------+--------------+------------------+------+-------+-------+---------+
 *     | source  | destin. |   sequence   |  acknowledgment  |offset| flags |window |checksum |
 *     |  port   |  port   |    number    |      number      | 4 |0 |       |       |16 urgent|
 *     +---------+---------+--------------+------------------+------+-------+-------+---------+
 *     20  options: kind, or kind, length (of both included), data; to offset * 4, at most 60
 *
 * Sequence numbers live on a circle of 2^32: they are compared by sequence_before and its kin, which
 * are right for numbers less than 2^31 apart.
 */
#ifndef DIATOM_WIRE_TCP_H
#define DIATOM_WIRE_TCP_H

#include "wire/checksum.h"
#include "wire/cursor.h"

#define TCP_HEADER_BYTES     20
#define TCP_HEADER_BYTES_MAX 60
#define TCP_OPTION_BYTES_MAX 40
#define TCP_CHECKSUM_OFFSET  16
#define TCP_SCALE_MAX	     14 /* RFC 7323 2.3 */
#define TCP_SACK_BLOCKS_MAX  4
#define TCP_TIMESTAMP_BYTES  12 /* with the two no-operations that align it */

enum tcp_flags {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
};

struct tcp_header {
	uint16_t source_port, destination_port;
	uint32_t sequence, acknowledgment;
	uint16_t window, urgent;
	uint8_t header_length; /* bytes, options included: 20 .. 60 */
	uint8_t flags;	       /* enum tcp_flags */
};

struct tcp_block {
	uint32_t start, end; /* end: the first number after it */
};

struct tcp_options {
	uint16_t mss; /* 0: not given */
	uint8_t scale;
	uint8_t block_count;
	bool has_scale, has_sack_permitted, has_timestamp;
	uint32_t timestamp, timestamp_echo;
	struct tcp_block blocks[TCP_SACK_BLOCKS_MAX];
};

/* Reads the header at the start of `bytes`. False if it isn't whole there, options included. The
 * checksum is the caller's to judge. */
bool tcp_parse(struct tcp_header *out, struct view bytes);

/*
 * Reads the options of a parsed header. Unknown ones are skipped; one whose length makes no sense
 * ends the list, and false is returned: what was read before it counts (RFC 9293 MUST-7 wants no
 * crash, and nothing is gained by believing more).
 */
bool tcp_options_parse(struct tcp_options *out, struct view options);

/* Writes 20 bytes with a zero checksum. */
void tcp_emit_header(uint8_t out[TCP_HEADER_BYTES], const struct tcp_header *header);

/*
 * Writes the options, aligned and padded to 4 bytes with no-operations; returns their length. What is
 * zero or false is left out; as many SACK blocks as fit are written.
 */
size_t tcp_options_emit(uint8_t out[TCP_OPTION_BYTES_MAX], const struct tcp_options *options);

static inline bool sequence_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool sequence_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* start <= a <= end, around the circle. */
static inline bool sequence_is_within(uint32_t a, uint32_t start, uint32_t end)
{
	return a - start <= end - start;
}

static inline uint32_t sequence_max(uint32_t a, uint32_t b)
{
	return sequence_before(a, b) ? b : a;
}

static inline uint32_t sequence_min(uint32_t a, uint32_t b)
{
	return sequence_before(a, b) ? a : b;
}

#endif
