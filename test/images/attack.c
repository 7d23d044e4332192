/*
 * A compromised body: each run tries one way out, named by its argument. test/e2e/hostile_vm.py
 * checks that it is caught and named, or that the device stops and the body goes on.
 *
 * Attacks on the seal write, jump or execute what the page tables or the CPU forbid. Attacks on the
 * monitor drive the network device by hand, with rings at the end of the heap:
 *
 *     +0      descriptors   +4096  available ring   +8192  used ring   +12288  buffers
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <diatom/fiber.h>
#include <diatom/net.h>

#include "abi/boot.h"
#include "abi/call.h"
#include "abi/device.h"
#include "abi/virtio.h"

DIATOM_NET(eth0, .optional = 1);

extern const struct boot_info *plat_boot;

#define RINGS_BYTES 65536
#define QUEUE_SIZE  256

static const char constant[] = "read-only";
static volatile int sink;

/* The seal */

static void attack_write_text(void)
{
	*(volatile uint8_t *)(uintptr_t)&attack_write_text = 0xc3;
}

static void attack_write_rodata(void)
{
	*(volatile char *)(uintptr_t)constant = 'R';
}

static void attack_write_boot_info(void)
{
	((volatile struct boot_info *)(uintptr_t)plat_boot)->call = 0;
}

static void attack_write_call_page(void)
{
	*(volatile uint8_t *)(uintptr_t)plat_boot->call = 0xc3;
}

static void jump(void *to)
{
	__asm__ volatile("call *%0" : : "r"(to) : "memory");
}

static void attack_execute_data(void)
{
	static uint8_t code[] = { 0xc3 };

	jump(code);
}

static void attack_execute_stack(void)
{
	volatile uint8_t code[] = { 0xc3 };

	jump((void *)(uintptr_t)code);
}

static void attack_execute_heap(void)
{
	uint8_t *code =
		(uint8_t *)(uintptr_t)(plat_boot->memory.heap + plat_boot->memory.heap_bytes - 1);

	*code = 0xc3;
	jump(code);
}

static void attack_null_read(void)
{
	sink = *(volatile int *)(uintptr_t)sink;
}

static void attack_null_jump(void)
{
	jump((void *)(uintptr_t)sink);
}

static void attack_non_canonical(void)
{
	sink = *(volatile int *)UINT64_C(0x8000000000000000);
}

/* Whatever lies where kernels keep their tables, and at the descriptor tables if sgdt told. */
static void attack_guess_tables(void)
{
	for (uintptr_t at = 4096; at < (UINT64_C(1) << 47); at = at * 2)
		*(volatile uint64_t *)at = 0;
}

static void attack_sgdt(void)
{
	uint8_t table[10];

	__asm__ volatile("sgdt %0" : "=m"(table));
	*(volatile uint64_t *)*(uintptr_t *)(void *)(table + 2) = 0;
	__asm__ volatile("lgdt %0" : : "m"(table)); /* where sgdt is no trap, this is */
}

static void attack_lgdt(void)
{
	uint8_t table[10] = { 0 };

	__asm__ volatile("lgdt %0" : : "m"(table));
}

static void attack_lidt(void)
{
	uint8_t table[10] = { 0 };

	__asm__ volatile("lidt %0" : : "m"(table));
}

static void attack_hlt(void)
{
	__asm__ volatile("hlt");
}

static void attack_cli(void)
{
	__asm__ volatile("cli");
}

static void attack_wrmsr(void)
{
	__asm__ volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0));
}

static void attack_rdmsr(void)
{
	__asm__ volatile("rdmsr" : : "c"(0xc0000080) : "eax", "edx");
}

static void attack_mov_cr3(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(UINT64_C(0)));
}

static void attack_mov_cr0(void)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(UINT64_C(0)));
}

static void attack_invlpg(void)
{
	__asm__ volatile("invlpg (%0)" : : "r"(UINT64_C(4096)));
}

static void attack_int80(void)
{
	__asm__ volatile("int $0x80");
}

static void attack_syscall(void)
{
	__asm__ volatile("syscall" : : "a"(39) : "rcx", "r11");
}

static void attack_out(void)
{
	__asm__ volatile("out %%al, $0x80" : : "a"(0));
}

/* The port of platform calls, but by other instructions than the stub's. */
static void attack_out_byte(void)
{
	__asm__ volatile("out %%al, $0xf0" : : "a"(0));
}

static void attack_out_neighbour(void)
{
	__asm__ volatile("out %%al, $0xf1" : : "a"(0));
}

static void attack_out_string(void)
{
	static const uint32_t words[4];
	const uint32_t *at = words;
	long count = 4;

	__asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(0xf0) : "memory");
}

