/*
 * The virtio network device (virtio 1.2, 5.1) over a tap: frames go by readv and writev straight
 * between the tap and guest memory. Each frame is led by the 12-byte header of abi/virtio.h on both
 * sides, so that checksum and segmentation offloads pass through untouched.
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
	int tap; /* vnet header of 12 bytes, non-blocking; stays the caller's */
	uint8_t mac[6];
	uint16_t mtu;
	uint32_t offloads; /* what the tap accepted, enum net_offload */
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
	uint32_t frame_max; /* longest frame that can come, header included */
	struct pcap *pcap;
	struct net_buffers buffers;
	uint64_t received, sent;
	uint64_t receive_truncated; /* longer than all buffers that the driver gave */
	uint64_t send_refused;	    /* the tap did not take them */
};

void net_init(struct net_device *net, const struct guest_memory *memory,
	const struct net_settings *settings);

#endif
