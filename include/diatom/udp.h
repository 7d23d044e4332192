/*
 * UDP sockets (RFC 768, RFC 1122 4.1, RFC 8085).
 *
 *     struct udp_socket *s = udp_open(&eth0, 7);
 *     struct udp_datagram d;
 *
 *     while (udp_receive(s, &d, FOREVER) == OK)
 *             udp_reply(s, &d, d.payload);
 *
 * No call copies payload: d.payload is a view into the device's buffer, and a reply made of it sends
 * that buffer back out.
 */
#ifndef DIATOM_UDP_H
#define DIATOM_UDP_H

#include "diatom/net.h"
#include "diatom/packet.h"

struct udp_socket;

struct udp_datagram {
	struct view payload;	/* valid until this fiber's next udp_receive on the socket */
	struct endpoint source; /* who sent it */
	struct endpoint local;	/* to which of our addresses and ports */
	struct packet *packet;	/* the buffer; the socket's, see udp_release */
	struct packet *answer;	/* between udp_reply_begin and udp_reply_end */
};

/*
 * Opens a socket on a port of all the interface's addresses; port 0 picks a free ephemeral one
 * (RFC 6056). Brings the interface up. NULL when the port is taken, memory ends, or the interface
 * can't come up; the reason is logged.
 */
struct udp_socket *udp_open(struct net *net, uint16_t port);

/* Frees the socket; fibers that wait in udp_receive get CLOSED. NULL is allowed. */
void udp_close(struct udp_socket *socket);

uint16_t udp_port(const struct udp_socket *socket);

/*
 * The next datagram. Frees the one before that this fiber got, if udp_release or a reply has not taken
 * it: fibers may share a socket. CLOSED after
 * udp_close and when the image was asked to finish (INT or TERM); TIMED_OUT; CANCELLED; UNREACHABLE
 * when an ICMP error came for something this socket sent by udp_send, or the next hop didn't answer
 * (`source` tells whom; RFC 1122 4.1.3.3), once for each error. Replies that fail are only counted:
 * whoever asked and went away must not end a server's loop.
 */
enum status udp_receive(struct udp_socket *socket, struct udp_datagram *datagram, instant deadline);

/* Up to `most` datagrams, at least one: blocks only for the first. *count is how many. All are freed
 * by this fiber's next receive call on the socket. */
enum status udp_receive_batch(struct udp_socket *socket, struct udp_datagram *datagrams,
	unsigned most, unsigned *count, instant deadline);

/*
 * Answers the datagram's sender from the address it was sent to. When `payload` is inside the
 * datagram's buffer that buffer goes out itself; other bytes are copied into a fresh one.
 * OK; NO_MEMORY; TOO_LONG beyond 65,507 bytes; UNREACHABLE without a route. Does not block: while the
 * next hop's address is being resolved a bounded number of packets wait with it.
 */
enum status udp_reply(
	struct udp_socket *socket, struct udp_datagram *datagram, struct view payload);

/*
 * The in-place form for servers that render their answers: a writable area of *room bytes in a
 * fresh buffer with headroom, as much as leaves in one piece on this interface; then udp_reply_end,
 * always, with the length used sends it (0: drops it). The datagram stays readable meanwhile. NULL
 * when buffers are exhausted (counted).
 */
uint8_t *udp_reply_begin(struct udp_socket *socket, struct udp_datagram *datagram, size_t *room);
enum status udp_reply_end(struct udp_socket *socket, struct udp_datagram *datagram, size_t length);

/* Sends bytes (copied) to an endpoint. Statuses as udp_reply. */
enum status udp_send(struct udp_socket *socket, const struct endpoint *to, struct view payload);

/* Takes the buffer out of the socket's hands: the caller frees it with packet_free. */
struct packet *udp_release(struct udp_socket *socket, struct udp_datagram *datagram);

#endif
