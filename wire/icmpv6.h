/*
 * ICMPv6 (RFC 4443). The header is ICMP's (wire/icmp.h): type, code, checksum, 32 bits; the checksum
 * covers a pseudo-header, too.
 *
 * The 32 bits: packet too big: the MTU; parameter problem: offset of what is wrong; echo: identifier,
 * sequence number.
 */
#ifndef DIATOM_WIRE_ICMPV6_H
#define DIATOM_WIRE_ICMPV6_H

#include "wire/icmp.h"

enum icmpv6_type {
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO_REQUEST = 128, /* from here on: no errors */
	ICMPV6_ECHO_REPLY = 129,
	ICMPV6_MLD_QUERY = 130,
	ICMPV6_ROUTER_SOLICITATION = 133,
	ICMPV6_ROUTER_ADVERTISEMENT = 134,
	ICMPV6_NEIGHBOUR_SOLICITATION = 135,
	ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMPV6_REDIRECT = 137,
	ICMPV6_MLD_REPORT = 143,
};

enum icmpv6_unreachable_code {
	ICMPV6_NO_ROUTE = 0,
	ICMPV6_PROHIBITED = 1,
	ICMPV6_BEYOND_SCOPE = 2,
	ICMPV6_ADDRESS_UNREACHABLE = 3,
	ICMPV6_PORT_UNREACHABLE = 4,
};

enum icmpv6_problem_code {
	ICMPV6_BAD_FIELD = 0,
	ICMPV6_UNKNOWN_HEADER = 1,
	ICMPV6_UNKNOWN_OPTION = 2,
	ICMPV6_INCOMPLETE_CHAIN = 3, /* RFC 7112 */
};

/* Also one that we don't know, below 128 (RFC 4443 2.1). */
static inline bool icmpv6_is_error(uint8_t type)
{
	return type < ICMPV6_ECHO_REQUEST;
}

#endif