static void attack_in_call_port(void)
{
	__asm__ volatile("in $0xf0, %%eax" : : : "eax");
}

/* Flags that the exception stubs inherit. */
static void attack_single_step(void)
{
	__asm__ volatile("pushfq\n\torq $0x100, (%rsp)\n\tpopfq\n\tnop");
}

static void attack_unaligned(void)
{
	static uint32_t words[2];

	__asm__ volatile("pushfq\n\torq $0x40000, (%%rsp)\n\tpopfq\n\tmovl $1, %0"
		: "=m"(*(uint32_t *)((uint8_t *)words + 1)));
}

static void attack_out_fault_port(void)
{
	__asm__ volatile("out %%al, $0xf8" : : "a"(0));
}

static void attack_in(void)
{
	__asm__ volatile("in $0x60, %%al" : : : "eax");
}

static void attack_ud2(void)
{
	__asm__ volatile("ud2");
}

static void attack_divide(void)
{
	__asm__ volatile("div %0" : : "r"(0), "a"(1), "d"(0));
}

static void attack_int3(void)
{
	__asm__ volatile("int3");
}

__attribute__((noinline)) static int recurse(volatile int *deeper)
{
	volatile char frame[512];

	frame[0] = (char)*deeper;
	return *deeper ? recurse(deeper) + frame[0] : 0;
}

static void attack_stack_overflow(void)
{
	volatile int deeper = 1;

	sink = recurse(&deeper);
}

static void overflow_in_fiber(void *unused)
{
	attack_stack_overflow();
}

static void attack_fiber_overflow(void)
{
	fiber_join(fiber_start("overflow", overflow_in_fiber, NULL));
}

/* The monitor's calls */

static void call(uint64_t number, uint64_t a, uint64_t b)
{
	__asm__ volatile("call *%3"
		:
		: "D"(number), "S"(a), "d"(b), "r"(plat_boot->call)
		: "rax", "memory", "cc");
}

static void attack_call_unknown(void)
{
	call(77, 0, 0);
}

static void attack_call_console_wild(void)
{
	call(CALL_CONSOLE, 0x1000, 64);
}

static void attack_call_console_wraps(void)
{
	call(CALL_CONSOLE, plat_boot->memory.heap + 16, UINT64_MAX - 8);
}

static void attack_call_console_beyond(void)
{
	call(CALL_CONSOLE, plat_boot->memory.heap, plat_boot->memory.heap_bytes + 1);
}

static void attack_call_crash_wild(void)
{
	call(CALL_CRASH, 0x1000, UINT64_MAX);
}

/* The monitor's devices, or the shim's: there a device is driven by platform calls (abi/device.h). */

struct rings {
	struct virtio_descriptor descriptors[QUEUE_SIZE];
	uint16_t available[2048];
	uint16_t used[2048];
	uint8_t buffers[8192];
};

static struct rings *rings;
static uint64_t rings_physical;

static unsigned net_number(void)
{
	for (unsigned i = 0; i < plat_boot->device_count; i++)
		if (plat_boot->devices[i].kind == MANIFEST_NET)
			return i;
	printf("no network device\n");
	exit(1);
}

static bool is_shim(void)
{
	return plat_boot->target == BOOT_SHIM;
}

static volatile struct device_window *window(void)
{
	return (volatile struct device_window *)(uintptr_t)plat_boot->devices[net_number()].address;
}

static volatile uint32_t *registers_at(unsigned offset)
{
	return (volatile uint32_t *)(uintptr_t)(plat_boot->devices[net_number()].address + offset);
}

static void set(unsigned offset, uint32_t value)
{
	*registers_at(offset) = value;
}

static void set_address(unsigned offset, uint64_t value)
{
	set(offset, (uint32_t)value);
	set(offset + 4, (uint32_t)(value >> 32));
}

static void start_device(void)
{
	uint64_t at = plat_boot->memory.heap_bytes - RINGS_BYTES;

	rings = (struct rings *)(uintptr_t)(plat_boot->memory.heap + at);
	rings_physical = plat_boot->memory.heap_physical + at;
	memset(rings, 0, sizeof(*rings));
	if (is_shim()) {
		call(CALL_DEVICE_BEGIN, net_number(), VIRTIO_NET_F_MRG_RXBUF);
		return;
	}
	set(VIRTIO_MMIO_STATUS, 0);
	set(VIRTIO_MMIO_STATUS, 3);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SELECT, 0);
	set(VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_NET_F_MRG_RXBUF);
	set(VIRTIO_MMIO_STATUS, 11);
}

