/*
 * UDP header (RFC 768).
 *
 *     0             2                  4          6          8
 *     +-------------+------------------+----------+----------+------
 *     | source port | destination port |  length  | checksum | data
 *     +-------------+------------------+----------+----------+------
 *
 * The length counts the header. A checksum of 0 says that there is none; a computed 0 is sent as
 * 0xffff.
 */
#ifndef DIATOM_WIRE_UDP_H
#define DIATOM_WIRE_UDP_H

#include "wire/checksum.h"
#include "wire/cursor.h"

#define UDP_HEADER_BYTES    8
#define UDP_CHECKSUM_OFFSET 6

struct udp_header {
	uint16_t source_port, destination_port;
	uint16_t length;
	bool has_checksum;
};

/* False if the header doesn't fit, or its length is below 8 or beyond `available`. */
static inline bool udp_parse(struct udp_header *out, struct view bytes, size_t available)
{
	if (bytes.length < UDP_HEADER_BYTES)
		return false;
	out->source_port = be16_at(bytes.data);
	out->destination_port = be16_at(bytes.data + 2);
	out->length = be16_at(bytes.data + 4);
	out->has_checksum = be16_at(bytes.data + UDP_CHECKSUM_OFFSET) != 0;
	return out->length >= UDP_HEADER_BYTES && out->length <= available;
}

/* With a zero checksum field. */
static inline void udp_emit(uint8_t out[UDP_HEADER_BYTES], const struct udp_header *header)
{
	be16_to(out, header->source_port);
	be16_to(out + 2, header->destination_port);
	be16_to(out + 4, header->length);
	be16_to(out + UDP_CHECKSUM_OFFSET, 0);
}

/* The checksum for a sum over pseudo-header, header (field zero) and data. */
static inline void udp_checksum_store(uint8_t header[UDP_HEADER_BYTES], uint64_t sum)
{
	checksum_store(header + UDP_CHECKSUM_OFFSET, sum);
	if (be16_at(header + UDP_CHECKSUM_OFFSET) == 0)
		be16_to(header + UDP_CHECKSUM_OFFSET, 0xffff);
}

#endif
