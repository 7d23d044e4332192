/*
 * Virtio: constants and layouts shared by the monitor's devices and the body's drivers.
 * Source: OASIS "Virtual I/O Device (VIRTIO) Version 1.2", sections in brackets.
 */
#ifndef DIATOM_ABI_VIRTIO_H
#define DIATOM_ABI_VIRTIO_H

#include <stdint.h>

enum virtio_device_id { /* [5] */
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLOCK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_ENTROPY = 4,
};

enum virtio_status { /* [2.1] */
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
};

/* Feature bits, as masks. [6] */
#define VIRTIO_F_RING_EVENT_IDX	 (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1	 (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

/* Network device feature bits. [5.1.3] */
#define VIRTIO_NET_F_CSUM	(UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MTU	(UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC	(UINT64_C(1) << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (UINT64_C(1) << 7)
#define VIRTIO_NET_F_GUEST_TSO6 (UINT64_C(1) << 8)
#define VIRTIO_NET_F_GUEST_ECN	(UINT64_C(1) << 9)
#define VIRTIO_NET_F_HOST_TSO4	(UINT64_C(1) << 11)
#define VIRTIO_NET_F_HOST_TSO6	(UINT64_C(1) << 12)
#define VIRTIO_NET_F_HOST_ECN	(UINT64_C(1) << 13)
#define VIRTIO_NET_F_MRG_RXBUF	(UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS	(UINT64_C(1) << 16)
#define VIRTIO_NET_F_GUEST_USO4 (UINT64_C(1) << 54)
#define VIRTIO_NET_F_GUEST_USO6 (UINT64_C(1) << 55)
#define VIRTIO_NET_F_HOST_USO	(UINT64_C(1) << 56)

/* Registers of the MMIO transport, byte offsets. [4.2.2] */
enum virtio_mmio_register {
	VIRTIO_MMIO_MAGIC = 0x000,   /* reads "virt" */
	VIRTIO_MMIO_VERSION = 0x004, /* 2 */
	VIRTIO_MMIO_DEVICE_ID = 0x008,
	VIRTIO_MMIO_VENDOR_ID = 0x00c,
	VIRTIO_MMIO_DEVICE_FEATURES = 0x010,
	VIRTIO_MMIO_DEVICE_FEATURES_SELECT = 0x014,
	VIRTIO_MMIO_DRIVER_FEATURES = 0x020,
	VIRTIO_MMIO_DRIVER_FEATURES_SELECT = 0x024,
	VIRTIO_MMIO_QUEUE_SELECT = 0x030,
	VIRTIO_MMIO_QUEUE_SIZE_MAX = 0x034,
	VIRTIO_MMIO_QUEUE_SIZE = 0x038,
	VIRTIO_MMIO_QUEUE_READY = 0x044,
	VIRTIO_MMIO_QUEUE_NOTIFY = 0x050,
	VIRTIO_MMIO_INTERRUPT_STATUS = 0x060,
	VIRTIO_MMIO_INTERRUPT_ACK = 0x064,
	VIRTIO_MMIO_STATUS = 0x070,
	VIRTIO_MMIO_QUEUE_DESC_LOW = 0x080,
	VIRTIO_MMIO_QUEUE_DESC_HIGH = 0x084,
	VIRTIO_MMIO_QUEUE_AVAIL_LOW = 0x090,
	VIRTIO_MMIO_QUEUE_AVAIL_HIGH = 0x094,
	VIRTIO_MMIO_QUEUE_USED_LOW = 0x0a0,
	VIRTIO_MMIO_QUEUE_USED_HIGH = 0x0a4,
	VIRTIO_MMIO_CONFIG_GENERATION = 0x0fc,
	VIRTIO_MMIO_CONFIG = 0x100,
};

#define VIRTIO_MMIO_MAGIC_VALUE 0x74726976

/* The PCI transport. [4.1] */
#define VIRTIO_PCI_VENDOR	0x1af4
#define VIRTIO_PCI_TRANSITIONAL 0x1000 /* device ids from here on: the kind is in the subsystem */
#define VIRTIO_PCI_MODERN	0x1040 /* and from here: 0x1040 + enum virtio_device_id */
#define VIRTIO_PCI_DEVICE_MAX	0x107f
#define VIRTIO_PCI_NO_VECTOR	0xffff

