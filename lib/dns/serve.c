/*
 * Serving over UDP, on the caller's fiber, and TCP, in callbacks.
 */
#include "lib/dns/notify.h"
#include "lib/dns/stream.h"

#define CONNECTION_SHARE KIBIBYTES(4) /* of memory for each connection, by default */

static uint32_t or_default(uint32_t value, size_t otherwise)
{
	return value != 0 ? value : (uint32_t)otherwise;
}

static void set_defaults(struct dns_options *o)
{
	o->port = o->port != 0 ? o->port : DNS_PORT;
	o->connections =
		or_default(o->connections, memory_usage().heap_bytes / CONNECTION_SHARE + 1);
	o->transfers = or_default(o->transfers, 8);
	o->idle_ms = or_default(o->idle_ms, 30000);
	o->message_ms = or_default(o->message_ms, 5000);
	o->write_ms = or_default(o->write_ms, 10000);
	o->finish_ms = or_default(o->finish_ms, 3000);
}

int dns_serve_with(struct net *net, const struct dns_options *given)
{
	struct dns_options options = *given;
	struct dns_streams streams = { .options = &options };
	struct dns_notifier notifier = { 0 };
	struct dns_serving serving;
	int result = 1;

	set_defaults(&options);
	if (serving_start(&serving, net, options.zones, options.zone_count, options.port) != OK)
		return 1;
	streams.server = serving.server;
	finish_wait(
		AT_ONCE); /* the end shall not cancel this fiber: it still waits for transfers */
	if (streams_open(&streams, net) == OK) {
		instant deadline;

		notifier_start(&notifier, net, serving.server, &options);
		datagrams_answer(serving.server, serving.socket);
		notifier_stop(&notifier);
		deadline = in_ms(options.finish_ms);
		streams_close(&streams, deadline);
		tcp_finish(net, deadline);
		result = 0;
	} else {
		log_error("dns", "the server can't listen on TCP port %u", options.port);
	}
	serving_end(&serving);
	return result;
}

int dns_serve(struct net *net, struct dns_zone *const *zones, size_t count)
{
	return dns_serve_with(net, &(struct dns_options){ .zones = zones, .zone_count = count });
}
