/*
 * Taps and packet sockets in other namespaces.
 */
#define _GNU_SOURCE
#include "test/impair/port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "test/impair/offload.h"

#define BATCH	      64
#define QUEUE_FRAMES  10000 /* of the interface: a burst must not be lost before it comes to us */
#define SOCKET_BUFFER (32 << 20) /* for the same reason */

static bool complain(const char *name, const char *what)
{
	fprintf(stderr, "impair: %s: %s: %s\n", name, what, strerror(errno));
	return false;
}

static bool enter(const char *name, const char *namespace, size_t length)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%.*s", (int)length, namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		return complain(name, path);
	close(fd);
	return true;
}

static bool lengthen_queue(const char *name, const char *interface)
{
	struct ifreq request = { .ifr_qlen = QUEUE_FRAMES };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_good;

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	is_good = fd >= 0 && ioctl(fd, SIOCSIFTXQLEN, &request) == 0;
	if (!is_good)
		complain(name, interface);
	close(fd);
	return is_good;
}

static bool open_tap(struct port *port, const char *name, const char *interface)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	port->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0 || ioctl(port->fd, TUNSETIFF, &request) != 0 ||
		ioctl(port->fd, TUNSETOFFLOAD, 0UL) != 0)
		return complain(name, "tap");
	return true;
}

static bool open_packet(struct port *port, const char *name, const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface) };
	int one = 1, bytes = SOCKET_BUFFER;

	port->has_offload_header = true;
	/* Protocol 0 until it is bound: nothing of other interfaces comes in between. */
	port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (port->fd < 0 ||
		setsockopt(port->fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) != 0 ||
		setsockopt(port->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
		setsockopt(port->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0 ||
		setsockopt(port->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
		bind(port->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return complain(name, "packet socket");
	return true;
}

bool port_open(struct port *port, const char *name)
{
	const char *colon = strchr(name, ':'), *slash = colon ? strchr(colon, '/') : NULL;
	bool is_tap = strncmp(name, "tap:", 4) == 0;

	*port = (struct port){ .fd = -1 };
	if (slash == NULL || (!is_tap && strncmp(name, "packet:", 7) != 0)) {
		fprintf(stderr, "impair: %s: not tap:NAMESPACE/IFACE or packet:NAMESPACE/IFACE\n",
			name);
		return false;
	}
	return enter(name, colon + 1, (size_t)(slash - colon - 1)) &&
	       lengthen_queue(name, slash + 1) &&
	       (is_tap ? open_tap : open_packet)(port, name, slash + 1);
}

void port_read(struct port *port, void (*take)(void *argument, const uint8_t *bytes, size_t length),
	void *argument)
{
	static uint8_t bytes[OFFLOAD_FRAME_MAX];
	struct virtio_net_hdr header;
	size_t lead = port->has_offload_header ? sizeof(header) : 0;
	struct iovec parts[2] = { { &header, lead }, { bytes, sizeof(bytes) } };

	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t n = readv(port->fd, parts, 2);

		if (n < (ssize_t)lead)
			return;
		if (lead == 0)
			take(argument, bytes, (size_t)n);
		else if (!offload_finish(&header, bytes, (size_t)n - lead, take, argument))
			port->odd++;
	}
}

void port_write(struct port *port, const uint8_t *bytes, size_t length)
{
	struct virtio_net_hdr header = { 0 };
	struct iovec parts[2] = { { &header, port->has_offload_header ? sizeof(header) : 0 },
		{ (void *)(uintptr_t)bytes, length } };

	if (writev(port->fd, parts, 2) < 0)
		port->unsent++;
}
