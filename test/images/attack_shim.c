/*
 * A compromised body against the shim's devices: what test/images/attack.c doesn't try. Each run makes one
 * attack, named by its argument, with a queue at the end of the heap that is laid out as the shim expects
 * it, but for what the attack does to it:
 *
 *     +0   descriptors   +16 * QUEUE_SIZE   available ring
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <diatom/net.h>

#include "abi/boot.h"
#include "abi/call.h"
#include "abi/device.h"
#include "abi/virtio.h"

DIATOM_NET(eth0);

extern const struct boot_info *plat_boot;

#define QUEUE_SIZE  64
#define QUEUE_BYTES 65536
#define SHIM_BASE   0x100000 /* where hypervisors load the shim */

static struct {
	struct virtio_descriptor descriptors[QUEUE_SIZE];
	uint16_t flags, index, heads[QUEUE_SIZE], used_event;
	uint8_t buffer[4096];
} *queue;

static uint64_t queue_physical, device;
static const struct device_window *window;

static void call(uint64_t number, uint64_t a, uint64_t b)
{
	__asm__ volatile("call *%3"
		:
		: "D"(number), "S"(a), "d"(b), "r"(plat_boot->call)
		: "rax", "memory", "cc");
}

static void find_device(void)
{
	uint64_t at = plat_boot->memory.heap_bytes - QUEUE_BYTES;

	for (device = 0; device < plat_boot->device_count; device++)
		if (plat_boot->devices[device].kind == MANIFEST_NET)
			break;
	window = (const struct device_window *)(uintptr_t)plat_boot->devices[device].address;
	queue = (void *)(uintptr_t)(plat_boot->memory.heap + at);
	queue_physical = plat_boot->memory.heap_physical + at;
	memset(queue, 0, sizeof(*queue));
}

static void begin(void)
{
	call(CALL_DEVICE_BEGIN, device, VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF);
}

static void start_queue(unsigned number, uint64_t size, uint64_t address)
{
	call(CALL_DEVICE_QUEUE, DEVICE_QUEUE(device, number) | size << 16, address);
}

static void start_sane(unsigned number)
{
	begin();
	start_queue(number, QUEUE_SIZE, (uintptr_t)queue);
	call(CALL_DEVICE_START, device, 0);
}

static void submit(unsigned number, uint16_t index)
{
	call(CALL_DEVICE_SUBMIT, DEVICE_QUEUE(device, number), index);
}

static void say_state(void)
{
	printf("%s\n", window->status & VIRTIO_STATUS_NEEDS_RESET ? "stopped" : "running");
}

/* One buffer, at an address where a device must not go. */
static void post_buffer(unsigned number, uint64_t address, uint32_t length)
{
	start_sane(number);
	queue->descriptors[0] = (struct virtio_descriptor){ address, length,
		number == VIRTIO_NET_RECEIVE ? VIRTIO_DESC_WRITE : 0, 0 };
	submit(number, 1);
}

static void attack_write_shim(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, SHIM_BASE, 4096);
}

static void attack_write_apic(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, 0xfee00000, 16);
}

static void attack_read_shim(void)
{
	post_buffer(VIRTIO_NET_TRANSMIT, SHIM_BASE, 4096);
}

/* The device is only shown what is right: the first buffer, good, and the second, not. */
static void attack_second_of_two(void)
{
	start_sane(VIRTIO_NET_RECEIVE);
	queue->descriptors[0] = (struct virtio_descriptor){ queue_physical + sizeof(*queue) - 4096,
		2048, VIRTIO_DESC_WRITE | VIRTIO_DESC_NEXT, 1 };
	queue->descriptors[1] = (struct virtio_descriptor){ SHIM_BASE, 2048, VIRTIO_DESC_WRITE, 0 };
	submit(VIRTIO_NET_RECEIVE, 1);
}

static void attack_ring_at_the_end(void)
{
	begin();
	start_queue(0, QUEUE_SIZE, plat_boot->memory.heap + plat_boot->memory.heap_bytes - 64);
}

static void attack_ring_crooked(void)
{
	begin();
	start_queue(0, QUEUE_SIZE, (uintptr_t)queue + 2);
}

static void attack_ring_odd(void)
{
	begin();
	start_queue(0, 63, (uintptr_t)queue);
}

static void attack_ring_large(void)
{
	begin();
	start_queue(0, 32768, (uintptr_t)queue);
}

/* Features of which the shim's checks know nothing are not agreed on. */
static void attack_features(void)
{
	call(CALL_DEVICE_BEGIN, device, UINT64_MAX);
	if (window->features &
		((UINT64_C(1) << 28) | (UINT64_C(1) << 34) | VIRTIO_F_ACCESS_PLATFORM))
		printf("indirect descriptors or packed rings\n");
}

#define ATTACK(name) { #name, attack_##name }

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	ATTACK(write_shim),
	ATTACK(write_apic),
	ATTACK(read_shim),
	ATTACK(second_of_two),
	ATTACK(ring_at_the_end),
	ATTACK(ring_crooked),
	ATTACK(ring_odd),
	ATTACK(ring_large),
	ATTACK(features),
};

int main(int argc, char **argv)
{
	find_device();
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (argc > 1 && strcmp(argv[1], attacks[i].name) == 0) {
			attacks[i].run();
			say_state();
			return 0;
		}
	}
	printf("no such attack\n");
	return 1;
}
