/*
 * Checks for unit and simulation tests. A test program is a list of functions:
 *
 *     static void adds(void) { CHECK(1 + 1 == 2); CHECK_EQUAL(sum(2, 3), 5); }
 *     int main(void) { return RUN(TEST(adds), TEST(carries)); }
 *
 * It prints one line a test, "ok NAME" or "FAIL NAME: file:line: why", which test/run.py counts.
 */
#ifndef DIATOM_TEST_CHECK_H
#define DIATOM_TEST_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct check_test {
	const char *name;
	void (*run)(void);
};

static bool check_failed;
static const char *check_name;

#define CHECK_FAIL(...)                                                                            \
	do {                                                                                       \
		if (!check_failed) {                                                               \
			printf("FAIL %s: %s:%d: ", check_name, __FILE__, __LINE__);                \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
		check_failed = true;                                                               \
	} while (0)

#define CHECK(claim)                                                                               \
	do {                                                                                       \
		if (!(claim))                                                                      \
			CHECK_FAIL("%s", #claim);                                                  \
	} while (0)

#define CHECK_EQUAL(got, wanted)                                                                   \
	do {                                                                                       \
		long long check_got = (long long)(got), check_wanted = (long long)(wanted);        \
		if (check_got != check_wanted)                                                     \
			CHECK_FAIL("%s is %lld, not %lld", #got, check_got, check_wanted);         \
	} while (0)

#define CHECK_TEXT(got, wanted)                                                                    \
	do {                                                                                       \
		const char *check_got = (got), *check_wanted = (wanted);                           \
		if (strcmp(check_got, check_wanted) != 0)                                          \
			CHECK_FAIL("%s is \"%s\", not \"%s\"", #got, check_got, check_wanted);     \
	} while (0)

#define TEST(function) { #function, function }
#define RUN(...)                                                                                   \
	check_run((const struct check_test[]){ __VA_ARGS__ },                                      \
		sizeof((const struct check_test[]){ __VA_ARGS__ }) / sizeof(struct check_test))

static inline int check_run(const struct check_test *tests, size_t n)
{
	int failures = 0;

	for (size_t i = 0; i < n; i++) {
		check_failed = false;
		check_name = tests[i].name;
		tests[i].run();
		if (!check_failed)
			printf("ok %s\n", check_name);
		failures += check_failed;
		fflush(stdout);
	}
	return failures != 0;
}

#endif
