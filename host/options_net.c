/*
 * The options about networks: --net and -p.
 *
 *     [NAME=] KIND [:WHAT] [,KEY=VALUE ...]          eth0=tap:tap0,ip=10.0.0.2/24
 *     [ADDRESS:] HOST : GUEST [/tcp|/udp]            127.0.0.1:5353:53/udp, [::1]:8080:80
 */
#include "host/options.h"

#include <stdio.h>
#include <string.h>

#include "abi/call.h"
#include "host/nettext.h"
#include "host/report.h"

#define NET_FORM                                                                                   \
	"the form is:  --net [NAME=]user|tap:TAP|packet:INTERFACE|fd:N[,ip=ADDRESS/BITS]"          \
	"[,gw=ADDRESS][,ip6=ADDRESS/BITS|auto|off][,gw6=ADDRESS][,mac=MAC][,offload=on|off]"
#define FORWARD_FORM "the form is:  -p [ADDRESS:]HOSTPORT:PORT[/tcp|/udp]"
#define PORT_MAX     65535
#define FD_MAX	     (1 << 20)
#define LOOPBACK     "127.0.0.1"

static int complain(const char *option, const char *value, const char *remedy)
{
	return report_error(EXIT_USAGE, remedy, "%s: \"%s\" won't do", option, value);
}

static bool has_key(const char *word, size_t length, const char *key)
{
	return length > strlen(key) && strncmp(word, key, strlen(key)) == 0;
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
	return length == strlen(wanted) && strncmp(word, wanted, length) == 0;
}

static const char *take_offload(struct options_net *net, const char *word, size_t length)
{
	if (net->kind != NET_TAP)
		return "offload= is for a tap: the other kinds take what their other side gives";
	net->is_plain = is_word(word, length, "off");
	if (!net->is_plain && !is_word(word, length, "on"))
		return "offload= takes on or off: offload=off";
	return NULL;
}

/* One ",key=value" of --net. NULL, or what to do. */
static const char *take_part(struct options_net *net, const char *word, size_t length)
{
	char mac[32];

	if (has_key(word, length, "ip=")) {
		if (!options_keep(net->ip, sizeof(net->ip), word + 3, length - 3) ||
			!nettext_is_prefix(net->ip))
			return "ip= takes an IPv4 address and its network's length: ip=10.0.0.2/24 "
			       "(IPv6: ip6=)";
	} else if (has_key(word, length, "gw=")) {
		if (!options_keep(net->gateway, sizeof(net->gateway), word + 3, length - 3) ||
			!nettext_is_address(net->gateway))
			return "gw= takes an IPv4 address: gw=10.0.0.1 (IPv6: gw6=)";
	} else if (has_key(word, length, "ip6=")) {
		if (!options_keep(net->ip6, sizeof(net->ip6), word + 4, length - 4) ||
			!nettext_is_prefix6(net->ip6))
			return "ip6= takes an IPv6 address and its network's length, auto, or off: "
			       "ip6=2001:db8::2/64";
	} else if (has_key(word, length, "gw6=")) {
		if (!options_keep(net->gateway6, sizeof(net->gateway6), word + 4, length - 4) ||
			!nettext_is_address6(net->gateway6))
			return "gw6= takes an IPv6 address: gw6=2001:db8::1";
	} else if (has_key(word, length, "mac=")) {
		net->has_mac = true;
		if (!options_keep(mac, sizeof(mac), word + 4, length - 4) ||
			!nettext_to_mac(mac, net->mac))
			return "mac= takes a unicast address: mac=52:54:00:12:34:56";
	} else if (has_key(word, length, "offload=")) {
		return take_offload(net, word + 8, length - 8);
	} else {
		return NET_FORM;
	}
	return NULL;
}

static const char *take_interface(struct options_net *net, const char *name, size_t length)
{
	if (!options_keep(net->interface, sizeof(net->interface), name, length))
		return net->kind == NET_TAP ? "a tap's name has 1 to 15 characters"
					    : "an interface's name has 1 to 15 characters";
	return NULL;
}

static const char *take_fd(struct options_net *net, const char *text, size_t length)
{
	char number[16];
	uint32_t fd;

	if (!options_keep(number, sizeof(number), text, length) ||
		!options_parse_number(number, FD_MAX, &fd) || fd < 3)
		return "fd: takes the number of a descriptor that diatom inherits, from 3 on: "
		       "--net fd:3";
	net->fd = (int)fd;
	return NULL;
}

/* KIND[:WHAT], `length` bytes. NULL, or what to do. */
static const char *take_kind(struct options_net *net, const char *word, size_t length)
{
	static const struct {
		const char *word;
		enum options_net_kind kind;
		const char *(*take)(struct options_net *net, const char *what, size_t length);
	} kinds[] = {
		{ "tap:", NET_TAP, take_interface },
		{ "packet:", NET_PACKET, take_interface },
		{ "fd:", NET_FD, take_fd },
	};

	net->kind = NET_USER;
	if (is_word(word, length, "user"))
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t skip = strlen(kinds[i].word);

		if (length < skip || strncmp(word, kinds[i].word, skip) != 0)
			continue;
		net->kind = kinds[i].kind;
		return kinds[i].take(net, word + skip, length - skip);
	}
	return NET_FORM;
}

