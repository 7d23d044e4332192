/*
 * passt is told all addresses: so it needs no interface and no route of the host's to start, and works
 * on a machine that is offline. "-i lo" names an interface that every host has.
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
#include "host/report.h"

#define ADDRESS	      "10.0.2.15/24"
#define GATEWAY	      "10.0.2.2"
#define GATEWAY_MAC   "52:55:0a:00:02:02"
#define MTU	      65520 /* passt's: datagrams come and go whole */
#define QEMU_MTU      1500
#define WORDS_MAX     (24 + 4 * OPTIONS_FORWARDS_MAX)
#define FORWARD_BYTES 40

struct words {
	char *words[WORDS_MAX + 1];
	unsigned count;
	char forwards[OPTIONS_FORWARDS_MAX][FORWARD_BYTES];
	char address[INET_ADDRSTRLEN], fd[4];
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
		"%s: user networking is IPv4 only, and %s is not", net->name,
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
			", %s:%u -> %u%s", f->address, f->host, f->guest,
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
	add(w, "--ipv4-only", NULL);
	add(w, "--interface", "lo");
	add(w, "--mac-addr", GATEWAY_MAC);
	add(w, "--address", w->address);
	add(w, "--netmask", w->bits);
	add(w, "--gateway", net->gateway);
	add_forwards(w, forwards, count);
	w->words[w->count] = NULL;
}

int user_open(struct run_net *net, const struct options_forward *forwards, unsigned count)
{
	static const uint8_t none[6];
	struct words w;
	struct relay_passt passt = { .arguments = w.words };
	int code = choose_addresses(net, &passt, &w);

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
