/*
 * The monitor's devices against a hostile guest: registers, rings and descriptors of the fuzzer's
 * making, over a small guest memory, with a socket pair in place of the tap.
 *
 *     input   first byte: device | commands: opcode byte, then its operands
 *
 * A sane driver set-up may come first (opcode SETUP), so that mutations soon reach live rings. The
 * sanitizers watch the host's side; after each run every byte outside the heap must be untouched.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/monitor/console.h"
#include "host/monitor/entropy.h"
#include "host/monitor/net.h"

#define IMAGE	     4096
#define HEAP	     8192
#define MEMORY_BYTES 65536
#define OUTSIDE	     0x5a
#define FRAME_MAX    3000
#define COMMANDS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && in->at < in->end; i++)
		value |= (uint64_t)*in->at++ << (8 * i);
	return value;
}

static uint8_t *memory_bytes;
static struct guest_memory memory;
static int tap[2], null_output, console_input;
static struct pcap pcap;

static void open_all(void)
{
	memory_bytes = aligned_alloc(4096, MEMORY_BYTES);
	memory = (struct guest_memory){ memory_bytes, MEMORY_BYTES, IMAGE, HEAP, HEAP,
		MEMORY_BYTES };
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, tap) != 0)
		abort();
	null_output = open("/dev/null", O_WRONLY);
	console_input = open("/dev/zero", O_RDONLY);
}

static struct device *make_device(unsigned kind)
{
	static struct net_device net;
	static struct console_device console;
	static struct entropy_device entropy;
	static const uint32_t leads[] = { 12, 12, 10, 0 };
	struct net_settings settings = { .name = "fuzz",
		.tap = tap[0],
		.lead = leads[kind / 16 % 4],
		.mtu = 1500,
		.offloads = kind % 8 == 1 ? 0 : NET_CHECKSUM | NET_SEGMENT_TCP | NET_SEGMENT_UDP,
		.pcap = kind % 16 < 8 ? &pcap : NULL };

	switch (kind % 4) {
	case 2:
		console_init(&console, &memory, "fuzz", console_input, null_output);
		return &console.device;
	case 3:
		entropy_init(&entropy, &memory, "fuzz");
		return &entropy.device;
	default:
		net_init(&net, &memory, &settings);
		return &net.device;
	}
}

static void write_register(struct device *device, uint32_t offset, uint32_t value)
{
	mmio_write(device, offset, 4, value);
}

/* What a sane driver does; rings at fixed places of the heap. */
static void set_up(struct device *device, uint8_t features, uint8_t size_bits)
{
	write_register(device, VIRTIO_MMIO_STATUS, 3);
	write_register(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 1);
	write_register(device, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	write_register(device, VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 0);
	write_register(device, VIRTIO_MMIO_DRIVER_FEATURES,
		(uint32_t)device->offered &
			((features & 1 ? 0 : ~(uint32_t)VIRTIO_NET_F_MRG_RXBUF) &
				(features & 2 ? ~(uint32_t)VIRTIO_F_RING_EVENT_IDX : ~0U)));
	write_register(device, VIRTIO_MMIO_STATUS, 11);
	for (uint32_t q = 0; q < device->queue_count; q++) {
		uint32_t base = HEAP + q * 8192;

		write_register(device, VIRTIO_MMIO_QUEUE_SELECT, q);
		write_register(device, VIRTIO_MMIO_QUEUE_SIZE, 1U << size_bits % 9);
		write_register(device, VIRTIO_MMIO_QUEUE_DESC_LOW, base);
		write_register(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, base + 4096);
		write_register(device, VIRTIO_MMIO_QUEUE_USED_LOW, base + 5120);
		write_register(device, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	write_register(device, VIRTIO_MMIO_STATUS, 15);
}

static void put(uint64_t offset, const void *bytes, size_t n)
{
	if (offset <= MEMORY_BYTES - HEAP && n <= MEMORY_BYTES - HEAP - offset)
		memcpy(memory_bytes + HEAP + offset, bytes, n);
}

/* A descriptor whose address is near something interesting. */
static void put_descriptor(struct input *in)
{
	static const uint64_t bases[] = { 0, IMAGE, HEAP, HEAP + 0x6000, MEMORY_BYTES, UINT64_MAX };
	uint64_t queue = take(in, 1) % 2, index = take(in, 1);
	struct virtio_descriptor d = { .address = bases[take(in, 1) % 6] +
						  (uint64_t)(int64_t)(int16_t)take(in, 2) };
	uint8_t shape = (uint8_t)take(in, 1);

	d.length = shape & 0x80 ? (uint32_t)take(in, 4) : (uint32_t)take(in, 2) % FRAME_MAX;
	d.flags = shape & 7;
	d.next = (uint16_t)take(in, 1);
	put(queue * 8192 + index * 16, &d, sizeof(d));
}

/* Makes chains available: heads, then the index. */
static void put_available(struct input *in)
{
	uint64_t queue = take(in, 1) % 2, slot = take(in, 1);
	uint16_t head = (uint16_t)take(in, 1), index = (uint16_t)take(in, 2);

	put(queue * 8192 + 4096 + 4 + slot * 2, &head, 2);
	put(queue * 8192 + 4096 + 2, &index, 2);
}

static void send_to_tap(struct input *in)
{
	static uint8_t frame[FRAME_MAX];

	(void)!write(tap[1], frame, take(in, 2) % FRAME_MAX);
}

static void drain_tap(void)
{
	static uint8_t frame[FRAME_MAX];

	while (read(tap[1], frame, sizeof(frame)) > 0 || read(tap[0], frame, sizeof(frame)) > 0)
		;
}

static void command(struct device *device, struct input *in)
{
	uint64_t offset;
	uint8_t bytes[8];

	switch (take(in, 1) % 9) {
	case 0:
		set_up(device, (uint8_t)take(in, 1), (uint8_t)take(in, 1));
		break;
	case 1:
		offset = take(in, 2);
		mmio_write(
			device, offset % 0x200, (unsigned)(1U << offset / 0x200 % 4), take(in, 8));
		break;
	case 2:
		offset = take(in, 2);
		mmio_read(device, offset % 0x200, (unsigned)(1U << offset / 0x200 % 4));
		break;
	case 3:
		offset = take(in, 2);
		for (unsigned i = 0; i < 8; i++)
			bytes[i] = (uint8_t)take(in, 1);
		put(offset, bytes, sizeof(bytes));
		break;
	case 4:
		put_descriptor(in);
		break;
	case 5:
		put_available(in);
		break;
	case 6:
		send_to_tap(in);
		break;
	case 7:
		device->input_ready = true;
		device_serve(device);
		device_input(device);
		break;
	case 8:
		mmio_write(device, VIRTIO_MMIO_QUEUE_NOTIFY, 4, take(in, 1));
		device_serve(device);
		drain_tap();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct device *device;

	if (memory_bytes == NULL)
		open_all();
	memset(memory_bytes, OUTSIDE, HEAP);
	memset(memory_bytes + HEAP, 0, MEMORY_BYTES - HEAP);
	pcap_begin(&pcap, null_output);
	device = make_device((unsigned)take(&in, 1));
	device->is_warned = true;
	for (unsigned i = 0; i < COMMANDS_MAX && in.at < in.end; i++)
		command(device, &in);
	drain_tap();
	for (unsigned i = 0; i < HEAP; i++)
		if (memory_bytes[i] != OUTSIDE)
			abort();
	return 0;
}
