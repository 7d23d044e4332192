/*
 * An authoritative name server as an appliance.
 *
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 dns
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 --file zone=example.net.zone dns example.net
 *
 *     diatom run ... dns example.net allow-transfer=10.0.0.7 allow-transfer=10.1.0.0/16 notify=10.0.0.7
 *
 * The zone is the file handed over as "zone", else the one compiled in. The first argument is its origin;
 * the others name who may have the whole zone (AXFR), and who is told that it is there (NOTIFY), beside
 * the zone's own name servers; "notify-listed-only": not those.
 */
#include <diatom/app.h>
#include <diatom/dns.h>
#include <diatom/log.h>

DIATOM_IMAGE(.name = "dns", .version = "1.0", .memory_mib = 16, .memory_min_mib = 8);
DIATOM_NET(eth0);
DIATOM_BLOB(zone, .optional = 1);
DIATOM_FILE(example, "example.org.zone");

#define OPTIONS_MAX 16 /* of a kind */

static struct prefix allowed[OPTIONS_MAX];
static struct endpoint told[OPTIONS_MAX];

/* What follows the key, or NULL. */
static const char *behind(const char *key, const char *word)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 ? word + length : NULL;
}

/* An argument behind the origin; false: it is none. */
static bool read_option(const char *word, struct dns_options *options)
{
	const char *value;

	if ((value = behind("allow-transfer=", word)) != NULL)
		return options->transfer_count < OPTIONS_MAX &&
		       prefix_parse(&allowed[options->transfer_count++], value) == OK;
	if ((value = behind("notify=", word)) != NULL)
		return options->notify_count < OPTIONS_MAX &&
		       address_parse(&told[options->notify_count++].address, value) == OK;
	if (strcmp(word, "notify-listed-only") != 0)
		return false;
	options->notify_listed_only = true;
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
	struct dns_options options = {
		.zones = &served, .zone_count = 1, .transfer_to = allowed, .notify = told
	};

	for (int i = 2; i < argc; i++) {
		if (!read_option(argv[i], &options)) {
			log_error("dns",
				"usage: dns [ORIGIN [allow-transfer=ADDRESS[/BITS] | notify=ADDRESS | "
				"notify-listed-only ...]], at most %d of a kind; not: %s",
				OPTIONS_MAX, argv[i]);
			return 2;
		}
	}
	if (dns_zone_read(&served, &source) != OK)
		return 1; /* the error, with line and column, is already logged */
	return dns_serve_with(&eth0, &options);
}
