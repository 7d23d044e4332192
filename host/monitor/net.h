/*
 * The virtio network device (virtio 1.2, 5.1) over a tap or a socket that keeps frames apart: they go
 * by readv and writev straight between it and guest memory. In the guest each frame is led by the
 * 12-byte header of abi/virtio.h. A tap has the same, so that checksum and segmentation offloads pass
 * through untouched; other descriptors have its first bytes only, or none.
 */
#ifndef DIATOM_MONITOR_NET_H
#define DIATOM_MONITOR_NET_H

#include "host/monitor/mmio.h"
#include "host/monitor/pcap.h"

#define NET_PARTS_MAX (2 * QUEUE_PARTS_MAX)

enum net_offload {
	NET_CHECKSUM = 1,
	NET_SEGMENT_TCP = 2,
	NET_SEGMENT_UDP = 4,
};

struct net_settings {
	const char *name;
	int tap;       /* non-blocking; stays the caller's */
	uint32_t lead; /* bytes of header before a frame there: 12, 10 or 0 */
	uint8_t mac[6];
	uint16_t mtu;
	uint32_t offloads; /* what the other side accepted, enum net_offload */
	struct pcap *pcap; /* NULL: none */
};

/* Receive buffers that were taken from the ring and not filled yet, in order. */
struct net_buffers {
	struct queue_chain chains[VIRTIO_QUEUE_SIZE_MAX];
	struct iovec parts[NET_PARTS_MAX];
	unsigned chain_first, chain_end;
	unsigned part_first, part_end;
	uint32_t bytes;
};

struct net_device {
	struct device device;
	int tap;
	uint32_t lead;
	uint32_t frame_max; /* longest frame that can come, header included */
	struct pcap *pcap;
	struct net_buffers buffers;
	struct iovec scratch[NET_PARTS_MAX + 2]; /* parts as the descriptor sees them */
	uint64_t received, sent;
	uint64_t receive_truncated; /* longer than all buffers that the driver gave */
	uint64_t send_refused;	    /* the tap did not take them */
};

void net_init(struct net_device *net, const struct guest_memory *memory,
	const struct net_settings *settings);

#endif
