/*
 * ICMP for IPv4 (RFC 792).
 *
 *     0      1      2            4                 8
 *     +------+------+------------+-----------------+------------------------------------------
 *     | type | code |  checksum  | rest of header  | echo: data; errors: IP header + 8 or more bytes
 *     +------+------+------------+-----------------+------------------------------------------
 *
 * Rest of header: echo: identifier, sequence number; errors: unused, but for "fragmentation needed"
 * whose last 16 bits are the next hop's MTU (RFC 1191).
 */
#ifndef DIATOM_WIRE_ICMP_H
#define DIATOM_WIRE_ICMP_H

#include "wire/cursor.h"

#define ICMP_HEADER_BYTES 8

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
};

enum icmp_unreachable_code {
	ICMP_NET_UNREACHABLE = 0,
	ICMP_HOST_UNREACHABLE = 1,
	ICMP_PROTOCOL_UNREACHABLE = 2,
	ICMP_PORT_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4,
};

enum { ICMP_REASSEMBLY_TIME_EXCEEDED = 1 }; /* code of ICMP_TIME_EXCEEDED */

struct icmp_header {
	uint8_t type, code;
	uint32_t rest;
};

/* Reads the header; the checksum is judged by the caller, who has all of the bytes. */
static inline bool icmp_parse(struct icmp_header *out, struct view bytes)
{
	if (bytes.length < ICMP_HEADER_BYTES)
		return false;
	out->type = bytes.data[0];
	out->code = bytes.data[1];
	out->rest = be32_at(bytes.data + 4);
	return true;
}

/* With a zero checksum field, at out + 2. */
static inline void icmp_emit(uint8_t out[ICMP_HEADER_BYTES], const struct icmp_header *header)
{
	out[0] = header->type;
	out[1] = header->code;
	be16_to(out + 2, 0);
	be32_to(out + 4, header->rest);
}

/* Is it an error message, one that must never be answered with an error (RFC 1122 3.2.2)? Unknown
 * types count as errors. */
static inline bool icmp_is_error(uint8_t type)
{
	return type != ICMP_ECHO_REQUEST && type != ICMP_ECHO_REPLY;
}

#endif
