/*
 * Opening, listening, accepting, and the end of all: the rest of diatom/tcp.h.
 */
#include "core/fiber_inner.h"
#include "diatom/log.h"
#include "net/tcp_socket.h"

struct tcp_listener {
	struct tcp_port port;
	struct interface *interface;
	struct wait_queue acceptors;
	unsigned waiting; /* fibers inside tcp_accept */
	bool is_closed;
	void (*changed)(struct tcp_listener *listener, void *argument);
	void *argument;
};

static struct pool listeners = POOL("tcp listeners", sizeof(struct tcp_listener), 0);

/* TCP of an interface: started by its first use. */
static enum status host_of(struct net *net, struct tcp_host **host)
{
	enum status status = net_up(net);

	if (status != OK)
		return status;
	*host = net->stack->tcp;
	if (*host != NULL)
		return OK;
	*host = extent_alloc(sizeof(**host));
	if (*host == NULL)
		return NO_MEMORY;
	memset(*host, 0, sizeof(**host));
	(*host)->pool = &tcp_pool;
	(*host)->notify = tcp_changed;
	status = tcp_host_start(*host, net->stack);
	if (status != OK) {
		extent_free(*host, sizeof(**host));
		return status;
	}
	interface_of(net)->finish = tcp_finish_waits;
	return OK;
}

/* --- listening --- */

static void listener_ready(struct tcp_port *port)
{
	struct tcp_listener *listener = CONTAINER_OF(port, struct tcp_listener, port);

	if (listener->changed != NULL)
		listener->changed(listener, listener->argument);
	else
		wake_all(&listener->acceptors);
}

struct tcp_listener *tcp_listen_with(struct net *net, const struct tcp_listen_options *options)
{
	struct tcp_listener *listener;
	struct tcp_host *host;
	enum status status = host_of(net, &host);

	if (status != OK) {
		log_error("tcp", "can't listen: %s", status_text(status));
		return NULL;
	}
	listener = pool_alloc_zeroed(&listeners);
	if (listener == NULL) {
		log_error("tcp", "no memory for a listener");
		return NULL;
	}
	listener->interface = interface_of(net);
	listener->port.ready = listener_ready;
	listener->port.backlog = options->backlog;
	listener->port.connections_limit = options->connections;
	if (tcp_port_listen(host, &listener->port, options->port) != OK) {
		log_error("tcp", "port %u is in use", options->port);
		pool_free(&listeners, listener);
		return NULL;
	}
	return listener;
}

struct tcp_listener *tcp_listen(struct net *net, uint16_t port)
{
	struct tcp_listen_options options = { .port = port };

	return tcp_listen_with(net, &options);
}

uint16_t tcp_listener_port(const struct tcp_listener *listener)
{
	return listener->port.number;
}

enum status tcp_accept(struct tcp_listener *listener, struct tcp **connection, instant deadline)
{
	struct tcp_connection *c = NULL;
	enum status status = OK;

	listener->waiting++;
	for (;;) {
		if (listener->is_closed || finish_is_requested())
			status = CLOSED;
		else if (status == OK)
			c = tcp_port_accept(&listener->port);
		if (status != OK || c != NULL)
			break;
		status = deadline == AT_ONCE ? TIMED_OUT : wait_on(&listener->acceptors, deadline);
	}
	listener->waiting--;
	*connection = (struct tcp *)c;
	if (listener->is_closed && listener->waiting == 0)
		pool_free(&listeners, listener);
	return status;
}

void tcp_unlisten(struct tcp_listener *listener)
{
	if (listener == NULL)
		return;
	net_stack_set_time(&listener->interface->stack, time_now());
	tcp_port_close(&listener->port);
	interface_sync(listener->interface);
	listener->is_closed = true;
	listener->changed = NULL;
	if (listener->waiting == 0)
		pool_free(&listeners, listener);
	else
		wake_all(&listener->acceptors); /* the last of them frees it */
}

