/*
 * Rules become BPF like this: each loads what it looks at, and jumps over its own `return` when the
 * call is another one. Nothing is kept between rules, so they can be read (and checked) one by one.
 * 64-bit arguments are compared as two 32-bit halves, because classic BPF has no wider loads.
 */
#include "host/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBER_AT  offsetof(struct seccomp_data, nr)
#define ARCH_AT	   offsetof(struct seccomp_data, arch)
#define POINTER_AT offsetof(struct seccomp_data, instruction_pointer)

static unsigned argument_at(unsigned index)
{
	return offsetof(struct seccomp_data, args) + 8 * index;
}

static void put(struct seccomp_filter *filter, uint16_t code, uint32_t value, uint8_t if_true,
	uint8_t if_false)
{
	if (filter->length == SECCOMP_CODE_MAX) {
		filter->is_too_long = true;
		return;
	}
	filter->code[filter->length++] = (struct sock_filter){ code, if_true, if_false, value };
}

static void load(struct seccomp_filter *filter, unsigned at)
{
	put(filter, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
}

/* Goes on if the loaded word equals `value`, else skips `skip` instructions. */
static void expect(struct seccomp_filter *filter, uint32_t value, unsigned skip)
{
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)skip);
}

static void give(struct seccomp_filter *filter, uint32_t action)
{
	put(filter, BPF_RET | BPF_K, action, 0, 0);
}

/* Four instructions: goes on if the 64-bit field equals `value`, else skips `skip` more. */
static void expect64(struct seccomp_filter *filter, unsigned at, uint64_t value, unsigned skip)
{
	load(filter, at);
	expect(filter, (uint32_t)value, skip + 2);
	load(filter, at + 4);
	expect(filter, (uint32_t)(value >> 32), skip);
}

void seccomp_begin(struct seccomp_filter *filter)
{
	seccomp_begin_otherwise(filter, SECCOMP_RET_KILL_PROCESS);
}

void seccomp_begin_otherwise(struct seccomp_filter *filter, uint32_t action)
{
	filter->length = 0;
	filter->is_too_long = false;
	load(filter, ARCH_AT);
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	give(filter, action);
}

void seccomp_caller_begin(struct seccomp_filter *filter, uint64_t pointer)
{
	filter->block = filter->length;
	expect64(filter, POINTER_AT, pointer, 0);
}

void seccomp_caller_end(struct seccomp_filter *filter, uint32_t otherwise)
{
	unsigned low = filter->block + 1, high = filter->block + 3;

	give(filter, otherwise);
	if (filter->length - low > UINT8_MAX)
		filter->is_too_long = true;
	if (filter->is_too_long)
		return;
	/* Jumps count from the instruction behind them. */
	filter->code[low].jf = (uint8_t)(filter->length - low - 1);
	filter->code[high].jf = (uint8_t)(filter->length - high - 1);
}

void seccomp_act(struct seccomp_filter *filter, unsigned number, uint32_t action)
{
	load(filter, NUMBER_AT);
	expect(filter, number, 1);
	give(filter, action);
}

void seccomp_allow(struct seccomp_filter *filter, unsigned number)
{
	seccomp_act(filter, number, SECCOMP_RET_ALLOW);
}

void seccomp_allow_list(struct seccomp_filter *filter, const unsigned *numbers, unsigned count)
{
	load(filter, NUMBER_AT);
	for (unsigned i = 0; i < count; i++)
		put(filter, BPF_JMP | BPF_JEQ | BPF_K, numbers[i], (uint8_t)(count - i), 0);
	put(filter, BPF_JMP | BPF_JA, 1, 0, 0);
	give(filter, SECCOMP_RET_ALLOW);
}

void seccomp_allow_argument(
	struct seccomp_filter *filter, unsigned number, unsigned index, uint64_t value)
{
	load(filter, NUMBER_AT);
	expect(filter, number, 5);
	expect64(filter, argument_at(index), value, 1);
	give(filter, SECCOMP_RET_ALLOW);
}

void seccomp_allow_arguments(struct seccomp_filter *filter, unsigned number, unsigned first,
	uint64_t first_value, unsigned second, uint64_t second_value)
{
	load(filter, NUMBER_AT);
	expect(filter, number, 9);
	expect64(filter, argument_at(first), first_value, 5);
	expect64(filter, argument_at(second), second_value, 1);
	give(filter, SECCOMP_RET_ALLOW);
}

void seccomp_allow_without_bits(
	struct seccomp_filter *filter, unsigned number, unsigned index, uint32_t forbidden)
{
	load(filter, NUMBER_AT);
	expect(filter, number, 3);
	load(filter, argument_at(index));
	put(filter, BPF_JMP | BPF_JSET | BPF_K, forbidden, 1, 0);
	give(filter, SECCOMP_RET_ALLOW);
}

int seccomp_install(struct seccomp_filter *filter, uint32_t otherwise)
{
	struct sock_fprog program;

	give(filter, otherwise);
	if (filter->is_too_long)
		return -E2BIG;
	program = (struct sock_fprog){ (unsigned short)filter->length, filter->code };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		return -errno;
	return 0;
}
