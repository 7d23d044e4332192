/*
 * An end of the relay: an interface in a namespace, through which frames come and go.
 *
 *     tap:NAMESPACE/IFACE      we hold the tap: what the namespace's kernel sends comes to us
 *     packet:NAMESPACE/IFACE   a packet socket on a tap that another program holds (diatom run): what that
 *                              program sends comes to us, and what we send goes to it
 *
 * Each frame that comes is as the wire would see it. The kernel cuts and sums what it gives to a tap without
 * offloads; what comes from a program by way of a packet socket is still in one piece, and is cut here
 * (offload.h). So losses hit segments of MTU size, whoever sends.
 */
#ifndef DIATOM_TEST_IMPAIR_PORT_H
#define DIATOM_TEST_IMPAIR_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port {
	int fd;
	bool has_offload_header;
	uint64_t unsent,
		odd; /* frames that the kernel didn't take; that we could make nothing of */
};

/* False with a word on the standard error. */
bool port_open(struct port *port, const char *name);
/* Hands what has come to `take`, a batch at most. */
void port_read(struct port *port, void (*take)(void *argument, const uint8_t *bytes, size_t length),
	void *argument);
void port_write(struct port *port, const uint8_t *bytes, size_t length);

#endif
