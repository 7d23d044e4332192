/*
 * The socket is bound last: until then the kernel gives it nothing, so no frame slips past the filter.
 *
 * Frames are led by the kernel's offload header. Since Linux 6.6 it may be virtio's (12 bytes), and
 * such kernels also segment UDP; before, it lacks the last field, and they don't.
 */
#include "host/net/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/virtio.h"
#include "host/net/interface.h"
#include "host/report.h"

/* linux/if_packet.h of Linux 6.1 does not name it. */
#define VNET_HEADER_SIZE 24

static bool set(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) == 0;
}

/* Frames to `mac` or to a group, and without VLAN tag: those are other networks. */
static bool filter_frames(int fd, const uint8_t mac[6])
{
	uint32_t high =
		(uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	uint32_t low = (uint32_t)mac[4] << 8 | mac[5],
		 tag = (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
	struct sock_filter code[] = {
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, tag },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 7, 0 },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, high },
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, 4 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, low },
		{ BPF_RET | BPF_K, 0, 0, UINT32_MAX },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

uint32_t packet_flags(int fd)
{
	uint32_t flags = BOOT_NET_VNET_HEADER | BOOT_NET_CHECKSUM | BOOT_NET_SEGMENT_TCP;
	int value = 0;
	socklen_t length = sizeof(value);

	if (getsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &value, &length) != 0 || value == 0)
		return 0;
	length = sizeof(value);
	if (getsockopt(fd, SOL_PACKET, VNET_HEADER_SIZE, &value, &length) == 0 &&
		value == sizeof(struct virtio_net_header))
		return flags | BOOT_NET_SEGMENT_UDP;
	return flags | BOOT_NET_SHORT_HEADER;
}

/* False with errno. */
static bool attach(int fd, int index, const uint8_t mac[6])
{
	struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index
	};

	if (!filter_frames(fd, mac) || !set(fd, PACKET_IGNORE_OUTGOING, 1))
		return false;
	if (!set(fd, VNET_HEADER_SIZE, sizeof(struct virtio_net_header)) &&
		!set(fd, PACKET_VNET_HDR, 1))
		return false;
	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)) == 0 &&
	       bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static int complain(const struct run_net *net, const char *name, int error)
{
	if (error == EPERM || error == EACCES)
		return report_error(EXIT_HOST_LACKS,
			"run it as root (or with CAP_NET_RAW), or use a network that needs neither:  "
			"--net user",
			"%s: no permission to take frames from %s", net->name, name);
	return report_error(EXIT_HOST_LACKS, NULL, "%s: frames of %s can't be had: %s", net->name,
		name, strerror(error));
}

int packet_open(struct run_net *net, const char *name)
{
	struct interface interface;

	if (!interface_read(name, &interface))
		return report_error(EXIT_HOST_LACKS, "those that there are:  ip -brief link",
			"%s: there is no interface \"%s\"", net->name, name);
	interface_choose_mac(net, interface.mac);
	net->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (net->fd < 0)
		return complain(net, name, errno);
	if (!attach(net->fd, (int)if_nametoindex(name), net->mac)) {
		int code = complain(net, name, errno);

		close(net->fd);
		return code;
	}
	if (!interface.is_up)
		interface_warn_down(net->name, name);
	net->flags = packet_flags(net->fd);
	net->mtu = interface.mtu;
	snprintf(net->way, sizeof(net->way), "on %s, as a station of its own", name);
	return 0;
}
