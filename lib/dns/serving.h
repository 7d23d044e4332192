/*
 * A server on its socket: what all forms of serving have.
 */
#ifndef DIATOM_DNS_SERVING_H
#define DIATOM_DNS_SERVING_H

#include "diatom/address.h"
#include "diatom/dns.h"
#include "diatom/log.h"
#include "diatom/udp.h"

#define DNS_PORT 53

struct dns_serving {
	struct dns_server *server;
	struct udp_socket *socket;
};

/* Makes both: OK, or the reason, which is logged; nothing is left then. */
enum status serving_start(struct dns_serving *serving, struct net *net,
	struct dns_zone *const *zones, size_t count, uint16_t port);
void serving_end(struct dns_serving *serving);

/* Answers until the image is asked to finish. Blocks. */
void datagrams_answer(struct dns_server *server, struct udp_socket *socket);

#endif
