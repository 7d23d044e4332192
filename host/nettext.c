/*
 * inet_pton does the work for addresses: it takes neither blanks nor leading zeros nor "1.2.3".
 */
#include "host/nettext.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "host/hex.h"

/* The address's family, or 0. */
static int family_of(const char *text)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return AF_INET6;
	return 0;
}

bool nettext_is_address(const char *text)
{
	return family_of(text) == AF_INET;
}

bool nettext_is_address6(const char *text)
{
	return family_of(text) == AF_INET6;
}

/* The family of an "ADDRESS/BITS", or 0. */
static int prefix_family_of(const char *text)
{
	char address[64];
	const char *slash = strchr(text, '/'), *digit;
	size_t length = slash != NULL ? (size_t)(slash - text) : sizeof(address);
	int family, bits = 0;

	if (length >= sizeof(address))
		return 0;
	memcpy(address, text, length);
	address[length] = '\0';
	family = family_of(address);
	for (digit = slash + 1; *digit >= '0' && *digit <= '9' && digit < slash + 4; digit++)
		bits = bits * 10 + (*digit - '0');
	if (digit == slash + 1 || *digit != '\0' || (slash[1] == '0' && bits != 0))
		return 0;
	return bits <= (family == AF_INET ? 32 : 128) ? family : 0;
}

bool nettext_is_prefix(const char *text)
{
	return prefix_family_of(text) == AF_INET;
}

bool nettext_names_address6(const char *text)
{
	return text[0] != '\0' && strcmp(text, "auto") != 0 && strcmp(text, "off") != 0;
}

bool nettext_is_prefix6(const char *text)
{
	return strcmp(text, "auto") == 0 || strcmp(text, "off") == 0 ||
	       prefix_family_of(text) == AF_INET6;
}

bool nettext_to_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t none[6];
	uint8_t parsed[6];

	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		parsed[i] = (uint8_t)(high << 4 | low);
	}
	if ((parsed[0] & 1) != 0 || memcmp(parsed, none, 6) == 0)
		return false;
	memcpy(mac, parsed, 6);
	return true;
}
