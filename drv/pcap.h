/*
 * Packet capture into a file descriptor: the pcap format (draft-ietf-opsawg-pcap), nanoseconds,
 * LINKTYPE_ETHERNET. The host opens the file and writes its 24-byte header; we append records:
 *
 *     +---------+-------------+-----------------+-----------------+-------
 *     | seconds | nanoseconds | captured length | original length | frame
 *     +---------+-------------+-----------------+-----------------+-------
 */
#ifndef DIATOM_DRV_PCAP_H
#define DIATOM_DRV_PCAP_H

#include "diatom/packet.h"

#define PCAP_FRAME_MAX 65535

/* Appends one frame. A write that fails is counted; capture is best effort. */
void pcap_record(int fd, const struct packet *frame);

#endif
