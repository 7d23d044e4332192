/*
 * The servers behind the proxy, and what is known of their health.
 */
#ifndef PROXY_H
#define PROXY_H

#include <diatom/fiber.h>
#include <diatom/http_client.h>

#define UPSTREAMS_MAX 32 /* handle.c has a bit for each */

struct upstream {
	const char *name;
	struct http_client *client, *checks;
	bool is_up;
	unsigned failures; /* in a row */
};

extern struct net eth0;
extern struct upstream upstreams[UPSTREAMS_MAX];
extern unsigned upstream_count;

/* handle.c: forwards a request. */
void proxy_handle(struct http_request *request, void *argument);

/* health.c: asks it every few seconds. False: no memory (logged). */
bool health_start(struct upstream *upstream, const struct endpoint *to);
/* What a request or a check found. */
void health_note(struct upstream *upstream, bool is_good);

#endif
