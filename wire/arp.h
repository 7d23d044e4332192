/*
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *     0       2          4      5      6           8            14         18           24        28
 *     +-------+----------+------+------+-----------+------------+----------+------------+---------+
 *     | hrd 1 |pro 0x0800|hln 6 |pln 4 | operation |sender MAC  |sender IP |target MAC  |target IP|
 *     +-------+----------+------+------+-----------+------------+----------+------------+---------+
 */
#ifndef DIATOM_WIRE_ARP_H
#define DIATOM_WIRE_ARP_H

#include "wire/ethernet.h"

#define ARP_BYTES 28

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
	uint16_t operation; /* enum arp_operation */
	uint8_t sender_mac[MAC_BYTES];
	uint32_t sender_ip; /* host order */
	uint8_t target_mac[MAC_BYTES];
	uint32_t target_ip; /* host order */
};

/* False for anything but a whole request or reply for IPv4 over Ethernet. */
bool arp_parse(struct arp *out, struct view bytes);
void arp_emit(uint8_t out[ARP_BYTES], const struct arp *arp);

#endif
