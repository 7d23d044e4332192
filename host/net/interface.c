/*
 * Asked through ioctls on a socket of any kind: netlink would be more to say for the same answer.
 */
#include "host/net/interface.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/report.h"

bool interface_read(const char *name, struct interface *out)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), saved;
	bool is_good;

	if (fd < 0)
		return false;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	is_good = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	out->is_up = (request.ifr_flags & IFF_UP) != 0;
	is_good = is_good && ioctl(fd, SIOCGIFMTU, &request) == 0;
	out->mtu = request.ifr_mtu < 65535 ? (uint16_t)request.ifr_mtu : 65535;
	is_good = is_good && ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	memcpy(out->mac, request.ifr_hwaddr.sa_data, sizeof(out->mac));
	saved = errno;
	close(fd);
	errno = saved;
	return is_good;
}

void interface_warn_down(const char *net, const char *name)
{
	report_line("%s: %s is down, nothing will come or go\n"
		    "  set it up:  ip link set %s up",
		net, name, name);
}

/* FNV-1a. */
void interface_choose_mac(struct run_net *net, const uint8_t base[6])
{
	static const uint8_t none[6];
	uint32_t hash = 2166136261u;

	if (memcmp(net->mac, none, sizeof(none)) != 0)
		return;
	for (int i = 0; i < 6; i++)
		hash = (hash ^ base[i]) * 16777619u;
	for (const char *name = net->name; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	net->mac[0] = 0x52;
	net->mac[1] = 0x54;
	for (int i = 2; i < 6; i++)
		net->mac[i] = (uint8_t)(hash >> 8 * (i - 2));
}
