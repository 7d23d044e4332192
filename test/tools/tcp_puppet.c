/*
 * See tcp_puppet.h.
 */
#include "test/tools/tcp_puppet.h"

#include <stdlib.h>

#include "diatom/assert.h"

struct tcp_listener {
	void (*changed)(struct tcp_listener *listener, void *argument);
	void *argument;
	struct tcp *first;
	bool is_open;
};

static struct tcp_listener listener;

/* --- the other end --- */

static void call(struct tcp *tcp)
{
	if (tcp->changed != NULL)
		tcp->changed(tcp, tcp->argument);
}

struct tcp *puppet_connect(uint32_t remote)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));

	ASSERT(tcp != NULL && listener.is_open);
	tcp->remote = remote;
	tcp->send_bytes = 1 << 20;
	tcp->next = listener.first;
	listener.first = tcp;
	listener.changed(&listener, listener.argument);
	if (puppet_is_open(tcp))
		call(tcp);
	return tcp;
}

size_t puppet_feed(struct tcp *tcp, struct view bytes)
{
	size_t room = PUPPET_IN_BYTES - tcp->in_bytes;
	size_t length = bytes.length < room ? bytes.length : room;

	if (!puppet_is_open(tcp) || tcp->is_shut || tcp->is_dead || length == 0)
		return 0;
	memcpy(tcp->in + tcp->in_bytes, bytes.data, length);
	tcp->in_bytes += length;
	call(tcp);
	return length;
}

void puppet_acknowledge(struct tcp *tcp, size_t most)
{
	size_t waiting = tcp->out_bytes - tcp->acknowledged;

	if (tcp->is_dead || tcp->is_aborted)
		return;
	tcp->acknowledged += most < waiting ? most : waiting;
	if (!tcp->is_closed)
		call(tcp);
}

void puppet_shut(struct tcp *tcp)
{
	if (puppet_is_open(tcp) && !tcp->is_shut && !tcp->is_dead) {
		tcp->is_shut = true;
		call(tcp);
	}
}

void puppet_die(struct tcp *tcp)
{
	if (puppet_is_open(tcp) && !tcp->is_dead) {
		tcp->is_dead = true;
		call(tcp);
	}
}

void puppet_free(struct tcp *tcp)
{
	puppet_die(tcp);
	ASSERT(!puppet_is_open(tcp));
	free(tcp->out);
	free(tcp);
}

/* --- the program's end --- */

struct tcp_listener *tcp_listen(struct net *net, uint16_t port)
{
	ASSERT(!listener.is_open);
	listener = (struct tcp_listener){ .is_open = true };
	return &listener;
}

void tcp_unlisten(struct tcp_listener *l)
{
	ASSERT(l == &listener && listener.is_open);
	listener.is_open = false;
}

void tcp_listener_watch(struct tcp_listener *l,
	void (*changed)(struct tcp_listener *listener, void *argument), void *argument)
{
	l->changed = changed;
	l->argument = argument;
}

enum status tcp_accept(struct tcp_listener *l, struct tcp **tcp, instant deadline)
{
	ASSERT(deadline == AT_ONCE && l->is_open);
	*tcp = l->first;
	if (l->first == NULL)
		return TIMED_OUT;
	l->first = l->first->next;
	return OK;
}

void tcp_watch(
	struct tcp *tcp, void (*changed)(struct tcp *connection, void *argument), void *argument)
{
	ASSERT(puppet_is_open(tcp));
	tcp->changed = changed;
	tcp->argument = argument;
}

enum status tcp_set(struct tcp *tcp, enum tcp_option option, uint32_t value)
{
	ASSERT(puppet_is_open(tcp));
	if (option == TCP_SEND_BYTES)
		tcp->send_bytes = value;
	return OK;
}

struct endpoint tcp_remote(const struct tcp *tcp)
{
	ASSERT(puppet_is_open(tcp));
	return (struct endpoint){ .address = address_v4(tcp->remote), .port = 4711 };
}

enum status tcp_peek(struct tcp *tcp, size_t least, struct view *bytes, instant deadline)
{
	ASSERT(puppet_is_open(tcp) && deadline == AT_ONCE && least <= TCP_PEEK_MAX);
	*bytes = view_of(tcp->in, tcp->in_bytes);
	if (tcp->in_bytes >= least)
		return OK;
	return tcp->is_dead ? REFUSED : tcp->is_shut ? CLOSED : TIMED_OUT;
}

void tcp_consume(struct tcp *tcp, size_t length)
{
	ASSERT(puppet_is_open(tcp) && length <= tcp->in_bytes);
	memmove(tcp->in, tcp->in + length, tcp->in_bytes - length);
	tcp->in_bytes -= length;
}

size_t tcp_readable(const struct tcp *tcp)
{
	ASSERT(puppet_is_open(tcp));
	return tcp->in_bytes;
}

size_t tcp_writable(const struct tcp *tcp)
{
	size_t queued = tcp->out_bytes - tcp->acknowledged;

	ASSERT(puppet_is_open(tcp));
	return tcp->is_dead || queued > tcp->send_bytes ? 0 : tcp->send_bytes - queued;
}

size_t tcp_queued(const struct tcp *tcp)
{
	ASSERT(puppet_is_open(tcp));
	return tcp->out_bytes - tcp->acknowledged;
}

size_t tcp_held(const struct tcp *tcp)
{
	return tcp_queued(tcp) + tcp->in_bytes;
}

enum status tcp_write(struct tcp *tcp, struct view bytes, instant deadline)
{
	ASSERT(puppet_is_open(tcp) && deadline == AT_ONCE);
	if (tcp->is_dead)
		return REFUSED;
	if (bytes.length > tcp_writable(tcp))
		return TIMED_OUT;
	if (bytes.length == 0)
		return OK;
	if (tcp->out_room - tcp->out_bytes < bytes.length) {
		tcp->out_room = tcp->out_room * 2 + bytes.length;
		tcp->out = realloc(tcp->out, tcp->out_room);
		ASSERT(tcp->out != NULL);
	}
	memcpy(tcp->out + tcp->out_bytes, bytes.data, bytes.length);
	tcp->out_bytes += bytes.length;
	return OK;
}

void tcp_close(struct tcp *tcp)
{
	ASSERT(puppet_is_open(tcp));
	tcp->is_closed = true;
}

void tcp_abort(struct tcp *tcp)
{
	ASSERT(puppet_is_open(tcp));
	tcp->is_aborted = true;
}
