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

/* fields.c: the request's fields into the call, the call's into the reply. Statuses as http_call_add and http_add. */
enum status fields_add(struct http_request *request, struct http_call *call);
enum status fields_take(struct http_request *request, struct http_call *call);
/* How many more proxies an OPTIONS may pass (RFC 9110 7.6.2); false where it doesn't say, in digits. */
bool fields_forwards_left(const struct http_request *request, unsigned *left);

/* health.c: asks it every few seconds. False: no memory (logged). */
bool health_start(struct upstream *upstream, const struct endpoint *to);
/* What a request or a check found. */
void health_note(struct upstream *upstream, bool is_good);

#endif
