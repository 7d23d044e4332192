/*
 * Nothing is guessed from what comes out of it: the kernel says what kind of descriptor it is.
 */
#include "host/net/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "host/net/interface.h"
#include "host/net/packet.h"
#include "host/net/relay.h"
#include "host/net/tap.h"
#include "host/report.h"

#define MTU_DEFAULT 1500
#define KINDS	    "hand over a tap, a packet socket, or a connected AF_UNIX socket"

static int refuse(const struct run_net *net, int fd, const char *what)
{
	return report_error(EXIT_HOST_LACKS, KINDS, "%s: descriptor %d is %s", net->name, fd, what);
}

static int option_of(int fd, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

/* A tap with or without header; the header gets our length. */
static int take_tap(struct run_net *net, int fd)
{
	struct ifreq request = { 0 };
	struct interface interface;

	if (ioctl(fd, TUNGETIFF, &request) != 0 || (request.ifr_flags & IFF_TAP) == 0)
		return refuse(net, fd, "no tap");
	if ((request.ifr_flags & IFF_NO_PI) == 0)
		return refuse(net, fd, "a tap that was made without IFF_NO_PI");
	if ((request.ifr_flags & IFF_VNET_HDR) != 0 && !tap_negotiate(fd, &net->flags))
		return refuse(net, fd, "a tap that doesn't take our offload header");
	/* The interface may be in another namespace: then it is not asked. */
	if (!interface_read(request.ifr_name, &interface))
		interface = (struct interface){ .mtu = MTU_DEFAULT };
	net->mtu = interface.mtu;
	interface_choose_mac(net, interface.mac);
	return 0;
}

static int take_socket(struct run_net *net, int fd, bool *has_helper)
{
	static const uint8_t none[6];
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int domain = option_of(fd, SO_DOMAIN), type = option_of(fd, SO_TYPE);

	net->mtu = MTU_DEFAULT;
	interface_choose_mac(net, none);
	if (domain == AF_PACKET && type == SOCK_RAW) {
		net->flags = packet_flags(fd);
		return 0;
	}
	if (domain != AF_UNIX &&
		!(type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6)))
		return refuse(net, fd, "a socket of another kind");
	if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0)
		return refuse(net, fd, "a socket that is not connected");
	if (type != SOCK_STREAM)
		return 0;
	*has_helper = true;
	return relay_start(net, fd, NULL);
}

int descriptor_open(struct run_net *net, int fd, bool *has_helper)
{
	struct stat status;
	int code;

	if (fstat(fd, &status) != 0)
		return report_error(EXIT_HOST_LACKS,
			"the program that starts diatom must leave it open",
			"%s: no descriptor %d was handed over", net->name, fd);
	net->fd = fd;
	snprintf(net->way, sizeof(net->way), "on descriptor %d", fd);
	if (S_ISCHR(status.st_mode))
		code = take_tap(net, fd);
	else if (S_ISSOCK(status.st_mode))
		code = take_socket(net, fd, has_helper);
	else
		code = refuse(net, fd, S_ISREG(status.st_mode) ? "a file" : "no network");
	if (code == 0)
		fcntl(net->fd, F_SETFL, fcntl(net->fd, F_GETFL) | O_NONBLOCK);
	return code;
}
