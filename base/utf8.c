/*
 * The rows of RFC 3629 section 4: what the first byte says about those behind it.
 *
 *     00..7f                          c2..df  80..bf
 *     e0  a0..bf 80..bf               e1..ec, ee, ef  80..bf 80..bf      ed  80..9f 80..bf
 *     f0  90..bf 80..bf 80..bf        f1..f3  80..bf x 3                 f4  80..8f 80..bf 80..bf
 */
#include "base/utf8.h"

#define ASCII_MASK UINT64_C(0x8080808080808080)

/* The first byte of a character. */
static bool start(struct utf8 *u, uint8_t c)
{
	u->least = 0x80;
	u->most = 0xbf;
	if (c < 0x80)
		u->left = 0;
	else if (c >= 0xc2 && c <= 0xdf)
		u->left = 1;
	else if (c >= 0xe0 && c <= 0xef)
		u->left = 2;
	else if (c >= 0xf0 && c <= 0xf4)
		u->left = 3;
	else
		return false;
	if (c == 0xe0)
		u->least = 0xa0;
	else if (c == 0xed)
		u->most = 0x9f;
	else if (c == 0xf0)
		u->least = 0x90;
	else if (c == 0xf4)
		u->most = 0x8f;
	return true;
}

bool utf8_feed(struct utf8 *u, struct view bytes)
{
	for (size_t i = 0; i < bytes.length;) {
		uint64_t eight;
		uint8_t c;

		if (u->left == 0 && bytes.length - i >= sizeof(eight)) {
			memcpy(&eight, bytes.data + i, sizeof(eight));
			if ((eight & ASCII_MASK) == 0) {
				i += sizeof(eight);
				continue;
			}
		}
		c = bytes.data[i++];
		if (u->left == 0) {
			if (!start(u, c))
				return false;
			continue;
		}
		if (c < u->least || c > u->most)
			return false;
		u->left--;
		u->least = 0x80;
		u->most = 0xbf;
	}
	return true;
}

bool utf8_is_valid(struct view bytes)
{
	struct utf8 u = { 0 };

	return utf8_feed(&u, bytes) && utf8_is_whole(&u);
}
