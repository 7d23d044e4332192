/*
 * A reverse proxy: requests go to one of several servers in turn, payload in the buffers that it came in.
 *
 *     diatom run --net eth0=tap:tap0,ip=10.0.0.2/24 proxy 10.0.0.10:8080 10.0.0.11:8080
 *     diatom run --net ... proxy wait=5 10.0.0.10     at most five seconds for a response to begin; else 30
 *
 * A server that does not answer is asked nothing until it answers again: proxy/health.c.
 */
#include <stdio.h>
#include <string.h>

#include <diatom/log.h>

#include "proxy.h"

DIATOM_IMAGE(.name = "proxy", .version = "1.0", .memory_min_mib = 16);
DIATOM_NET(eth0);
DIATOM_FIBERS(.stack_bytes = 32768, .count_max = 4096);

/* Compiled in, for an image that is started without arguments: "192.0.2.10:80". */
static const char *const compiled_in[] = { NULL };

/* For each 64 KiB of a response: event streams may be silent for long. */
#define STREAM_MS (10 * 60 * 1000)

static unsigned wait_seconds = 30;
struct upstream upstreams[UPSTREAMS_MAX];
unsigned upstream_count;

/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT */
static bool parse(const char *text, struct endpoint *to)
{
	char address[64];
	const char *colon = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';
	size_t length = strlen(text);
	unsigned port = 80;
	char more;

	if (colon != NULL && (is_bracketed || strchr(text, ':') == colon)) {
		length = (size_t)(colon - text);
		if (sscanf(colon + 1, "%5u%c", &port, &more) != 1 || port == 0 || port > 65535)
			return false;
	}
	if (is_bracketed) {
		if (length < 2 || text[length - 1] != ']')
			return false;
		text++;
		length -= 2;
	}
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	to->port = (uint16_t)port;
	return address_parse(&to->address, address) == OK;
}

/* "wait=SECONDS" */
static bool set_wait(const char *text)
{
	char more;

	if (sscanf(text, "wait=%4u%c", &wait_seconds, &more) == 1 && wait_seconds > 0)
		return true;
	log_error("proxy", "%s is not wait=SECONDS, from 1 to 9999", text);
	return false;
}

static bool add(const char *text)
{
	struct upstream *u = &upstreams[upstream_count];
	struct http_client_options options = { .connections = 1024,
		.kept = 64,
		.head_ms = wait_seconds * 1000,
		.body_ms = STREAM_MS };

	if (upstream_count == UPSTREAMS_MAX) {
		log_error("proxy", "more than %u servers", UPSTREAMS_MAX);
		return false;
	}
	if (!parse(text, &options.to)) {
		log_error("proxy", "%s is not ADDRESS:PORT of a server", text);
		return false;
	}
	u->name = text;
	u->client = http_client_open(&eth0, &options);
	u->is_up = true;
	if (u->client == NULL)
		return false;
	upstream_count++;
	return health_start(u, &options.to);
}

int main(int argc, char **argv)
{
	const char *const *names = argc > 1 ? (const char *const *)argv + 1 : compiled_in;

	for (; *names != NULL; names++)
		if (!(strncmp(*names, "wait=", 5) == 0 ? set_wait(*names) : add(*names)))
			return 2;
	if (upstream_count == 0) {
		log_error("proxy", "name the servers behind it as arguments: ADDRESS:PORT ...");
		return 2;
	}
	return http_serve_with(
		&eth0, &(struct http_options){ .handle = proxy_handle, .has_access_log = true });
}
