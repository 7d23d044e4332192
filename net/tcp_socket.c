/*
 * The blocking calls of diatom/tcp.h: connections (net/tcp.h) on which fibers may wait.
 *
 *     struct tcp      a connection, and who waits for it: one reader, one writer, and a callback
 *
 * Each call tries, and waits for news while it can't: the stack tells once a batch (tcp_changed). What the
 * program holds of the receive queue is the `held` packet, freed by its next read call.
 */
#include "net/tcp_socket.h"

#include "core/fiber_inner.h"

_Static_assert(sizeof(struct tcp) + 16 <= 512, "what an idle connection costs, in all");

struct pool tcp_pool = POOL("tcp connections", sizeof(struct tcp), 0);

/* --- news --- */

void tcp_changed(struct tcp_connection *connection)
{
	struct tcp *c = (struct tcp *)connection;

	/* Both: who watches may have handed the connection to a fiber, which waits. The callback comes last,
	 * for it may close. */
	wake_all(&c->waiters);
	if (c->changed != NULL)
		c->changed(c, c->argument);
}

void tcp_finish_waits(struct tcp_host *host)
{
	for (uint32_t i = 0; i < host->bucket_count; i++)
		for (struct tcp_flow *flow = host->buckets[i]; flow != NULL; flow = flow->next)
			if (flow->ends.kind == TCP_KIND_CONNECTION)
				tcp_connection_news((struct tcp_connection *)flow);
	for (unsigned i = 0; i < TCP_PORTS; i++)
		for (struct tcp_port *port = host->ports[i]; port != NULL; port = port->next)
			port->ready(port);
}

void tcp_enter(struct tcp *c)
{
	net_stack_set_time(c->connection.host->stack, time_now());
}

void tcp_leave(struct tcp *c)
{
	interface_sync(CONTAINER_OF(c->connection.host->stack, struct interface, stack));
}

enum status tcp_wait_for_news(struct tcp *c, instant deadline)
{
	enum status status;

	if (deadline == AT_ONCE)
		return TIMED_OUT;
	tcp_leave(c);
	status = wait_on(&c->waiters, deadline);
	tcp_enter(c);
	return status;
}

/* --- ending --- */

void tcp_free_held(struct tcp *c)
{
	packet_free(c->held);
	c->held = NULL;
}

void tcp_shutdown(struct tcp *c)
{
	tcp_enter(c);
	if (!tcp_is_over(c))
		tcp_connection_shut(&c->connection);
	tcp_leave(c);
}

static void give_back(struct tcp *c, bool is_abort)
{
	struct interface *interface =
		CONTAINER_OF(c->connection.host->stack, struct interface, stack);

	tcp_enter(c);
	tcp_free_held(c);
	c->changed = NULL;
	if (is_abort)
		tcp_connection_abort(&c->connection);
	tcp_connection_release(&c->connection);
	interface_sync(interface);
}

void tcp_close(struct tcp *c)
{
	if (c != NULL)
		give_back(c, false);
}

void tcp_abort(struct tcp *c)
{
	if (c != NULL)
		give_back(c, true);
}

/* --- the event form, options, introspection --- */

void tcp_watch(
	struct tcp *c, void (*changed)(struct tcp *connection, void *argument), void *argument)
{
	c->changed = changed;
	c->argument = argument;
	if (changed == NULL)
		return;
	tcp_enter(c);
	tcp_connection_news(&c->connection);
	tcp_leave(c);
}

void tcp_set_user(struct tcp *c, void *user)
{
	c->user = user;
}

void *tcp_user(const struct tcp *c)
{
	return c->user;
}

enum status tcp_set(struct tcp *c, enum tcp_option option, uint32_t value)
{
	struct tcp_connection *connection = &c->connection;
	bool is_flag = option == TCP_NO_DELAY || option == TCP_CORK;

	if ((is_flag && value > 1) || (option == TCP_KEEP_INTERVAL_MS && value == 0) ||
		(option == TCP_USER_TIMEOUT_MS && value == 0) ||
		((option == TCP_SEND_BYTES || option == TCP_RECEIVE_BYTES) &&
			(value < 4096 || value > TCP_BUFFER_MOST)))
		return INVALID_VALUE;
	tcp_enter(c);
	switch (option) {
	case TCP_NO_DELAY:
		connection->is_no_delay = value;
		break;
	case TCP_CORK:
		connection->is_corked = value;
		break;
	case TCP_KEEP_ALIVE_MS:
		connection->keep_alive_ms = value;
		tcp_idle_restart(connection);
		break;
	case TCP_KEEP_INTERVAL_MS:
		connection->keep_interval_ms = value;
		break;
	case TCP_USER_TIMEOUT_MS:
		connection->user_timeout_ms = value;
		break;
	case TCP_SEND_BYTES:
		connection->send_limit = value;
		break;
	case TCP_RECEIVE_BYTES:
		connection->receive_limit = value;
		if (connection->receive_space > value)
			connection->receive_space = value;
		break;
	}
	if (!tcp_is_over(c))
		tcp_output(connection);
	tcp_leave(c);
	return OK;
}

void tcp_info(const struct tcp *c, struct tcp_info *info)
{
	tcp_connection_info(&c->connection, info);
}

struct endpoint tcp_remote(const struct tcp *c)
{
	return (struct endpoint){ c->connection.flow.ends.remote,
		c->connection.flow.ends.remote_port };
}
