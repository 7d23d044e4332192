/*
 * Any bytes as a zone file: read, or refused with a place in it; what is read can be asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "diatom/dns.h"

static void report(void *argument, const struct dns_fault *fault)
{
	if (fault->text[0] == 0 || strlen(fault->text) >= sizeof(fault->text))
		abort();
}

static struct view include(void *argument, const char *file)
{
	const struct dns_source *source = argument;

	return file[0] == 'x' ? view_of(NULL, 0) : source->text; /* itself: the depth is bounded */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\3org\0\0\377\0\1";
	struct dns_source source = { .origin = "example.org",
		.text = view_of(data, size),
		.include = include,
		.report = report,
		.memory_max = 1 << 20 };
	struct dns_server *server;
	struct dns_zone *zone;
	uint8_t answer[1232];

	source.argument = &source;
	if (size > 65536 || dns_zone_read(&zone, &source) != OK)
		return 0;
	if (dns_server_create(&server, &zone, 1, 0) == OK)
		dns_answer(server, view_of(query, sizeof(query) - 1), answer, sizeof(answer), 1232);
	dns_server_free(server);
	dns_zone_free(zone);
	return 0;
}