/* The shim has the used ring itself, and the available ring stands behind the descriptors: an odd place
 * for one is an odd place for all. */
static void start_shim_queue(unsigned queue, uint64_t descriptors, uint64_t used)
{
	uint64_t at = used == rings_physical + 8192 ? descriptors : used;

	call(CALL_DEVICE_QUEUE, DEVICE_QUEUE(net_number(), queue) | QUEUE_SIZE << 16,
		at - plat_boot->memory.heap_physical + plat_boot->memory.heap);
}

static void start_queue(unsigned queue, uint64_t descriptors, uint64_t available, uint64_t used)
{
	if (is_shim()) {
		start_shim_queue(queue, descriptors, used);
		return;
	}
	set(VIRTIO_MMIO_QUEUE_SELECT, queue);
	set(VIRTIO_MMIO_QUEUE_SIZE, QUEUE_SIZE);
	set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, descriptors);
	set_address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, available);
	set_address(VIRTIO_MMIO_QUEUE_USED_LOW, used);
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void say_status(uint32_t status)
{
	printf("%s\n", status & VIRTIO_STATUS_NEEDS_RESET ? "stopped" : "running");
}

static void submit(unsigned queue)
{
	call(CALL_DEVICE_SUBMIT, DEVICE_QUEUE(net_number(), queue), ++rings->available[1]);
}

/* Makes chain 0 available and lets the host serve it; says whether the device stopped. */
static void post(unsigned queue)
{
	if (is_shim()) {
		call(CALL_DEVICE_START, net_number(), 0);
		submit(queue);
		say_status(window()->status);
		return;
	}
	set(VIRTIO_MMIO_STATUS, 15);
	rings->available[1]++;
	__asm__ volatile("" ::: "memory");
	set(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	call(CALL_SLEEP, (uint64_t)INT64_MIN, 0);
	say_status(*registers_at(VIRTIO_MMIO_STATUS));
}

static void start_sane(unsigned queue)
{
	start_device();
	start_queue(queue, rings_physical, rings_physical + 4096, rings_physical + 8192);
}

/* One buffer at an address where a device must not go. */
static void post_buffer(unsigned queue, uint64_t address, uint32_t length)
{
	start_sane(queue);
	rings->descriptors[0] = (struct virtio_descriptor){ address, length,
		queue == VIRTIO_NET_RECEIVE ? VIRTIO_DESC_WRITE : 0, 0 };
	post(queue);
}

static void attack_dma_write_zero(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, 0, 4096);
}

static void attack_dma_write_text(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, plat_boot->memory.image_physical, 4096);
}

static void attack_dma_write_tables(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, plat_boot->memory.heap_physical - 4096, 4096);
}

static void attack_dma_write_beyond(void)
{
	post_buffer(VIRTIO_NET_RECEIVE,
		plat_boot->memory.heap_physical + plat_boot->memory.heap_bytes - 16, 32);
}

static void attack_dma_wraps(void)
{
	post_buffer(VIRTIO_NET_RECEIVE, UINT64_MAX - 15, 4096);
}

static void attack_dma_read_zero(void)
{
	post_buffer(VIRTIO_NET_TRANSMIT, 0, 4096);
}

static void attack_dma_read_tables(void)
{
	post_buffer(VIRTIO_NET_TRANSMIT, plat_boot->memory.heap_physical - 4096, 4096);
}

static void attack_dma_length(void)
{
	post_buffer(VIRTIO_NET_TRANSMIT, plat_boot->memory.heap_physical, UINT32_MAX);
}

static void attack_ring_in_tables(void)
{
	start_device();
	start_queue(
		0, rings_physical, rings_physical + 4096, plat_boot->memory.heap_physical - 4096);
	post(0);
}

static void attack_ring_loops(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	rings->descriptors[0] =
		(struct virtio_descriptor){ rings_physical, 1, VIRTIO_DESC_NEXT, 0 };
	post(VIRTIO_NET_TRANSMIT);
}

static void attack_ring_next(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	rings->descriptors[0] =
		(struct virtio_descriptor){ rings_physical, 1, VIRTIO_DESC_NEXT, 9999 };
	post(VIRTIO_NET_TRANSMIT);
}

static void attack_ring_head(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	rings->available[2] = 40000;
	post(VIRTIO_NET_TRANSMIT);
}

static void attack_ring_index(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	rings->available[1] = 30000;
	post(VIRTIO_NET_TRANSMIT);
}

static void attack_ring_indirect(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	rings->descriptors[0] =
		(struct virtio_descriptor){ rings_physical, 16, VIRTIO_DESC_INDIRECT, 0 };
	post(VIRTIO_NET_TRANSMIT);
}

