/*
 * Text that names addresses, as people and manifests write it: checked strictly, because the body
 * gets it unchanged.
 */
#ifndef DIATOM_HOST_NETTEXT_H
#define DIATOM_HOST_NETTEXT_H

#include <stdbool.h>
#include <stdint.h>

/* "10.0.0.1" */
bool nettext_is_address(const char *text);
/* "2001:db8::1" */
bool nettext_is_address6(const char *text);

/* "10.0.0.2/24": an address of a host, with the length of its network's prefix. */
bool nettext_is_prefix(const char *text);
/* "2001:db8::2/64", or one of the words "auto" and "off". */
bool nettext_is_prefix6(const char *text);
/* Is it an address, and not one of the words? Empty: no. */
bool nettext_names_address6(const char *text);

/* "52:54:00:12:34:56": a unicast address other than 0. */
bool nettext_to_mac(const char *text, uint8_t mac[6]);

#endif
