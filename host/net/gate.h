/*
 * The gate before passt, which delivers what the body sends to its gateway's address to the host's
 * own loopback: services there trust whoever reaches them, and a compromised body must not. Answers to
 * clients on the host come the same way and must pass.
 *
 * So: to the gateway go only packets for a port that sent something from there before, and pings;
 * nothing goes to 0.0.0.0/8 and 127.0.0.0/8, nor to ::/96 and IPv4-mapped addresses, which are this host
 * in a system call's eyes, nor to link-local ones but the gateway: those of the host's are no business of
 * the body's. All else passes.
 */
#ifndef DIATOM_HOST_NET_GATE_H
#define DIATOM_HOST_NET_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate {
	uint8_t gateway[4], gateway6[16];
	uint8_t tcp[65536 / 8], udp[65536 / 8]; /* ports at the gateway that spoke to the body */
	uint64_t refused;
};

/* A frame for the body goes by: remembers who sent it. */
void gate_note(struct gate *gate, const uint8_t *frame, size_t length);

/* May the body's frame go out? */
bool gate_lets(struct gate *gate, const uint8_t *frame, size_t length);

#endif
