/*
 * Counters: everything that is dropped, refused or truncated is counted under a name.
 *
 *     COUNTER(rx_bad_checksum, "ipv4.rx_bad_checksum", "datagrams dropped: header checksum wrong");
 *     ...
 *     count(&rx_bad_checksum);
 *
 * The linker gathers all counters of the image in one table: they cost nothing to register.
 */
#ifndef DIATOM_COUNTER_H
#define DIATOM_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counter {
	uint64_t value;
};

/*
 * A file-scope counter. Name and help are string literals in plain characters, without quotes and
 * backslashes. The name, "folder.what", is one counter's in the whole image (else the linker finds
 * "counter.folder.what" twice). In the image are eight bytes and the name (struct inside_counter of
 * abi/inside.h, which is why this is assembler: C has no distance between two objects); the help is in
 * the debug file alone (section .diatom.help: address, text, NUL; for the next counter again).
 */
#define COUNTER(symbol, counter_name, counter_help)                                                \
	extern struct counter symbol __asm__("counter." counter_name)                              \
		__attribute__((visibility("hidden")));                                             \
	struct counter symbol __attribute__((used, section(".bss.counters")));                     \
	__asm__(".pushsection .rodata.counters, \"a\", @progbits\n"                                \
		"771:	.asciz \"" counter_name "\"\n"                                             \
		"	.popsection\n"                                                                   \
		"	.pushsection diatom_counters, \"aR\", @progbits\n"                               \
		"	.balign 4\n"                                                                     \
		"	.long 771b - .\n"                                                                \
		"	.long \"counter." counter_name "\" - .\n"                                  \
		"	.popsection\n"                                                                   \
		"	.pushsection .diatom.help, \"\", @progbits\n"                                    \
		"	.quad \"counter." counter_name "\"\n"                                      \
		"	.asciz \"" counter_help "\"\n"                                             \
		"	.popsection")

static inline void count(struct counter *counter)
{
	counter->value++;
}

static inline void count_many(struct counter *counter, uint64_t n)
{
	counter->value += n;
}

/* Name and value of the image's counter number `index`, from 0 on; false: it has no more. */
bool counter_get(size_t index, const char **name, uint64_t *value);
/* The value of a counter by name; 0 for an unknown one. For tests. */
uint64_t counter_value(const char *name);
/* Logs all counters that are not zero, at level info. */
void counter_log(void);

#endif
