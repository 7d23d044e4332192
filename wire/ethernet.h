/*
 * Ethernet II (RFC 894).
 *
 *     0           6          12     14
 *     +-----------+-----------+------+---------
 *     |destination|  source   | type | payload
 *     +-----------+-----------+------+---------
 *
 * A type below 1536 is an IEEE 802.3 length: such frames, and VLAN tags, are not ours.
 */
#ifndef DIATOM_WIRE_ETHERNET_H
#define DIATOM_WIRE_ETHERNET_H

#include "wire/cursor.h"

#define ETHERNET_HEADER_BYTES 14
#define MAC_BYTES	      6

enum ethernet_type {
	ETHERNET_IPV4 = 0x0800,
	ETHERNET_ARP = 0x0806,
	ETHERNET_IPV6 = 0x86dd,
};

struct ethernet_header {
	uint8_t destination[MAC_BYTES];
	uint8_t source[MAC_BYTES];
	uint16_t type;
};

static inline bool ethernet_parse(struct ethernet_header *out, struct view frame)
{
	if (frame.length < ETHERNET_HEADER_BYTES)
		return false;
	memcpy(out->destination, frame.data, MAC_BYTES);
	memcpy(out->source, frame.data + 6, MAC_BYTES);
	out->type = be16_at(frame.data + 12);
	return true;
}

static inline void ethernet_emit(uint8_t *out, const uint8_t destination[MAC_BYTES],
	const uint8_t source[MAC_BYTES], uint16_t type)
{
	memcpy(out, destination, MAC_BYTES);
	memcpy(out + 6, source, MAC_BYTES);
	be16_to(out + 12, type);
}

static inline bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, MAC_BYTES) == 0;
}

/* The group bit: multicast and broadcast. */
static inline bool mac_is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

static inline bool mac_is_zero(const uint8_t *mac)
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0;
}

static inline bool mac_is_broadcast(const uint8_t *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

extern const uint8_t mac_broadcast[MAC_BYTES];

#define MAC_TEXT_BYTES 18 /* "52:54:00:a1:00:02" with its NUL */
/* Returns `text`. */
const char *mac_text(const uint8_t mac[MAC_BYTES], char text[MAC_TEXT_BYTES]);

#endif
