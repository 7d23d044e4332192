/*
 * Opening a tap attaches to an interface that somebody made: we make none, so that a mistyped name is
 * an error and not a new interface that leads nowhere.
 */
#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/virtio.h"
#include "host/report.h"

/* The kernel takes the two only together. linux/if_tun.h of Linux 6.1 does not name them. */
#define OFFLOAD_USO (0x20 | 0x40)
#define OFFLOAD_TSO (TUN_F_TSO4 | TUN_F_TSO6)

struct interface {
	unsigned flags;
	uint16_t mtu;
	uint8_t mac[6];
};

/* Reads the interface's settings; false with errno. */
static bool read_interface(const char *name, struct interface *out)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), saved;
	bool is_good;

	if (fd < 0)
		return false;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	is_good = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	out->flags = (unsigned)request.ifr_flags;
	is_good = is_good && ioctl(fd, SIOCGIFMTU, &request) == 0;
	out->mtu = request.ifr_mtu < 65535 ? (uint16_t)request.ifr_mtu : 65535;
	is_good = is_good && ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	memcpy(out->mac, request.ifr_hwaddr.sa_data, sizeof(out->mac));
	saved = errno;
	close(fd);
	errno = saved;
	return is_good;
}

static int complain_no_interface(const struct run_net *net)
{
	char remedy[128];

	snprintf(remedy, sizeof(remedy), "make it:  ip tuntap add %s mode tap && ip link set %s up",
		net->tap, net->tap);
	return report_error(
		EXIT_HOST_LACKS, remedy, "%s: there is no interface \"%s\"", net->name, net->tap);
}

static int complain_attach(const struct run_net *net, int error)
{
	char remedy[128];

	switch (error) {
	case EBUSY:
		return report_error(EXIT_HOST_LACKS, "end that one, or use another tap",
			"%s: %s is in use by another program", net->name, net->tap);
	case EINVAL:
		return report_error(EXIT_HOST_LACKS, "make a tap:  ip tuntap add NAME mode tap",
			"%s: %s is not a tap", net->name, net->tap);
	case EPERM:
		snprintf(remedy, sizeof(remedy),
			"let root give you the tap:  ip tuntap add %s mode tap user $USER",
			net->tap);
		return report_error(EXIT_HOST_LACKS, remedy, "%s: %s belongs to another user",
			net->name, net->tap);
	default:
		return report_error(EXIT_HOST_LACKS, NULL, "%s: %s can't be opened: %s", net->name,
			net->tap, strerror(error));
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

/*
 * Agrees on header and offloads, the most that the kernel takes. Always said: settings of an earlier
 * user stick to a persistent tap.
 */
static bool negotiate(int fd, bool is_plain, uint32_t *flags)
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

	if (is_plain) {
		*flags = 0;
		return ioctl(fd, TUNSETOFFLOAD, 0UL) == 0;
	}
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

/*
 * A locally administered address made from the tap's own and the interface's name: other than the
 * tap's, and the same at each start, so that peers' ARP caches stay right. FNV-1a.
 */
static void derive_mac(uint8_t mac[6], const uint8_t tap_mac[6], const char *name)
{
	uint32_t hash = 2166136261u;

	for (int i = 0; i < 6; i++)
		hash = (hash ^ tap_mac[i]) * 16777619u;
	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	mac[0] = 0x52;
	mac[1] = 0x54;
	for (int i = 2; i < 6; i++)
		mac[i] = (uint8_t)(hash >> 8 * (i - 2));
}

static void fill_in(struct run_net *net, const struct interface *interface)
{
	static const uint8_t none[6];

	net->mtu = interface->mtu;
	if (memcmp(net->mac, none, sizeof(none)) == 0)
		derive_mac(net->mac, interface->mac, net->name);
}

void tap_look(struct run_net *net)
{
	struct interface interface = { 0 };

	net->fd = -1;
	if (!read_interface(net->tap, &interface))
		interface = (struct interface){ .mtu = 1500 };
	fill_in(net, &interface);
}

int tap_open(struct run_net *net, bool is_plain)
{
	struct interface interface;

	if (!read_interface(net->tap, &interface))
		return complain_no_interface(net);
	net->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (net->fd < 0)
		return report_error(EXIT_HOST_LACKS,
			"load it (modprobe tun), or ask for permission to use it",
			"%s: /dev/net/tun: %s", net->name, strerror(errno));
	if (!attach(net->fd, net->tap, is_plain) || !negotiate(net->fd, is_plain, &net->flags)) {
		int code = complain_attach(net, errno);

		close(net->fd);
		return code;
	}
	if ((interface.flags & IFF_UP) == 0)
		report_line("%s: %s is down, nothing will come or go\n"
			    "  set it up:  ip link set %s up",
			net->name, net->tap, net->tap);
	fill_in(net, &interface);
	return 0;
}
