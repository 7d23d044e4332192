/*
 * passt is told all addresses: so it needs no route of the host's to start, and works on a machine that is
 * offline. "-i lo" names an interface that every host has; for IPv6 passt wants one that has a link-local
 * address.
 */
#include "host/net/user.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/net/interface.h"
#include "host/net/port.h"
#include "host/net/relay.h"
#include "host/nettext.h"
#include "host/report.h"

#define ADDRESS	      "10.0.2.15/24"
#define GATEWAY	      "10.0.2.2"
#define ADDRESS6      "fd00:10:0:2::15/64"
#define GATEWAY6      "fe80::1" /* passt reaches the body from a link-local one only */
#define GATEWAY_MAC   "52:55:0a:00:02:02"
#define MTU	      65520 /* passt's: datagrams come and go whole */
#define QEMU_MTU      1500
#define WORDS_MAX     (32 + 4 * OPTIONS_FORWARDS_MAX)
#define FORWARD_BYTES 64

struct words {
	char *words[WORDS_MAX + 1];
	unsigned count;
	char forwards[OPTIONS_FORWARDS_MAX][FORWARD_BYTES];
	char address[INET_ADDRSTRLEN], address6[INET6_ADDRSTRLEN], fd[4], interface[16];
	const char *bits;
};

bool user_is_there(void)
{
	const char *path = getenv("PATH");
	char file[4096];

	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/passt", (int)length, path);
		if (length > 0 && access(file, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

static int complain_family(const struct run_net *net)
{
	return report_error(EXIT_REFUSED, "give it an IPv4 address (ip=10.0.0.2/24), or a tap",
		"%s: user networking wants an IPv4 address, and %s is none", net->name,
		net->gateway[0] != '\0' && net->ip[0] == '\0' ? net->gateway : net->ip);
}

/* The first address of the network that is not the body's. False if there is none. */
static bool choose_gateway(struct run_net *net, uint32_t address, unsigned bits)
{
	uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits), first = (address & mask) + 1;
	struct in_addr chosen;

	if (bits >= 31)
		return false;
	if (strcmp(net->ip, ADDRESS) == 0)
		first++; /* what people know from QEMU */
	chosen.s_addr = htonl(first == address ? first + 1 : first);
	return inet_ntop(AF_INET, &chosen, net->gateway, sizeof(net->gateway)) != NULL;
}

/* Fills in what nobody said, and reads both addresses. */
static int choose_addresses(struct run_net *net, struct relay_passt *passt, struct words *w)
{
	const char *slash;

	if (net->ip[0] == '\0')
		memcpy(net->ip, ADDRESS, sizeof(ADDRESS));
	slash = strchr(net->ip, '/');
	snprintf(w->address, sizeof(w->address), "%.*s", (int)(slash - net->ip), net->ip);
	w->bits = slash + 1;
	if (inet_pton(AF_INET, w->address, passt->address) != 1)
		return complain_family(net);
	if (net->gateway[0] == '\0' &&
		!choose_gateway(
			net, ntohl(*(uint32_t *)(void *)passt->address), (unsigned)atoi(w->bits)))
		return report_error(EXIT_REFUSED,
			"give it a larger network, or a gateway: gw=ADDRESS",
			"%s: %s leaves no address for a gateway", net->name, net->ip);
	if (inet_pton(AF_INET, net->gateway, passt->gateway) != 1)
		return complain_family(net);
	return 0;
}

/* The first interface with a link-local IPv6 address; false if there is none. */
static bool find_interface6(char name[16])
{
	FILE *file = fopen("/proc/net/if_inet6", "re");
	bool is_found = false;
	unsigned scope;

	/* address, index, length of the prefix, scope, flags, name */
	while (file != NULL && !is_found &&
		fscanf(file, "%*s %*x %*x %x %*x %15s", &scope, name) == 2)
		is_found = scope == 0x20;
	if (file != NULL)
		fclose(file);
	return is_found;
}

static bool has_forward6(const struct options_forward *forwards, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strchr(forwards[i].address, ':') != NULL)
			return true;
	return false;
}

/* IPv6's addresses, or none of it: net->ip6 says "off" then. */
static int choose_addresses6(struct run_net *net, struct relay_passt *passt, struct words *w,
	const struct options_forward *forwards, unsigned count)
{
	struct boot_ip6 *ip6 = &net->ip6;
	bool is_asked = nettext_names_address6(ip6->ip) || has_forward6(forwards, count);

	if (strcmp(ip6->ip, "off") == 0 || !find_interface6(w->interface)) {
		if (is_asked)
			return report_error(EXIT_HOST_LACKS,
				"give it a tap (--net tap:TAP), or let an interface have IPv6",
				"%s: no interface of this host has an IPv6 link-local address, which "
				"passt needs for IPv6",
				net->name);
		*ip6 = (struct boot_ip6){ .ip = "off" };
		memcpy(w->interface, "lo", sizeof("lo"));
		return 0;
	}
	if (!nettext_names_address6(ip6->ip)) {
		memcpy(ip6->ip, ADDRESS6, sizeof(ADDRESS6));
		memcpy(ip6->gateway, GATEWAY6, sizeof(GATEWAY6));
	} else if (ip6->gateway[0] == '\0') {
		return report_error(EXIT_REFUSED, "give it one: gw6=ADDRESS",
			"%s: %s, and no gateway", net->name, ip6->ip);
	}
	snprintf(w->address6, sizeof(w->address6), "%.*s", (int)strcspn(ip6->ip, "/"), ip6->ip);
	inet_pton(AF_INET6, ip6->gateway, passt->gateway6);
	return 0;
}

static void add(struct words *w, const char *option, const char *value)
{
	w->words[w->count++] = (char *)option;
	if (value != NULL)
		w->words[w->count++] = (char *)value;
}

static void add_forwards(struct words *w, const struct options_forward *forwards, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct options_forward *f = &forwards[i];

		snprintf(w->forwards[i], FORWARD_BYTES, "%s/%u:%u", f->address, f->host, f->guest);
		if (f->is_tcp)
			add(w, "-t", w->forwards[i]);
		if (f->is_udp)
			add(w, "-u", w->forwards[i]);
	}
}

