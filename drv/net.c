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

	if (boot == NULL)
		return NOT_FOUND;
	switch ((enum boot_transport)boot->transport) {
	case BOOT_FD:
		return tap_open(boot, device);
	case BOOT_VIRTIO_MMIO:
	case BOOT_VIRTIO_SHIM:
		return virtio_net_open(boot, device);
	}
	return UNSUPPORTED;
}
