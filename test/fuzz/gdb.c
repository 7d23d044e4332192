/*
 * gdb's packets: any bytes, in any state of the target. Answers must be well-formed, stay within
 * their buffers, and a server without gdb must leave no breakpoint in the body.
 *
 *     input   what gdb sends; when the target is to run, the next byte says how it stops
 */
#include <stdlib.h>
#include <string.h>

#include "abi/inside.h"
#include "host/gdb/server.h"
#include "host/image/image.h"

#define MEMORY	     0x1000
#define MEMORY_BYTES 8192
#define STACKS	     (MEMORY + 4096)
#define INT3	     0xcc

struct fake {
	struct gdb_target target; /* first */
	struct gdb_registers registers;
	uint8_t memory[MEMORY_BYTES];
	bool has_debug; /* has debug registers */
	bool was_written;
};

static void expect(int claim)
{
	if (!claim)
		abort();
}

static struct fake *fake_of(struct gdb_target *target)
{
	return (struct fake *)(void *)target;
}

static void get_registers(struct gdb_target *target, struct gdb_registers *registers)
{
	*registers = fake_of(target)->registers;
}

static void set_registers(struct gdb_target *target, const struct gdb_registers *registers)
{
	fake_of(target)->registers = *registers;
}

static uint64_t within(uint64_t address, uint64_t length)
{
	uint64_t left = address - MEMORY < MEMORY_BYTES ? MEMORY + MEMORY_BYTES - address : 0;

	return length < left ? length : left;
}

static uint64_t read_memory(
	struct gdb_target *target, uint64_t address, void *bytes, uint64_t length)
{
	length = within(address, length);
	if (length > 0)
		memcpy(bytes, fake_of(target)->memory + (address - MEMORY), length);
	return length;
}

static uint64_t write_memory(
	struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length)
{
	length = within(address, length);
	if (length > 0)
		memcpy(fake_of(target)->memory + (address - MEMORY), bytes, length);
	fake_of(target)->was_written |= length > 1;
	return length;
}

static bool set_debug(struct gdb_target *target, const uint64_t *addresses, uint64_t control)
{
	return fake_of(target)->has_debug;
}

static const struct gdb_target_ops ops = { get_registers, set_registers, read_memory, write_memory,
	set_debug };

/* '+' or '-', then perhaps a packet whose sum is right. */
static void check_output(const struct gdb_server *server)
{
	const char *at = server->output, *end = at + server->output_length;
	uint8_t sum = 0;
	char digits[3];

	expect(server->output_length <= 1 + GDB_FRAME_MAX);
	if (*at == '+' || *at == '-')
		at++;
	if (at == end)
		return;
	expect(end - at >= 4 && *at == '$' && end[-3] == '#');
	for (at++; at < end - 3; at++) {
		expect(*at != '$' && *at != '#');
		sum = (uint8_t)(sum + (uint8_t)*at);
	}
	memcpy(digits, end - 2, 2);
	digits[2] = '\0';
	expect(strtoul(digits, NULL, 16) == sum);
}

static void drain(struct gdb_server *server)
{
	if (server->output_length > 0)
		check_output(server);
	server->output_length = 0;
}

static void stop_by(struct gdb_server *server, struct fake *fake, uint8_t byte)
{
	struct gdb_stop stop = { .kind = (enum gdb_stop_kind)(byte % 4),
		.signal = byte % 4 == GDB_STOP_SIGNAL ? GDB_SIGNAL_SEGV : GDB_SIGNAL_TRAP,
		.dr6 = byte >> 4 };

	fake->registers.rip += byte >> 2;
	fake->memory[byte] ^= byte >> 7;
	gdb_server_stopped(server, &stop);
	drain(server);
}

/* A control block for main and one for stack 0, so that there are threads to find. */
static void make_fibers(struct fake *fake)
{
	struct inside_fibers fibers = { MEMORY + 128, MEMORY + 128 };
	struct inside_fiber block = { .sp = MEMORY + 512,
		.name = MEMORY + 600,
		.stack = INSIDE_STACK_NONE,
		.state = INSIDE_FIBER_WAITING };
	uint64_t owner = MEMORY + 256;

	memcpy(fake->memory, &fibers, sizeof(fibers));
	memcpy(fake->memory + 128, &block, sizeof(block));
	block.stack = 0;
	memcpy(fake->memory + 256, &block, sizeof(block));
	memcpy(fake->memory + MEMORY_BYTES - 8, &owner, sizeof(owner));
	memcpy(fake->memory + 600, "fi\001ber", 7);
	memcpy(fake->memory + 800, "dlog\2\0\0\0line\n", 13);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gdb_server server;
	static struct fake fake;
	static const struct image image = {
		.insides = { { INSIDE_FIBERS, 0, sizeof(struct inside_fibers) },
			{ INSIDE_COUNTERS, 700, 64 },
			{ INSIDE_LOG, 800, sizeof(struct inside_log) } },
		.inside_count = 3,
	};
	static const struct boot_info boot = {
		.memory = { .image = MEMORY,
			.image_bytes = 4096,
			.stacks = STACKS - 4096,
			.stack_bytes = 4096,
			.stack_count = 1 },
	};
	size_t done = 1;

	if (size == 0)
		return 0;
	memset(&fake, 0, sizeof(fake));
	fake.target.ops = &ops;
	fake.has_debug = (data[0] & 1) != 0;
	make_fibers(&fake);
	gdb_server_init(&server, &fake.target, &image, &boot);
	while (done < size && server.state != GDB_DETACHED && server.state != GDB_KILLED) {
		if (server.state != GDB_STOPPED) {
			stop_by(&server, &fake, data[done++]);
			continue;
		}
		done += gdb_server_take(&server, (const char *)data + done, size - done);
		drain(&server);
	}
	gdb_server_detach(&server);
	expect(server.points.breakpoint_count == 0 && server.points.watch_count == 0);
	return 0;
}