static void describe(
	struct run_net *net, const char *by, const struct options_forward *forwards, unsigned count)
{
	size_t used = (size_t)snprintf(net->way, sizeof(net->way), "by %s%s", by,
		count == 0 ? "; no port leads to it (-p HOSTPORT:PORT)" : "");

	for (unsigned i = 0; i < count && used < sizeof(net->way); i++) {
		const struct options_forward *f = &forwards[i];

		used += (size_t)snprintf(net->way + used, sizeof(net->way) - used,
			strchr(f->address, ':') != NULL ? ", [%s]:%u -> %u%s" : ", %s:%u -> %u%s",
			f->address, f->host, f->guest,
			f->is_tcp && f->is_udp ? ""
			: f->is_tcp	       ? "/tcp"
					       : "/udp");
	}
}

static void list_words(struct words *w, const struct run_net *net,
	const struct options_forward *forwards, unsigned count)
{
	snprintf(w->fd, sizeof(w->fd), "%d", RELAY_PASST_FD);
	w->count = 0;
	add(w, "passt", NULL);
	add(w, "--foreground", NULL);
	add(w, "--quiet", NULL);
	add(w, "--log-file", "/dev/null");
	add(w, "--fd", w->fd);
	add(w, "--interface", w->interface);
	add(w, "--mac-addr", GATEWAY_MAC);
	add(w, "--address", w->address);
	add(w, "--netmask", w->bits);
	add(w, "--gateway", net->gateway);
	if (w->address6[0] == '\0') {
		add(w, "--ipv4-only", NULL);
	} else {
		add(w, "--address", w->address6);
		add(w, "--gateway", net->ip6.gateway);
	}
	add_forwards(w, forwards, count);
	w->words[w->count] = NULL;
}

int user_open(struct run_net *net, const struct options_forward *forwards, unsigned count)
{
	static const uint8_t none[6];
	struct words w = { .count = 0 };
	struct relay_passt passt = { .arguments = w.words };
	int code = choose_addresses(net, &passt, &w);

	if (code == 0)
		code = choose_addresses6(net, &passt, &w, forwards, count);
	for (unsigned i = 0; i < count && code == 0; i++)
		code = port_check(&forwards[i]);
	if (code != 0)
		return code;
	interface_choose_mac(net, none);
	list_words(&w, net, forwards, count);
	net->mtu = MTU;
	describe(net, "passt", forwards, count);
	return relay_start(net, -1, &passt);
}

int user_look(struct run_net *net, const struct options_forward *forwards, unsigned count)
{
	static const uint8_t none[6];
	struct words w;
	struct relay_passt passt;
	int code = choose_addresses(net, &passt, &w);

	if (code == 0 && (nettext_names_address6(net->ip6.ip) || has_forward6(forwards, count)))
		code = report_error(EXIT_REFUSED,
			"leave IPv6 out, or give it a tap:  --net tap:TAP",
			"%s: QEMU's user network is IPv4 only here", net->name);
	net->ip6 = (struct boot_ip6){ .ip = "off" };
	for (unsigned i = 0; i < count && code == 0; i++)
		code = port_check(&forwards[i]);
	if (code != 0)
		return code;
	interface_choose_mac(net, none);
	net->fd = -1;
	net->mtu = QEMU_MTU;
	describe(net, "QEMU", forwards, count);
	return 0;
}