static void attack_doorbells(void)
{
	start_sane(VIRTIO_NET_TRANSMIT);
	if (is_shim())
		call(CALL_DEVICE_START, net_number(), 0);
	else
		set(VIRTIO_MMIO_STATUS, 15);
	for (unsigned i = 0; i < 3000; i++) {
		if (is_shim())
			call(CALL_DEVICE_SUBMIT, DEVICE_QUEUE(net_number(), i), 0);
		else
			set(VIRTIO_MMIO_QUEUE_NOTIFY, i);
	}
	post_buffer(VIRTIO_NET_TRANSMIT, rings_physical + 12288, 64);
}

/* Every call with numbers of its own, in no order. */
static void confuse_shim(void)
{
	for (uint64_t i = 0; i < 4096; i++)
		call(CALL_DEVICE_BEGIN + i % 4, i * 0x9e3779b9, i * UINT64_C(0x9e3779b97f4a7c15));
	start_device();
	post_buffer(VIRTIO_NET_TRANSMIT, rings_physical + 12288, 64);
}

/* The shim's rings while the device has them: a chain given twice. */
static void attack_ring_twice(void)
{
	start_sane(VIRTIO_NET_RECEIVE);
	rings->descriptors[0] =
		(struct virtio_descriptor){ rings_physical + 12288, 64, VIRTIO_DESC_WRITE, 0 };
	post(VIRTIO_NET_RECEIVE);
	submit(VIRTIO_NET_RECEIVE);
	say_status(window()->status);
}

static void attack_write_window(void)
{
	window()->status = 0;
}

static void attack_write_used_ring(void)
{
	start_sane(VIRTIO_NET_RECEIVE);
	((volatile struct virtio_used *)DEVICE_USED(window(), 0))->index = 1;
}

static void attack_thread_pointer(void)
{
	call(CALL_THREAD, UINT64_C(1) << 63, 0);
}

static void attack_registers(void)
{
	if (is_shim()) {
		confuse_shim();
		return;
	}
	for (unsigned offset = 0; offset < 4096; offset += 4) {
		set(offset, 0xffffffff);
		sink = (int)*registers_at(offset);
	}
	start_device();
	post_buffer(VIRTIO_NET_TRANSMIT, rings_physical + 12288, 64);
}

#define ATTACK(name) { #name, attack_##name }

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	ATTACK(write_text),
	ATTACK(write_rodata),
	ATTACK(write_boot_info),
	ATTACK(write_call_page),
	ATTACK(execute_data),
	ATTACK(execute_stack),
	ATTACK(execute_heap),
	ATTACK(null_read),
	ATTACK(null_jump),
	ATTACK(non_canonical),
	ATTACK(guess_tables),
	ATTACK(sgdt),
	ATTACK(lgdt),
	ATTACK(lidt),
	ATTACK(hlt),
	ATTACK(cli),
	ATTACK(wrmsr),
	ATTACK(rdmsr),
	ATTACK(mov_cr3),
	ATTACK(mov_cr0),
	ATTACK(invlpg),
	ATTACK(int80),
	ATTACK(syscall),
	ATTACK(out),
	ATTACK(out_byte),
	ATTACK(out_neighbour),
	ATTACK(out_string),
	ATTACK(in_call_port),
	ATTACK(single_step),
	ATTACK(unaligned),
	ATTACK(out_fault_port),
	ATTACK(in),
	ATTACK(ud2),
	ATTACK(divide),
	ATTACK(int3),
	ATTACK(stack_overflow),
	ATTACK(fiber_overflow),
	ATTACK(call_unknown),
	ATTACK(call_console_wild),
	ATTACK(call_console_wraps),
	ATTACK(call_console_beyond),
	ATTACK(call_crash_wild),
	ATTACK(dma_write_zero),
	ATTACK(dma_write_text),
	ATTACK(dma_write_tables),
	ATTACK(dma_write_beyond),
	ATTACK(dma_wraps),
	ATTACK(dma_read_zero),
	ATTACK(dma_read_tables),
	ATTACK(dma_length),
	ATTACK(ring_in_tables),
	ATTACK(ring_loops),
	ATTACK(ring_next),
	ATTACK(ring_head),
	ATTACK(ring_index),
	ATTACK(ring_indirect),
	ATTACK(ring_twice),
	ATTACK(write_window),
	ATTACK(write_used_ring),
	ATTACK(thread_pointer),
	ATTACK(doorbells),
	ATTACK(registers),
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (argc > 1 && strcmp(argv[1], attacks[i].name) == 0) {
			attacks[i].run();
			return 0;
		}
	}
	printf("no such attack\n");
	return 1;
}
