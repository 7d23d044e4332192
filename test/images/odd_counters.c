/*
 * Counters that make no sense, for test/e2e/named.py: two of one name, one whose name is none, one
 * whose help breaks the line, and one that says it lies elsewhere.
 */
#include <diatom/counter.h>

COUNTER(first, "odd.same", "counted here");
COUNTER(second, "odd.same", "and there");
COUNTER(nameless, "odd name\n{x=\"1\"} 1", "no name");
COUNTER(escapes, "odd.escapes", "a\\b\nc\x1b");
COUNTER(elsewhere, (const char *)0x7fffffffffffffff, (const char *)0xffffffffffff0000);

int main(void)
{
	count(&first);
	count_many(&second, 2);
	count(&nameless);
	escapes.value = ~0ull;
	elsewhere.name = "odd.late"; /* read at the start, not now */
	return 0;
}
