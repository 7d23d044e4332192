/*
 * WebSocket frames and what they stand on: SHA-1 and UTF-8, with the vectors of their specifications.
 */
#include "base/sha1.h"
#include "base/utf8.h"
#include "test/check.h"
#include "wire/websocket.h"

static void digests(void)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		/* FIPS 180-2, appendix A; the empty text; one that needs two blocks for its padding */
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "0123456701234567012345670123456701234567012345670123456701234567",
			"e0c094e867ef46c350ef54a7f59dd60bed92ae83" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t digest[SHA1_BYTES];
		char text[2 * SHA1_BYTES + 1];

		sha1(view_text(rows[i].text), digest);
		for (unsigned j = 0; j < SHA1_BYTES; j++)
			snprintf(text + 2 * j, 3, "%02x", digest[j]);
		CHECK_TEXT(text, rows[i].digest);
	}
}

static void utf8_rows(void)
{
	static const struct {
		const char *text;
		bool is_valid;
	} rows[] = {
		{ "", true },
		{ "plain ascii, longer than eight", true },
		{ "\xc2\x80\xdf\xbf", true },
		{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true },
		{ "12345678\xce\xba\xe1\xbd\xb9", true },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false }, /* a surrogate */
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\x80", false },
		{ "\xc2", false },
		{ "\xc2\x41", false },
		{ "\xe1\x80", false },
		{ "\xff", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct view text = view_text(rows[i].text);
		struct utf8 slow = { 0 };
		bool is_good = true;

		if (utf8_is_valid(text) != rows[i].is_valid)
			CHECK_FAIL("row %zu", i);
		for (size_t j = 0; j < text.length && is_good; j++)
			is_good = utf8_feed(&slow, view_part(text, j, 1));
		CHECK_EQUAL(is_good && utf8_is_whole(&slow), rows[i].is_valid);
	}
}

/* RFC 6455 1.3 */
static void handshake_of_the_rfc(void)
{
	char accept[WEBSOCKET_ACCEPT_BYTES + 1] = "";

	websocket_accept(view_text("dGhlIHNhbXBsZSBub25jZQ=="), accept);
	CHECK_TEXT(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	CHECK(websocket_key_is_good(view_text("dGhlIHNhbXBsZSBub25jZQ==")));
	CHECK(!websocket_key_is_good(view_text("dGhlIHNhbXBsZSBub25jZQ=")));
	CHECK(!websocket_key_is_good(view_text("dGhlIHNhbXBsZSBub25jZ!==")));
	CHECK(!websocket_key_is_good(view_text("")));
}

static void frame_rows(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[16];
		size_t length;
		enum websocket_result result;
		uint64_t payload;
		size_t header;
	} rows[] = {
		/* RFC 6455 5.7 */
		{ "hello", { 0x81, 0x05 }, 2, WEBSOCKET_OK, 5, 2 },
		{ "masked hello", { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d }, 6, WEBSOCKET_OK, 5, 6 },
		{ "first fragment", { 0x01, 0x03 }, 2, WEBSOCKET_OK, 3, 2 },
		{ "256 bytes", { 0x82, 0x7e, 0x01, 0x00 }, 4, WEBSOCKET_OK, 256, 4 },
		{ "64 KiB", { 0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0 }, 10, WEBSOCKET_OK, 65536, 10 },
		{ "ping", { 0x89, 0x05 }, 2, WEBSOCKET_OK, 5, 2 },
		{ "one byte", { 0x81 }, 1, WEBSOCKET_SHORT, 0, 0 },
		{ "half a length", { 0x82, 0x7e, 0x01 }, 3, WEBSOCKET_SHORT, 0, 0 },
		{ "half a mask", { 0x81, 0x85, 0x37 }, 3, WEBSOCKET_SHORT, 0, 0 },
		{ "reserved bit", { 0xc1, 0x05 }, 2, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "opcode 3", { 0x83, 0x05 }, 2, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "opcode 11", { 0x8b, 0x05 }, 2, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "long ping", { 0x89, 0x7e, 0x01, 0x00 }, 4, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "fragmented ping", { 0x09, 0x05 }, 2, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "125 in 16 bits", { 0x82, 0x7e, 0x00, 0x7d }, 4, WEBSOCKET_PROTOCOL, 0, 0 },
		{ "65535 in 64 bits", { 0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 10,
			WEBSOCKET_PROTOCOL, 0, 0 },
		{ "top bit", { 0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0 }, 10, WEBSOCKET_PROTOCOL, 0,
			0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct websocket_header header;
		uint8_t out[WEBSOCKET_HEADER_MAX];
		size_t length = 0;
		enum websocket_result result =
			websocket_parse(&header, view_of(rows[i].bytes, rows[i].length), &length);

		if (result != rows[i].result)
			CHECK_FAIL("%s: %d", rows[i].name, result);
		if (result != WEBSOCKET_OK)
			continue;
		CHECK_EQUAL(header.length, rows[i].payload);
		CHECK_EQUAL(length, rows[i].header);
		CHECK_EQUAL(websocket_emit(out, &header), length);
		CHECK(memcmp(out, rows[i].bytes, length) == 0);
	}
}

static void masking(void)
{
	uint8_t payload[] = { 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
	static const uint8_t mask[] = { 0x37, 0xfa, 0x21, 0x3d };

	websocket_mask(payload, 2, mask, 0); /* in two parts */
	websocket_mask(payload + 2, 3, mask, 2);
	CHECK(memcmp(payload, "Hello", 5) == 0);
}

static void close_codes(void)
{
	static const uint16_t good[] = { 1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999 };
	static const uint16_t bad[] = { 0, 999, 1004, 1005, 1006, 1015, 2999, 5000 };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK(websocket_code_is_good(good[i]) && !websocket_code_is_good(bad[i]));
}

int main(void)
{
	return RUN(TEST(digests), TEST(utf8_rows), TEST(handshake_of_the_rfc), TEST(frame_rows),
		TEST(masking), TEST(close_codes));
}