/* All of the value but the name. NULL, or what to do. */
static const char *take_words(struct options_net *net, const char *word)
{
	size_t length = strcspn(word, ",");
	const char *wrong = take_kind(net, word, length);

	while (wrong == NULL && word[length] == ',') {
		word += length + 1;
		length = strcspn(word, ",");
		wrong = take_part(net, word, length);
	}
	return wrong;
}

int options_take_net(struct options *options, const char *value)
{
	struct options_net *net = &options->nets[options->net_count];
	size_t name = strcspn(value, "=:,");
	const char *wrong = NULL;

	if (options->net_count == BOOT_DEVICES_MAX - 2)
		return report_error(EXIT_USAGE, NULL, "--net: at most %d network interfaces",
			BOOT_DEVICES_MAX - 2);
	memset(net, 0, sizeof(*net));
	if (value[name] != '=')
		wrong = take_words(net, value);
	else if (options_keep(net->name, sizeof(net->name), value, name))
		wrong = take_words(net, value + name + 1);
	else
		wrong = NET_FORM;
	if (wrong != NULL)
		return complain("--net", value, wrong);
	for (unsigned i = 0; i < options->net_count; i++)
		if (strcmp(options->nets[i].name, net->name) == 0)
			return report_error(EXIT_USAGE, NULL,
				net->name[0] != '\0' ? "--net: \"%s\" is given twice"
						     : "--net: given twice%s: name the interfaces",
				net->name);
	options->net_count++;
	return 0;
}

/* "HOST:GUEST", both ports. */
static bool take_ports(struct options_forward *forward, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	char host[8], guest[8];
	uint32_t host_port, guest_port;

	if (colon == NULL || !options_keep(host, sizeof(host), text, (size_t)(colon - text)) ||
		!options_keep(
			guest, sizeof(guest), colon + 1, length - (size_t)(colon + 1 - text)) ||
		!options_parse_number(host, PORT_MAX, &host_port) || host_port == 0 ||
		!options_parse_number(guest, PORT_MAX, &guest_port) || guest_port == 0)
		return false;
	forward->host = (uint16_t)host_port;
	forward->guest = (uint16_t)guest_port;
	return true;
}

/* "ADDRESS:" before the ports, an IPv6 one in brackets: how long it is with its colon, 0 if there is none,
 * -1 if it is wrong. */
static long take_forward_address(struct options_forward *forward, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length), *end;

	if (text[0] == '[') {
		end = memchr(text, ']', length);
		if (end == NULL || end[1] != ':' ||
			!options_keep(forward->address, sizeof(forward->address), text + 1,
				(size_t)(end - text - 1)) ||
			!nettext_is_address6(forward->address))
			return -1;
		return end + 2 - text;
	}
	memcpy(forward->address, LOOPBACK, sizeof(LOOPBACK));
	if (colon == NULL || memchr(colon + 1, ':', length - (size_t)(colon + 1 - text)) == NULL ||
		colon == text)
		return 0;
	if (!options_keep(
		    forward->address, sizeof(forward->address), text, (size_t)(colon - text)) ||
		!nettext_is_address(forward->address))
		return -1;
	return colon + 1 - text;
}

static const char *take_forward_words(struct options_forward *forward, const char *value)
{
	size_t length = strcspn(value, "/");
	const char *protocol = value + length;
	long address;

	forward->is_tcp = *protocol == '\0' || strcmp(protocol, "/tcp") == 0;
	forward->is_udp = *protocol == '\0' || strcmp(protocol, "/udp") == 0;
	if (!forward->is_tcp && !forward->is_udp)
		return "after the ports comes /tcp or /udp, or nothing for both";
	address = take_forward_address(forward, value, length);
	if (address < 0)
		return "the address is one of this machine: 127.0.0.1, or 0.0.0.0 for all; [::1], or "
		       "[::]";
	if (!take_ports(forward, value + address, length - (size_t)address))
		return FORWARD_FORM;
	return NULL;
}

int options_take_forward(struct options *options, const char *value)
{
	struct options_forward *forward = &options->forwards[options->forward_count];
	const char *wrong;

	if (options->forward_count == OPTIONS_FORWARDS_MAX)
		return report_error(
			EXIT_USAGE, NULL, "-p: at most %d of them", OPTIONS_FORWARDS_MAX);
	wrong = take_forward_words(forward, value);
	if (wrong != NULL)
		return complain("-p", value, wrong);
	for (unsigned i = 0; i < options->forward_count; i++) {
		const struct options_forward *other = &options->forwards[i];

		if (other->host == forward->host &&
			((other->is_tcp && forward->is_tcp) || (other->is_udp && forward->is_udp)))
			return report_error(EXIT_USAGE, "a port of the host leads to one place",
				"-p: host port %u is given twice", forward->host);
	}
	options->forward_count++;
	return 0;
}
