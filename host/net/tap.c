/*
 * Opening a tap attaches to an interface that somebody made: we make none, so that a mistyped name is
 * an error and not a new interface that leads nowhere.
 */
#include "host/net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/virtio.h"
#include "host/net/interface.h"
#include "host/report.h"

/* The kernel takes the two only together. linux/if_tun.h of Linux 6.1 does not name them. */
#define OFFLOAD_USO (0x20 | 0x40)
#define OFFLOAD_TSO (TUN_F_TSO4 | TUN_F_TSO6)

static int complain_no_interface(const struct run_net *net, const char *name)
{
	char remedy[128];

	snprintf(remedy, sizeof(remedy), "make it:  ip tuntap add %s mode tap && ip link set %s up",
		name, name);
	return report_error(
		EXIT_HOST_LACKS, remedy, "%s: there is no interface \"%s\"", net->name, name);
}

static int complain_attach(const struct run_net *net, const char *name, int error)
{
	char remedy[128];

	switch (error) {
	case EBUSY:
		return report_error(EXIT_HOST_LACKS, "end that one, or use another tap",
			"%s: %s is in use by another program", net->name, name);
	case EINVAL:
		return report_error(EXIT_HOST_LACKS, "make a tap:  ip tuntap add NAME mode tap",
			"%s: %s is not a tap", net->name, name);
	case EPERM:
		snprintf(remedy, sizeof(remedy),
			"let root give you the tap:  ip tuntap add %s mode tap user $USER", name);
		return report_error(
			EXIT_HOST_LACKS, remedy, "%s: %s belongs to another user", net->name, name);
	default:
		return report_error(EXIT_HOST_LACKS, NULL, "%s: %s can't be opened: %s", net->name,
			name, strerror(error));
	}
}

/* Attaches to the interface, single or multi queue, as it was made. */
static bool attach(int fd, const char *tap, bool is_plain)
{
	struct ifreq request = { 0 };
	short flags = IFF_TAP | IFF_NO_PI | (is_plain ? 0 : IFF_VNET_HDR);

	memcpy(request.ifr_name, tap, strnlen(tap, IFNAMSIZ - 1));
	request.ifr_flags = flags;
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return true;
	if (errno != EINVAL)
		return false;
	request.ifr_flags = (short)(flags | IFF_MULTI_QUEUE);
	return ioctl(fd, TUNSETIFF, &request) == 0;
}

bool tap_negotiate(int fd, uint32_t *flags)
{
	static const struct {
		unsigned offloads;
		uint32_t flags;
	} offers[] = {
		{ TUN_F_CSUM | OFFLOAD_TSO | OFFLOAD_USO,
			BOOT_NET_CHECKSUM | BOOT_NET_SEGMENT_TCP | BOOT_NET_SEGMENT_UDP },
		{ TUN_F_CSUM | OFFLOAD_TSO, BOOT_NET_CHECKSUM | BOOT_NET_SEGMENT_TCP },
		{ TUN_F_CSUM, BOOT_NET_CHECKSUM },
		{ 0, 0 },
	};
	int header_bytes = sizeof(struct virtio_net_header);

	if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) != 0)
		return false;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offers[i].offloads) == 0) {
			*flags = BOOT_NET_VNET_HEADER | offers[i].flags;
			return true;
		}
	}
	return false;
}

static int complain_device(const struct run_net *net, int error)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return report_error(EXIT_HOST_LACKS,
			"load it (modprobe tun), or use a network without it:  --net user",
			"%s: /dev/net/tun: %s", net->name, strerror(error));
	return report_error(EXIT_HOST_LACKS,
		"ask for permission to use it, or use a network without it:  --net user",
		"%s: /dev/net/tun: %s", net->name, strerror(error));
}

static void fill_in(struct run_net *net, const char *name, const struct interface *interface)
{
	memcpy(net->tap, name, strnlen(name, sizeof(net->tap) - 1));
	net->mtu = interface->mtu;
	interface_choose_mac(net, interface->mac);
	snprintf(net->way, sizeof(net->way), "on %s", name);
}

void tap_look(struct run_net *net, const char *name)
{
	struct interface interface = { 0 };

	net->fd = -1;
	if (!interface_read(name, &interface))
		interface = (struct interface){ .mtu = 1500 };
	fill_in(net, name, &interface);
}

static bool agree(struct run_net *net)
{
	if (!net->is_plain)
		return tap_negotiate(net->fd, &net->flags);
	net->flags = 0;
	return ioctl(net->fd, TUNSETOFFLOAD, 0UL) == 0;
}

int tap_open(struct run_net *net, const char *name)
{
	struct interface interface;

	if (!interface_read(name, &interface))
		return complain_no_interface(net, name);
	net->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (net->fd < 0)
		return complain_device(net, errno);
	if (!attach(net->fd, name, net->is_plain) || !agree(net)) {
		int code = complain_attach(net, name, errno);

		close(net->fd);
		return code;
	}
	if (!interface.is_up)
		interface_warn_down(net->name, name);
	fill_in(net, name, &interface);
	return 0;
}
