/*
 * base/format.c against the C library's snprintf, row by row.
 */
#include "base/format.h"
#include "diatom/view.h"
#include "test/check.h"

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char ours[64], theirs[64];                                                         \
		int length = format_text(ours, sizeof(ours), __VA_ARGS__);                         \
                                                                                                   \
		CHECK_EQUAL(length, snprintf(theirs, sizeof(theirs), __VA_ARGS__));                \
		CHECK_TEXT(ours, theirs);                                                          \
	} while (0)

static void texts(void)
{
	SAME("plain");
	SAME("");
	SAME("%s and %s", "one", "");
	SAME("[%8s][%-8s][%2s]", "abc", "abc", "abc");
	SAME("%.3s|%.*s|%.0s|", "abcdef", 2, "xyz", "gone");
	SAME("%c%c", 'o', 'k');
	SAME("100%% of %s%%", "it");
}

static void numbers(void)
{
	SAME("%d %i %u", -1, 0, 4294967295u);
	SAME("%d %d", -2147483647 - 1, 2147483647);
	SAME("%x %X %o", 0xbeefu, 0xbeefu, 8u);
	SAME("%llu %lld", 18446744073709551615ull, -9223372036854775807ll - 1);
	SAME("%lu %zu %ld", 5ul, (size_t)7, -3l);
	SAME("[%5d][%-5d][%05d][%05d]", 42, 42, 42, -42);
	SAME("%0*lld|%0*llx|%03u", 9, -12ll, 4, 0xabull, 7u);
	SAME("%hu %hhu", (unsigned short)65535, (unsigned char)255);
}

static void what_does_not_fit_is_cut(void)
{
	char text[6] = "12345";

	CHECK_EQUAL(format_text(text, sizeof(text), "%s-%d", "abcd", 1234), 9);
	CHECK_TEXT(text, "abcd-");
	CHECK_EQUAL(format_text(text, 1, "abc"), 3);
	CHECK_TEXT(text, "");
	CHECK_EQUAL(format_text(NULL, 0, "abc%u", 12u), 5);
}

/* The format is the image's own, but a mistake in it must not take a wrong argument. */
static void unknown_conversions_are_plain_text(void)
{
	const char *const formats[] = { "%", "%5", "%q", "%-", "a%.3", "%.3q" };
	char text[16];

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"
		format_text(text, sizeof(text), formats[i]);
#pragma clang diagnostic pop
		CHECK_TEXT(text, formats[i]);
	}
}

int main(void)
{
	return RUN(TEST(texts), TEST(numbers), TEST(what_does_not_fit_is_cut),
		TEST(unknown_conversions_are_plain_text));
}