void tcp_listener_watch(struct tcp_listener *listener,
	void (*changed)(struct tcp_listener *listener, void *argument), void *argument)
{
	struct tcp_host *host = listener->port.host;

	listener->changed = changed;
	listener->argument = argument;
	if (changed == NULL || host == NULL || listener->port.accepting == NULL ||
		listener->port.is_ready)
		return;
	listener->port.is_ready = true;
	listener->port.next_ready = host->ready_ports;
	host->ready_ports = &listener->port;
	net_stack_wake_at(host->stack, time_now());
	interface_sync(listener->interface);
}

/* --- opening --- */

static enum status wait_until_open(struct tcp *c, instant deadline)
{
	enum status status = OK;

	while (status == OK && c->connection.flow.ends.state < TCP_ESTABLISHED &&
		c->connection.error == OK)
		status = wait_on(&c->waiters, deadline);
	return c->connection.error != OK ? (enum status)c->connection.error : status;
}

enum status tcp_connect_to(
	struct net *net, const struct endpoint *to, struct tcp **connection, instant deadline)
{
	struct tcp_connection *c;
	struct tcp_host *host;
	enum status status = host_of(net, &host);

	*connection = NULL;
	if (status != OK)
		return status;
	net_stack_set_time(net->stack, time_now());
	status = tcp_connection_open(host, to, &c);
	interface_sync(interface_of(net));
	if (status != OK)
		return status;
	*connection = (struct tcp *)c;
	if (deadline == AT_ONCE)
		return OK;
	status = wait_until_open(*connection, deadline);
	if (status != OK) {
		tcp_abort(*connection);
		*connection = NULL;
	}
	return status;
}

struct tcp *tcp_connect(struct net *net, struct address to, uint16_t port, instant deadline)
{
	struct endpoint end = { to, port };
	struct tcp *connection;

	tcp_connect_to(net, &end, &connection, deadline);
	return connection;
}

/* --- the end of all --- */

/* Calls end(c) for each whole connection. It may take the flow out of its bucket. */
static void each_connection(struct tcp_host *host, void (*end)(struct tcp_connection *c))
{
	for (uint32_t i = 0; i < host->bucket_count; i++) {
		struct tcp_flow *next;

		for (struct tcp_flow *flow = host->buckets[i]; flow != NULL; flow = next) {
			next = flow->next;
			if (flow->ends.kind == TCP_KIND_CONNECTION)
				end((struct tcp_connection *)flow);
		}
	}
}

static void close_ports(struct tcp_host *host)
{
	for (unsigned i = 0; i < TCP_PORTS; i++)
		while (host->ports[i] != NULL)
			tcp_port_close(host->ports[i]);
}

/* Our half is acknowledged, or there never was one. */
static bool is_through(const struct tcp_connection *c)
{
	return c->is_shut && c->snd_una == c->snd_end + 1;
}

static bool are_all_through(struct tcp_host *host)
{
	for (uint32_t i = 0; i < host->bucket_count; i++)
		for (struct tcp_flow *flow = host->buckets[i]; flow != NULL; flow = flow->next)
			if (flow->ends.kind == TCP_KIND_CONNECTION &&
				!is_through((struct tcp_connection *)flow))
				return false;
	return true;
}

enum status tcp_finish(struct net *net, instant deadline)
{
	struct tcp_host *host = net->stack != NULL ? net->stack->tcp : NULL;

	if (host == NULL)
		return OK;
	net_stack_set_time(net->stack, time_now());
	close_ports(host);
	each_connection(host, tcp_connection_shut);
	interface_sync(interface_of(net));
	/* Not wait_on or sleep_until: a cancelled fiber must wait, too. */
	while (!are_all_through(host) && time_now() < deadline) {
		fiber_wait(in_ms(2) < deadline ? in_ms(2) : deadline);
		net_stack_set_time(net->stack, time_now());
	}
	if (are_all_through(host))
		return OK;
	each_connection(host, tcp_connection_abort);
	interface_sync(interface_of(net));
	return TIMED_OUT;
}
