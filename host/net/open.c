/*
 * Addresses come from the command line, else from the manifest, else from the kind of network.
 */
#include "host/net/open.h"

#include <stdio.h>
#include <string.h>

#include "host/image/image.h"
#include "host/net/descriptor.h"
#include "host/net/packet.h"
#include "host/net/tap.h"
#include "host/net/user.h"
#include "host/report.h"

static const struct options_net *find(const struct options *options, const char *name)
{
	for (unsigned i = 0; i < options->net_count; i++)
		if (strcmp(options->nets[i].name, name) == 0)
			return &options->nets[i];
	return NULL;
}

static unsigned count_users(const struct options *options)
{
	unsigned count = 0;

	for (unsigned i = 0; i < options->net_count; i++)
		count += options->nets[i].kind == NET_USER;
	return count;
}

static int complain_nameless(const struct image *image, const char *name)
{
	char names[BOOT_DEVICES_MAX * 18 + 32] = "it declares: ";

	for (unsigned i = 0; i < image->net_count; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			i > 0 ? ", " : "", image->nets[i].name);
	return report_error(EXIT_REFUSED,
		image->net_count > 0 ? names : "it declares none: leave --net out",
		"--net needs the name of an interface of %s: --net NAME=...", name);
}

/* What an image gets when nothing is said: passt, for its only interface. */
static void choose_default(struct options *options, const struct image *image)
{
	struct options_net *net = &options->nets[0];

	if (options->net_count > 0 || image->net_count != 1)
		return;
	if (options->forward_count == 0 &&
		(image->nets[0].optional || (options->target != TARGET_QEMU && !user_is_there())))
		return;
	memset(net, 0, sizeof(*net));
	memcpy(net->name, image->nets[0].name, sizeof(net->name));
	net->kind = NET_USER;
	options->net_count = 1;
}

int net_choose(struct options *options, const struct image *image, const char *name)
{
	for (unsigned i = 0; i < options->net_count; i++) {
		if (options->nets[i].name[0] != '\0')
			continue;
		if (image->net_count != 1 || options->net_count > 1)
			return complain_nameless(image, name);
		memcpy(options->nets[i].name, image->nets[0].name, sizeof(image->nets[0].name));
	}
	choose_default(options, image);
	if (options->forward_count > 0 && count_users(options) != 1)
		return report_error(EXIT_USAGE,
			count_users(options) == 0
				? "leave -p out, or the other --net: with those the body has "
				  "addresses of its own"
				: "leave it out, or have one network of that kind only",
			"-p works with one network of the kind user, and %s has %u", name,
			count_users(options));
	return 0;
}

/* QEMU makes its user network itself. What has a frame's end of its own is for our targets. */
static int open_for_qemu(struct run_config *config, struct run_net *net,
	const struct options_net *given, const struct options *options)
{
	switch (given->kind) {
	case NET_TAP:
		/* QEMU would record offload headers as if they were the frames' own bytes. */
		net->is_plain = given->is_plain || config->qemu.pcap != NULL;
		if (!config->qemu.is_printed)
			return tap_open(net, given->interface);
		tap_look(net, given->interface);
		return 0;
	case NET_USER:
		return user_look(net, options->forwards, options->forward_count);
	case NET_PACKET:
	case NET_FD:
		break;
	}
	return report_error(EXIT_USAGE, "use tap:TAP or user, or another target",
		"--net %s: QEMU has no network of that kind", net->name);
}

static int open_kind(struct run_config *config, struct run_net *net,
	const struct options_net *given, const struct options *options)
{
	if (options->target == TARGET_QEMU)
		return open_for_qemu(config, net, given, options);
	switch (given->kind) {
	case NET_TAP:
		net->is_plain = given->is_plain;
		return tap_open(net, given->interface);
	case NET_PACKET:
		return packet_open(net, given->interface);
	case NET_FD:
		return descriptor_open(net, given->fd, &config->has_helper);
	case NET_USER:
		break;
	}
	config->has_helper = true;
	return user_open(net, options->forwards, options->forward_count);
}

/* Fills in a device from the manifest, overridden by the command line, and opens it. */
static int open_one(struct run_config *config, const struct manifest_net *wanted,
	const struct options_net *given, const struct options *options)
{
	struct run_net *net = &config->nets[config->net_count];
	int code;

	memcpy(net->name, wanted->name, sizeof(net->name));
	memcpy(net->ip, given->ip[0] != '\0' ? given->ip : wanted->ip, sizeof(net->ip));
	/* The manifest's gateway belongs to the manifest's network. */
	if (given->gateway[0] != '\0' || given->ip[0] != '\0')
		memcpy(net->gateway, given->gateway, sizeof(net->gateway));
	else
		memcpy(net->gateway, wanted->gateway, sizeof(net->gateway));
	memcpy(net->ip6.ip, given->ip6[0] != '\0' ? given->ip6 : wanted->ip6, sizeof(net->ip6.ip));
	memcpy(net->ip6.gateway,
		given->gateway6[0] != '\0' || given->ip6[0] != '\0' ? given->gateway6
								    : wanted->gateway6,
		sizeof(net->ip6.gateway));
	if (given->has_mac)
		memcpy(net->mac, given->mac, sizeof(net->mac));
	code = open_kind(config, net, given, options);
	if (code == 0 && wanted->mtu != 0 && wanted->mtu < net->mtu)
		net->mtu = (uint16_t)wanted->mtu;
	config->net_count += code == 0;
	return code;
}

int net_open(struct run_config *config, const struct options *options, const struct image *image)
{
	for (unsigned i = 0; i < image->net_count; i++) {
		const struct options_net *given = find(options, image->nets[i].name);
		int code = given != NULL ? open_one(config, &image->nets[i], given, options) : 0;

		if (code != 0)
			return code;
	}
	return 0;
}
