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

#include <stddef.h>
#include <stdint.h>

struct counter {
	const char *name; /* "folder.what" */
	const char *help;
	uint64_t value;
	uint64_t reserved; /* keeps the table's stride a power of two */
};

/* A file-scope counter. */
#define COUNTER(symbol, counter_name, counter_help)                                                \
	static struct counter symbol __attribute__((used, section("diatom_counters"),              \
		aligned(32))) = { .name = (counter_name), .help = (counter_help) }

static inline void count(struct counter *counter)
{
	counter->value++;
}

static inline void count_many(struct counter *counter, uint64_t n)
{
	counter->value += n;
}

/* All counters of the image: [*first, *first + result). */
size_t counter_all(const struct counter **first);
/* The value of a counter by name; 0 for an unknown one. For tests. */
uint64_t counter_value(const char *name);
/* Logs all counters that are not zero, at level info. */
void counter_log(void);

#endif
