/*
 * The cipher against RFC 8439, the generator for what can be seen from outside; the keyed hash
 * against its paper; status texts, counters.
 */
#include "base/hash.h"
#include "core/chacha.h"
#include "diatom/counter.h"
#include "diatom/random.h"
#include "diatom/status.h"
#include "test/check.h"

COUNTER(test_events, "test.events", "counted by this test");

/* RFC 8439, section 2.3.2. */
static void block_of_rfc_8439(void)
{
	static const uint8_t nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0 };
	static const uint8_t wanted[64] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50,
		0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68,
		0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07,
		0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c,
		0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e };
	uint8_t key[32], out[64];

	for (unsigned i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	chacha_block(out, key, 1, nonce);
	CHECK(memcmp(out, wanted, sizeof(wanted)) == 0);
}

/* Every length and offset is filled, and no two reads are alike. */
static void fills_all_and_repeats_nothing(void)
{
	static uint8_t seen[256], bytes[2000], more[2000];
	unsigned different = 0;

	random_bytes(bytes, sizeof(bytes));
	random_bytes(more, sizeof(more));
	CHECK(memcmp(bytes, more, sizeof(bytes)) != 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		seen[bytes[i]] = 1;
	for (unsigned i = 0; i < 256; i++)
		different += seen[i];
	CHECK(different > 240);
	random_add("more", 4);
	random_bytes(more, 0);
	CHECK(random_u64() != random_u64());
}

static void below_its_bound_and_even(void)
{
	unsigned counts[6] = { 0 };

	for (unsigned i = 0; i < 60000; i++)
		counts[random_below(6)]++;
	for (unsigned i = 0; i < 6; i++)
		CHECK(counts[i] > 9500 && counts[i] < 10500);
	CHECK_EQUAL(random_below(1), 0);
	CHECK(random_below(UINT32_MAX) < UINT32_MAX);
}

/* Appendix A of the SipHash paper: SipHash-2-4, key 00..0f, input 00..0e. */
static void hash_of_the_paper(void)
{
	struct hash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t input[15];

	for (unsigned i = 0; i < 15; i++)
		input[i] = (uint8_t)i;
	CHECK(hash_sip(&key, input, 15, 2, 4) == UINT64_C(0xa129ca6149be45e5));
	CHECK(hash_bytes(&key, input, 15) != hash_bytes(&key, input, 14));
	CHECK(hash_bytes(&key, NULL, 0) == hash_bytes(&key, input, 0));
}

static void statuses_have_texts(void)
{
	CHECK_TEXT(status_text(OK), "ok");
	CHECK_TEXT(status_text(TIMED_OUT), "timed out");
	CHECK_TEXT(status_text(DEVICE_FAILED), "device failed");
	CHECK_TEXT(status_text((enum status)99), "unknown status");
}

static void counters_are_found_by_name(void)
{
	const char *name;
	uint64_t value;

	CHECK_EQUAL(counter_value("test.events"), 0);
	count(&test_events);
	count_many(&test_events, 41);
	CHECK_EQUAL(counter_value("test.events"), 42);
	CHECK_EQUAL(counter_value("test.nothing"), 0);
	CHECK(counter_get(0, &name, &value));
	CHECK(!counter_get(100000, &name, &value));
}

int main(void)
{
	return RUN(TEST(block_of_rfc_8439), TEST(fills_all_and_repeats_nothing),
		TEST(below_its_bound_and_even), TEST(hash_of_the_paper), TEST(statuses_have_texts),
		TEST(counters_are_found_by_name));
}
