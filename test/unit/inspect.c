/*
 * What `diatom inspect` computes: the list of parts, the treemap; and what `diatom build` tells it of
 * the compiler's flags.
 */
#include "host/inspect/inspection.h"

#include <limits.h>
#include <math.h>

#include "abi/hardening.h"
#include "host/build/harden.h"
#include "host/inspect/treemap.h"
#include "test/check.h"

#define HEAD PARTS_HEAD "\nseed\t7\ncompiler\tclang\n"

static void lists_are_read(void)
{
	static const char list[] = HEAD
		"o\tlib/dns\tanswer\nw\tdns_answer\tlib/dns\tserve\nt\t100\tdns_answer\nr\t20\tx\n"
		"o\tapp\tmain.c\nt\t5\tmain\nb\t1000\tbuffer\n"
		"o\tlib/dns\tserve\nw\tdns_serve\tapp\tmain.c\nt\t7\tdns_serve\nd\t1\ty\n";
	const struct parts_library *dns;
	struct parts parts;

	CHECK(parts_read(&parts, list, sizeof(list) - 1));
	CHECK_TEXT(parts.seed, "7");
	CHECK_EQUAL(parts.object_count, 3);
	CHECK_EQUAL(parts.piece_count, 6);
	CHECK_EQUAL(parts.library_count, 2);
	dns = &parts.libraries[0];
	CHECK_TEXT(dns->name, "lib/dns");
	CHECK_EQUAL(dns->file_bytes, 128);
	CHECK_EQUAL(dns->bytes[PARTS_TEXT], 107);
	CHECK_TEXT(parts.objects[dns->first_reason].why_symbol, "dns_serve");
	CHECK_EQUAL(parts.libraries[1].file_bytes, 5);
	CHECK_EQUAL(parts.libraries[1].bytes[PARTS_BSS], 1000);
	CHECK_EQUAL(parts.libraries[1].first_reason, UINT_MAX);
	parts_free(&parts);
}

/* Two objects that are each the other's reason, which no linker makes, end the search. */
static void rings_of_reasons_end(void)
{
	static const char list[] =
		HEAD "o\ta\tx\nw\ts\tb\ty\nt\t1\tf\no\tb\ty\nw\ts\ta\tx\nt\t1\tg\n";
	struct parts parts;

	CHECK(parts_read(&parts, list, sizeof(list) - 1));
	CHECK_EQUAL(parts.library_count, 2);
	parts_free(&parts);
}

static void malformed_lists_are_refused(void)
{
	static const char *const rows[] = {
		"",
		"diatom parts 2\n",
		HEAD, /* nothing in it */
		HEAD "t\t5\tmain\n",
		HEAD "w\ta\tb\tc\n",
		HEAD "o\tapp\tmain.c\nt\t-5\tmain\n",
		HEAD "o\tapp\tmain.c\nt\t99999999999\tmain\n",
		HEAD "o\tapp\tmain.c\nt\t5x\tmain\n",
		HEAD "o\tapp\tmain.c\nq\t5\tmain\n",
		HEAD "o\tapp\tmain.c\nt\t5\n",
		HEAD "o\tapp\tmain.c\nt\t5\tmain\tmore\tand more\n",
		HEAD "o\tapp\tmain.c\nt\t5\tma\x1b[31min\n",
		HEAD "o\t\tmain.c\nt\t5\tmain\n",
		HEAD "o\tapp\tmain.c\nt\t5\tmain",
	};
	struct parts parts;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (parts_read(&parts, rows[i], strlen(rows[i])))
			CHECK_FAIL("row %zu is accepted", i);
}

/* Boxes lie in the whole, keep their areas, and don't overlap. */
static void treemaps_fill_their_box(void)
{
	static const double sizes[] = { 600, 600, 400, 300, 200, 200, 100, 3, 1, 1 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	const struct box whole = { 10, 20, 120, 80 };
	struct box boxes[COUNT];
	double sum = 0;

	for (unsigned i = 0; i < COUNT; i++)
		sum += sizes[i];
	treemap_cut(&whole, sizes, COUNT, boxes);
	for (unsigned i = 0; i < COUNT; i++) {
		const struct box *a = &boxes[i];

		CHECK(fabs(a->width * a->height - sizes[i] * 9600 / sum) < 0.01);
		CHECK(a->x > 9.99 && a->y > 19.99);
		CHECK(a->x + a->width < 130.01 && a->y + a->height < 100.01);
		CHECK(i > 6 || (a->width < 4 * a->height && a->height < 4 * a->width));
		for (unsigned j = 0; j < i; j++) {
			const struct box *b = &boxes[j];

			CHECK(a->x + a->width < b->x + 0.01 || b->x + b->width < a->x + 0.01 ||
				a->y + a->height < b->y + 0.01 || b->y + b->height < a->y + 0.01);
		}
	}
}

static void the_last_flag_counts(void)
{
	static const struct {
		const char *flags[3];
		uint32_t measures;
	} rows[] = {
		{ { "-fstack-protector-strong" }, HARDENING_STACK_PROTECTOR },
		{ { "-fstack-protector-strong", "-fno-stack-protector" }, 0 },
		{ { "-fno-stack-protector", "-fstack-protector-all" }, HARDENING_STACK_PROTECTOR },
		{ { "-fsanitize=cfi-icall" }, HARDENING_CFI },
		{ { "-fsanitize=cfi-icall", "-fsanitize-cfi-icall-generalize-pointers" },
			HARDENING_CFI },
		{ { "-fsanitize=bounds,signed-integer-overflow,shift" },
			HARDENING_BOUNDS | HARDENING_OVERFLOW | HARDENING_SHIFT },
		{ { "-fsanitize=bounds,shift", "-fno-sanitize=shift" }, HARDENING_BOUNDS },
		{ { "-fsanitize=bounds,shift", "-fno-sanitize=all" }, 0 },
		{ { "-fsanitize=signed-integer-overflow", "-fwrapv" }, 0 },
		{ { "-ftrivial-auto-var-init=zero" }, HARDENING_ZERO_INIT },
		{ { "-ftrivial-auto-var-init=zero", "-ftrivial-auto-var-init=uninitialized" }, 0 },
		{ { "-fsanitize=boundsx,", "-O2", "-fsanitize=" }, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t measures = 0;

		for (unsigned f = 0; f < 3 && rows[i].flags[f]; f++)
			measures = harden_flag(measures, rows[i].flags[f]);
		if (measures != rows[i].measures)
			CHECK_FAIL("row %zu: %#x, not %#x", i, measures, rows[i].measures);
	}
}

int main(void)
{
	return RUN(TEST(lists_are_read), TEST(rings_of_reasons_end),
		TEST(malformed_lists_are_refused), TEST(treemaps_fill_their_box),
		TEST(the_last_flag_counts));
}