enum virtio_pci_structure { /* type of a vendor capability [4.1.4] */
	VIRTIO_PCI_COMMON = 1,
	VIRTIO_PCI_NOTIFY = 2,
	VIRTIO_PCI_ISR = 3,
	VIRTIO_PCI_DEVICE = 4,
};

enum virtio_pci_common { /* byte offsets in the common structure [4.1.4.3] */
	VIRTIO_PCI_DEVICE_FEATURES_SELECT = 0x00,
	VIRTIO_PCI_DEVICE_FEATURES = 0x04,
	VIRTIO_PCI_DRIVER_FEATURES_SELECT = 0x08,
	VIRTIO_PCI_DRIVER_FEATURES = 0x0c,
	VIRTIO_PCI_CONFIG_VECTOR = 0x10, /* 16 bits, like all up to the queue's addresses but */
	VIRTIO_PCI_QUEUE_COUNT = 0x12,
	VIRTIO_PCI_STATUS = 0x14,	     /* 8 bits */
	VIRTIO_PCI_CONFIG_GENERATION = 0x15, /* 8 bits */
	VIRTIO_PCI_QUEUE_SELECT = 0x16,
	VIRTIO_PCI_QUEUE_SIZE = 0x18,
	VIRTIO_PCI_QUEUE_VECTOR = 0x1a,
	VIRTIO_PCI_QUEUE_ENABLE = 0x1c,
	VIRTIO_PCI_QUEUE_NOTIFY_OFFSET = 0x1e,
	VIRTIO_PCI_QUEUE_DESC = 0x20,
	VIRTIO_PCI_QUEUE_AVAIL = 0x28,
	VIRTIO_PCI_QUEUE_USED = 0x30,
	VIRTIO_PCI_COMMON_BYTES = 0x38,
};

#define VIRTIO_QUEUE_SIZE_MAX 256 /* what our monitor offers for each queue */

/* Split virtqueue. [2.7] */
struct virtio_descriptor {
	uint64_t address; /* guest-physical */
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

enum virtio_descriptor_flags {
	VIRTIO_DESC_NEXT = 1,
	VIRTIO_DESC_WRITE = 2, /* the device writes it */
	VIRTIO_DESC_INDIRECT = 4,
};

struct virtio_available {
	uint16_t flags;
	uint16_t index;
	uint16_t ring[]; /* then used_event */
};

struct virtio_used_element {
	uint32_t id;
	uint32_t length;
};

struct virtio_used {
	uint16_t flags;
	uint16_t index;
	struct virtio_used_element ring[]; /* then available_event */
};

/* Leads each frame of a network device, and of a tap with IFF_VNET_HDR and size 12. [5.1.6] */
struct virtio_net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t header_length;
	uint16_t gso_size;
	uint16_t checksum_start;
	uint16_t checksum_offset;
	uint16_t buffer_count;
};

enum virtio_net_header_flags {
	VIRTIO_NET_NEEDS_CHECKSUM = 1,
	VIRTIO_NET_DATA_VALID = 2,
};

enum virtio_net_gso {
	VIRTIO_NET_GSO_NONE = 0,
	VIRTIO_NET_GSO_TCPV4 = 1,
	VIRTIO_NET_GSO_UDP = 3,
	VIRTIO_NET_GSO_TCPV6 = 4,
	VIRTIO_NET_GSO_UDP_L4 = 5,
	VIRTIO_NET_GSO_ECN = 0x80,
};

struct virtio_net_config { /* [5.1.4] */
	uint8_t mac[6];
	uint16_t status;
	uint16_t queue_pairs_max;
	uint16_t mtu;
};

/* Queue numbers. */
enum { VIRTIO_NET_RECEIVE = 0, VIRTIO_NET_TRANSMIT = 1 };
enum { VIRTIO_CONSOLE_RECEIVE = 0, VIRTIO_CONSOLE_TRANSMIT = 1 };

_Static_assert(sizeof(struct virtio_descriptor) == 16, "virtio 1.2, 2.7.5");
_Static_assert(sizeof(struct virtio_used_element) == 8, "virtio 1.2, 2.7.8");
_Static_assert(sizeof(struct virtio_net_header) == 12, "virtio 1.2, 5.1.6");
_Static_assert(sizeof(struct virtio_net_config) == 12, "virtio 1.2, 5.1.4");

#endif
