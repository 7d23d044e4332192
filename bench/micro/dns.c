/*
 * ns for each answer, without a network: hits in the memo, misses, NXDOMAIN, and reading the zone.
 *
 *     clang-19 -O2 ... bench/micro/dns.c; tools/make-zone --names 10000 > z; ./dns z
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diatom/dns.h"
#include "wire/dns.h"

#define QUERIES 4096
#define ROUNDS	400

struct query {
	size_t length;
	uint8_t bytes[80];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void query_make(struct query *query, const char *label, unsigned number)
{
	static const uint8_t head[12] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t tail[] = "\7example\3org\0\0\1\0\1\0\0\51\4\320\0\0\0\0\0\0";
	char text[32];
	int n = snprintf(text, sizeof(text), "%s%u", label, number);

	memcpy(query->bytes, head, 12);
	query->bytes[12] = (uint8_t)n;
	memcpy(query->bytes + 13, text, (size_t)n);
	memcpy(query->bytes + 13 + n, tail, sizeof(tail) - 1);
	query->length = 13 + (size_t)n + sizeof(tail) - 1;
}

static void measure(const char *what, struct dns_server *server, const char *label, unsigned names)
{
	static struct query queries[QUERIES];
	static uint8_t answer[1500];
	double best = 1e18;
	size_t bytes = 0;

	for (unsigned i = 0; i < QUERIES; i++)
		query_make(&queries[i], label, (unsigned)rand() % names);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = now_ns(), each;

		for (unsigned i = 0; i < QUERIES; i++)
			bytes += dns_answer(server, view_of(queries[i].bytes, queries[i].length),
				answer, sizeof(answer), DNS_LIMIT_UDP);
		each = (now_ns() - start) / QUERIES;
		if (each < best)
			best = each;
	}
	printf("%-24s %6.1f ns  (%zu bytes each)\n", what, best, bytes / ROUNDS / QUERIES);
}

int main(int argc, char **argv)
{
	static char text[1 << 24];
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t length = file ? fread(text, 1, sizeof(text), file) : 0;
	struct dns_server *memo, *plain;
	struct dns_zone_facts facts;
	struct dns_zone *zone;
	double start = now_ns();

	if (dns_zone_parse(&zone, "example.org", view_of(text, length)) != OK)
		return 1;
	facts = dns_zone_facts(zone);
	printf("read %u names, %u records in %.2f ms, %zu bytes in memory\n", facts.names,
		facts.records, (now_ns() - start) / 1e6, facts.bytes);
	if (dns_server_create(&memo, &zone, 1, DNS_MEMO_DEFAULT) != OK ||
		dns_server_create(&plain, &zone, 1, 0) != OK)
		return 1;
	measure("hit", memo, "host", facts.names - 3);
	measure("looked up, no memo", plain, "host", facts.names - 3);
	measure("NXDOMAIN", memo, "nothing", 1000000);
	return 0;
}
