/*
 * Network interfaces of the host, looked at and never changed.
 */
#ifndef DIATOM_HOST_NET_INTERFACE_H
#define DIATOM_HOST_NET_INTERFACE_H

#include "host/run.h"

struct interface {
	bool is_up;
	uint16_t mtu;
	uint8_t mac[6];
};

/* Reads the interface's settings; false with errno. */
bool interface_read(const char *name, struct interface *out);

/* Says that the interface is down, and how to change that. */
void interface_warn_down(const char *net, const char *name);

/*
 * Unless the command line gave one: a locally administered address made from `base` and the net's
 * name, other than `base` and the same at each start, so that peers' ARP caches stay right.
 */
void interface_choose_mac(struct run_net *net, const uint8_t base[6]);

#endif
