/*
 * An interface in an image: a stack joined to its device, the run loop, the clock and the random
 * numbers, none of which the stack knows.
 */
#ifndef DIATOM_NET_INTERFACE_H
#define DIATOM_NET_INTERFACE_H

#include <stddef.h>

#include "core/loop.h"
#include "diatom/net.h"
#include "diatom/task.h"
#include "net/stack.h"

struct interface {
	struct net_stack stack;
	struct poller poller;
	struct task timer; /* set to the stack's deadline */
	bool is_finishing; /* the sockets have been told that the image is asked to finish */
	void (*finish)(struct tcp_host *host); /* tells TCP's; NULL where it isn't used */
};

static inline struct interface *interface_of(struct net *net)
{
	return CONTAINER_OF(net->stack, struct interface, stack);
}

/* What the host said, else the manifest. */
static inline const char *interface_text(const char *host, const char *manifest)
{
	return host != NULL && host[0] != '\0' ? host : manifest;
}

/* After anything that may have lowered the stack's deadline: sets the timer. */
static inline void interface_sync(struct interface *interface)
{
	if (interface->stack.deadline != interface->timer.when || !task_is_set(&interface->timer)) {
		if (interface->stack.deadline != FOREVER)
			task_at(&interface->timer, interface->stack.deadline);
	}
}

#endif
