/*
 * ARP: one fixed layout, so one length check and plain loads.
 */
#include "wire/arp.h"

bool arp_parse(struct arp *out, struct view bytes)
{
	const uint8_t *p = bytes.data;

	if (bytes.length < ARP_BYTES)
		return false;
	if (be16_at(p) != 1 || be16_at(p + 2) != ETHERNET_IPV4 || p[4] != MAC_BYTES || p[5] != 4)
		return false;
	out->operation = be16_at(p + 6);
	memcpy(out->sender_mac, p + 8, MAC_BYTES);
	out->sender_ip = be32_at(p + 14);
	memcpy(out->target_mac, p + 18, MAC_BYTES);
	out->target_ip = be32_at(p + 24);
	return out->operation == ARP_REQUEST || out->operation == ARP_REPLY;
}

void arp_emit(uint8_t out[ARP_BYTES], const struct arp *arp)
{
	be16_to(out, 1);
	be16_to(out + 2, ETHERNET_IPV4);
	out[4] = MAC_BYTES;
	out[5] = 4;
	be16_to(out + 6, arp->operation);
	memcpy(out + 8, arp->sender_mac, MAC_BYTES);
	be32_to(out + 14, arp->sender_ip);
	memcpy(out + 18, arp->target_mac, MAC_BYTES);
	be32_to(out + 24, arp->target_ip);
}
