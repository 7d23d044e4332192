/*
 * IPv4 header (RFC 791).
 *
 *     0        4        8               16     19                        31
 *     +--------+--------+---------------+--------------------------------+
 *     |version |IHL     |type of service|          total length          |
 *     +--------+--------+---------------+------+-------------------------+
 *     |         identification          |-DF MF|    fragment offset / 8  |
 *     +-----------------+---------------+------+-------------------------+
 *     |  time to live   |   protocol    |        header checksum         |
 *     +-----------------+---------------+--------------------------------+
 *     |                          source address                          |
 *     |                       destination address                        |
 *     |                    options (IHL - 5 words)                       |
 *     +------------------------------------------------------------------+
 */
#ifndef DIATOM_WIRE_IPV4_H
#define DIATOM_WIRE_IPV4_H

#include "wire/cursor.h"

#define IPV4_HEADER_BYTES     20
#define IPV4_HEADER_BYTES_MAX 60
#define IPV4_BYTES_MAX	      65535
#define IPV4_MTU_MIN	      68 /* RFC 791 3.2: what every link carries */
#define IPV4_TTL	      64 /* RFC 1700's recommendation */

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

struct ipv4_header {
	uint32_t source, destination; /* host order */
	uint16_t total_length;	      /* header included */
	uint16_t id;
	uint16_t fragment_offset; /* bytes */
	uint8_t header_length;	  /* bytes, 20 .. 60 */
	uint8_t type_of_service, ttl, protocol;
	bool dont_fragment, more_fragments;
};

enum ipv4_fault {
	IPV4_OK = 0,
	IPV4_SHORT,	  /* less than a header */
	IPV4_BAD_VERSION, /* not version 4 */
	IPV4_BAD_LENGTH,  /* lengths contradict each other or the frame */
	IPV4_BAD_CHECKSUM,
};

/*
 * Reads and checks the header at the start of `bytes`, of which `available` follow in all (later
 * fragments of the buffer included). Whatever passes has header_length <= total_length <= available
 * and header_length <= bytes.length.
 */
enum ipv4_fault ipv4_parse(struct ipv4_header *out, struct view bytes, size_t available);

/*
 * The same for the copy that an ICMP error quotes: it may be cut after the header, so the total
 * length is not compared, nor the checksum, which routers on the way may have changed.
 */
enum ipv4_fault ipv4_parse_quoted(struct ipv4_header *out, struct view bytes);

/* Writes 20 bytes, checksum included. */
void ipv4_emit(uint8_t out[IPV4_HEADER_BYTES], const struct ipv4_header *header);

enum ipv4_options { IPV4_OPTIONS_FINE, IPV4_OPTIONS_SOURCE_ROUTE, IPV4_OPTIONS_MALFORMED };

/* Walks the options of a parsed header (RFC 791 3.1, RFC 1122 3.2.1.8). */
enum ipv4_options ipv4_options_check(struct view options);

#endif
