/*
 * Ethernet: what the header's inline functions leave over.
 */
#include "wire/ethernet.h"

const uint8_t mac_broadcast[MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

const char *mac_text(const uint8_t mac[MAC_BYTES], char text[MAC_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char *out = text;

	for (int i = 0; i < MAC_BYTES; i++) {
		*out++ = digits[mac[i] >> 4];
		*out++ = digits[mac[i] & 15];
		*out++ = i < MAC_BYTES - 1 ? ':' : '\0';
	}
	return text;
}
