/*
 * Counters that make no sense, for test/e2e/named.py: two records of one name, a name that is none,
 * help that breaks the line, help that is missing, and a record that says it lies elsewhere.
 */
#include <diatom/counter.h>

COUNTER(first, "odd.same", "counted here");
COUNTER(escapes, "odd.escapes", "a\\\\b\\nc\\033");

extern struct counter second __attribute__((visibility("hidden")));
struct counter second __attribute__((used));

__asm__(".pushsection .rodata.counters, \"a\", @progbits\n"
	"1:	.asciz \"odd.same\"\n"
	"2:	.asciz \"odd name\\n{x=\\\"1\\\"} 1\"\n"
	"3:	.asciz \"odd.elsewhere\"\n"
	"	.popsection\n"
	"	.pushsection diatom_counters, \"aR\", @progbits\n"
	"	.balign 4\n"
	"	.long 1b - ., second - .\n"
	"	.long 2b - ., second - .\n"
	"	.long 3b - ., 0x7fffffff\n"
	"	.long 0x80000000, 0x80000000\n"
	"	.popsection\n");

int main(void)
{
	count(&first);
	count_many(&second, 2);
	escapes.value = ~0ull;
	return 0;
}
