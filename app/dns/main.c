/*
 * An authoritative name server as an appliance.
 *
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 dns
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 --file zone=example.net.zone dns example.net
 *
 * The zone is the file handed over as "zone", else the one compiled in. The argument is its origin.
 */
#include <diatom/app.h>
#include <diatom/dns.h>
#include <diatom/log.h>

DIATOM_IMAGE(.name = "dns", .version = "1.0", .memory_mib = 16, .memory_min_mib = 8);
DIATOM_NET(eth0);
DIATOM_BLOB(zone, .optional = 1);
DIATOM_FILE(example, "example.org.zone");

int main(int argc, char **argv)
{
	struct view given = blob_view(&zone);
	struct dns_source source = {
		.origin = argc > 1 ? argv[1] : "example.org",
		.file = given.data != NULL ? "zone" : "example.org.zone",
		.text = given.data != NULL ? given : example,
	};
	struct dns_zone *served;

	if (argc > 2) {
		log_error("dns", "usage: dns [ORIGIN]");
		return 2;
	}
	if (dns_zone_read(&served, &source) != OK)
		return 1; /* the error, with line and column, is already logged */
	return dns_serve(&eth0, &served, 1);
}
