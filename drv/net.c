/*
 * Which driver serves a network device: the host says it in boot info.
 */
#include "abi/manifest.h"
#include "core/netdev.h"
#include "drv/tap.h"
#include "drv/virtio_net.h"
#include "plat/plat.h"

enum status netdev_open(const char *name, struct netdev **device)
{
	const struct boot_device *boot = plat_device(MANIFEST_NET, name);
	enum status status = UNSUPPORTED;

	if (boot == NULL)
		return NOT_FOUND;
	switch ((enum boot_transport)boot->transport) {
	case BOOT_FD:
		status = tap_open(boot, device);
		break;
	case BOOT_VIRTIO_MMIO:
	case BOOT_VIRTIO_SHIM:
		status = virtio_net_open(boot, device);
		break;
	}
	if (status == OK) {
		(*device)->ip6 = plat_ip6(boot)->ip;
		(*device)->gateway6 = plat_ip6(boot)->gateway;
	}
	return status;
}
