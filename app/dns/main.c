/*
 * An authoritative name server as an appliance.
 *
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 dns
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 --file zone=example.net.zone dns example.net
 *
 *     diatom run ... dns example.net allow-transfer=10.0.0.7 allow-transfer=10.1.0.0/16
 *
 * The zone is the file handed over as "zone", else the one compiled in. The first argument is its origin;
 * the others name who may have the whole zone (AXFR).
 */
#include <diatom/app.h>
#include <diatom/dns.h>
#include <diatom/log.h>

DIATOM_IMAGE(.name = "dns", .version = "1.0", .memory_mib = 16, .memory_min_mib = 8);
DIATOM_NET(eth0);
DIATOM_BLOB(zone, .optional = 1);
DIATOM_FILE(example, "example.org.zone");

#define TRANSFERS_MAX 16

static struct prefix allowed[TRANSFERS_MAX];

/* The arguments behind the origin; false: one is wrong (logged). */
static bool read_options(char **words, struct dns_options *options)
{
	static const char key[] = "allow-transfer=";

	for (; *words != NULL; words++) {
		if (strncmp(*words, key, sizeof(key) - 1) != 0 ||
			options->transfer_count == TRANSFERS_MAX ||
			prefix_parse(&allowed[options->transfer_count], *words + sizeof(key) - 1) !=
				OK) {
			log_error("dns",
				"usage: dns [ORIGIN [allow-transfer=ADDRESS[/BITS] ...]], "
				"at most %d; not: %s",
				TRANSFERS_MAX, *words);
			return false;
		}
		options->transfer_count++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct view given = blob_view(&zone);
	struct dns_source source = {
		.origin = argc > 1 ? argv[1] : "example.org",
		.file = given.data != NULL ? "zone" : "example.org.zone",
		.text = given.data != NULL ? given : example,
	};
	struct dns_zone *served;
	struct dns_options options = { .zones = &served, .zone_count = 1, .transfer_to = allowed };

	if (argc > 2 && !read_options(argv + 2, &options))
		return 2;
	if (dns_zone_read(&served, &source) != OK)
		return 1; /* the error, with line and column, is already logged */
	return dns_serve_with(&eth0, &options);
}
