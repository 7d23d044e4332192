/*
 * IPv6 of an interface in an image: linked because DIATOM_NET names net_start_ipv6.
 */
#include "diatom/log.h"
#include "diatom/memory.h"
#include "net/interface.h"
#include "net/ipv6.h"

enum status net_start_ipv6(struct net *net)
{
	const struct manifest_net *manifest = net->manifest;
	const struct netdev *device = net->stack->device;
	const char *ip = interface_text(device->ip6, manifest->ip6);
	const char *gateway = interface_text(device->gateway6, manifest->gateway6);
	struct ipv6_host *host;
	enum status status;

	if (strcmp(ip, "off") == 0)
		return OK;
	host = extent_alloc(sizeof(*host));
	if (host == NULL)
		return NO_MEMORY;
	status = ipv6_start(host, net->stack, ip, gateway);
	if (status == OK)
		return OK;
	extent_free(host, sizeof(*host));
	if (status == UNSUPPORTED) {
		log_info(manifest->name, "no IPv6: it wants an MTU of %u, and %u is given",
			IPV6_MTU_MIN, device->mtu);
		return OK;
	}
	log_error(manifest->name, "\"%s\", gateway \"%s\": no IPv6 address that a host can have",
		ip, gateway);
	return status;
}
