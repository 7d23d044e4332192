/*
 * Network devices, as the stack sees them: frames in, frames out. drv/ implements it (virtio, tap),
 * test/sim a simulated link. The stack never knows which.
 */
#ifndef DIATOM_CORE_NETDEV_H
#define DIATOM_CORE_NETDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "diatom/packet.h"
#include "diatom/status.h"

struct netdev;

enum netdev_features {
	NETDEV_CHECKSUM = 1,	/* accepts PACKET_CHECKSUM_PARTIAL on transmit */
	NETDEV_SEGMENT_TCP = 2, /* accepts SEGMENT_TCP4 and SEGMENT_TCP6 */
	NETDEV_SEGMENT_UDP = 4, /* accepts SEGMENT_UDP */
};

struct netdev_ops {
	/* Up to `most` received frames, appended to `frames`; they are the caller's. Returns how many. */
	unsigned (*receive)(struct netdev *device, struct packet_queue *frames, unsigned most);
	/* Takes the frame, whatever happens; a frame that can't be queued is dropped and counted. May
	 * hold it back until flush. */
	void (*transmit)(struct netdev *device, struct packet *frame);
	/* What was transmitted is on its way when this returns. */
	void (*flush)(struct netdev *device);
	/*
	 * The loop is about to sleep: arms the device's wake-up and returns true if frames came in
	 * meanwhile, so that it must not sleep. (virtio: event index, fence, re-check.)
	 */
	bool (*prepare_sleep)(struct netdev *device);
};

struct netdev {
	const struct netdev_ops *ops;
	const char *name;
	uint8_t mac[6];
	uint16_t mtu;	   /* largest IP packet, bytes */
	uint32_t features; /* enum netdev_features */
	/* What the host configured: "192.0.2.53/24", "192.0.2.1"; empty or NULL when nothing. */
	const char *ip, *gateway;
	const char *ip6, *gateway6; /* likewise; ip6 may be "auto" or "off", too */
};

/*
 * Opens the device that the host gave under that manifest name: NOT_FOUND if it gave none,
 * DEVICE_FAILED if it doesn't follow its protocol. Implemented in drv/net.c. The device lives as long
 * as the image.
 */
enum status netdev_open(const char *name, struct netdev **device);

#endif
