/*
 * A capture file: classic pcap with nanosecond stamps, link type Ethernet.
 *
 *     file header, 24 bytes | record header, 16 bytes | frame | record header | frame ...
 *
 * Records are collected in a buffer of the writer's and reach the file when it is full and at
 * pcap_flush. Not thread-safe.
 */
#ifndef DIATOM_MONITOR_PCAP_H
#define DIATOM_MONITOR_PCAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define PCAP_BUFFER_BYTES 262144

struct pcap {
	int fd;
	size_t used;
	uint64_t lost; /* records that could not be written */
	uint8_t buffer[PCAP_BUFFER_BYTES];
};

/* Starts a capture in an open, empty file, which stays the caller's. */
void pcap_begin(struct pcap *pcap, int fd);

/* Adds bytes [skip, length) of the parts as one frame, stamped now. */
void pcap_write(
	struct pcap *pcap, const struct iovec *parts, unsigned count, size_t length, size_t skip);

void pcap_flush(struct pcap *pcap);

#endif
