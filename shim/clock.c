/*
 * How fast the time-stamp counter and the APIC's timer run, each hypervisor says in its own way:
 *
 *     KVM        a page with the counter's multiplier and shift, and the wall time (kvm-clock);
 *                the timer runs at 1 GHz
 *     Xen        CPUID leaves with multiplier and shift; the timer at 100 MHz
 *     QEMU TCG   the timer runs at 1 GHz, and the counter is measured against it
 *     others     both are measured against the PIT
 *
 * Measuring against the timer begins at the first look and goes on beside the shim's other work,
 * WINDOW_NS at least. The PIT counts round in 55 ms, so measuring against it is work of its own.
 */
#include "shim/clock.h"

#include <stdbool.h>

#include "shim/machine.h"
#include "shim/system.h"

#define SECOND	     INT64_C(1000000000)
#define SHIFT	     32
#define WINDOW_NS    1000000
#define LOOKS	     4
#define RTC_TRIES    10000
#define PIT_HZ	     1193182
#define PIT_WINDOW   5966		 /* 5 ms: the PIT is read less exactly */
#define PIT_PATIENCE (UINT64_C(1) << 27) /* ticks of the counter, 30 ms or more */
#define TIMER_ONE    0xb		 /* of the divide register: not divided */

/* The first register of CPUID 0x40000000's signature. */
enum { HYPERVISOR_KVM = 0x4b4d564b, HYPERVISOR_XEN = 0x566e6558, HYPERVISOR_TCG = 0x54474354 };

#define KVM_FEATURES   0x40000001
#define KVM_CLOCK      (1U << 3)
#define MSR_KVM_WALL   0x4b564d00
#define MSR_KVM_SYSTEM 0x4b564d01

/* KVM's and Xen's shared page of time. */
struct vcpu_time {
	uint32_t version, unused;
	uint64_t tsc, system_ns;
	uint32_t multiplier;
	int8_t shift;
	uint8_t flags[3];
};

struct wall_time {
	uint32_t version, seconds, nanoseconds;
};

/* Timer and counter at one time. */
struct look {
	uint64_t tsc;
	uint32_t count;
};

static struct vcpu_time vcpu_time __attribute__((aligned(64)));
static struct wall_time wall_time __attribute__((aligned(16)));

static uint32_t hypervisor;
static bool has_kvm_clock;
static uint64_t timer_hz;
static struct look first;

/* Ticks as nanoseconds. The shift is between 1 and 63; by hand, for want of a compiler's library. */
static uint64_t scale(const struct boot_clock *clock, uint64_t ticks)
{
	unsigned __int128 product = (unsigned __int128)ticks * clock->mult;
	uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);

	return high << (64 - clock->shift) | low >> clock->shift;
}

static uint32_t timer_count(void)
{
	return *register_at(APIC + APIC_TIMER_COUNT);
}

/* The best of a few: what came between the two readings least. */
static struct look look(void)
{
	struct look best = { 0 };
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before = tsc_read();
		uint32_t count = timer_count();
		uint64_t taken = tsc_read() - before;

		if (taken >= least)
			continue;
		least = taken;
		best = (struct look){ before + taken / 2, count };
	}
	return best;
}

/* The PIT's channel 2 counts down from 65535, its output to the loudspeaker off. */
static void pit_start(void)
{
	port_write8(0x61, (port_read8(0x61) & 0xfc) | 1);
	port_write8(0x43, 0xb0);
	port_write8(0x42, 0xff);
	port_write8(0x42, 0xff);
}

static uint16_t pit_passed(void)
{
	uint16_t count;

	port_write8(0x43, 0x80); /* latch */
	count = port_read8(0x42);
	count |= (uint16_t)(port_read8(0x42) << 8);
	return (uint16_t)(0xffff - count);
}

void clock_begin(void)
{
	*register_at(APIC + APIC_TIMER_DIVIDE) = TIMER_ONE;
	*register_at(APIC + APIC_TIMER_INITIAL) = UINT32_MAX;
	hypervisor = cpuid_read(0x40000000, 0).b;
	timer_hz = hypervisor == HYPERVISOR_XEN ? SECOND / 10 : SECOND;
	has_kvm_clock =
		hypervisor == HYPERVISOR_KVM && (cpuid_read(KVM_FEATURES, 0).a & KVM_CLOCK) != 0;
	first = look();
}

static void set_rate(struct boot_clock *clock, uint64_t ticks, uint64_t ns)
{
	clock->shift = SHIFT;
	clock->mult = (ns << SHIFT) / (ticks == 0 ? 1 : ticks);
}

static void measure_by_timer(struct boot_clock *clock)
{
	struct look now;

	do {
		now = look();
	} while (first.count - now.count < WINDOW_NS);
	set_rate(clock, now.tsc - first.tsc, first.count - now.count);
}

/* Without a PIT that counts, the timer is taken to be as QEMU and KVM have it. */
static void measure_by_pit(struct boot_clock *clock)
{
	struct look start = look(), now;
	uint64_t passed, ns;

	pit_start();
	do {
		passed = pit_passed();
		now = look();
	} while (passed < PIT_WINDOW && now.tsc - start.tsc < PIT_PATIENCE);
	if (passed < PIT_WINDOW) {
		measure_by_timer(clock);
		return;
	}
	ns = passed * (uint64_t)SECOND / PIT_HZ;
	set_rate(clock, now.tsc - start.tsc, ns);
	timer_hz = (start.count - now.count) * (uint64_t)SECOND / ns;
}

static void ask_xen(struct boot_clock *clock)
{
	struct cpuid time = cpuid_read(0x40000003, 1);

	clock->mult = time.c;
	clock->shift = (uint32_t)(SHIFT - (int8_t)time.d);
}

static void ask_kvm(struct boot_clock *clock)
{
	msr_write(MSR_KVM_SYSTEM, (uintptr_t)&vcpu_time | 1);
	__asm__ volatile("" ::: "memory");
	clock->mult = vcpu_time.multiplier;
	clock->shift = (uint32_t)(SHIFT - vcpu_time.shift);
}

static int64_t kvm_wall(const struct boot_clock *clock)
{
	uint64_t since;

	msr_write(MSR_KVM_WALL, (uintptr_t)&wall_time);
	__asm__ volatile("" ::: "memory");
	since = scale(clock, clock->tsc_base - vcpu_time.tsc);
	msr_write(MSR_KVM_SYSTEM, 0);
	return wall_time.seconds * SECOND + wall_time.nanoseconds +
	       (int64_t)(vcpu_time.system_ns + since);
}

static uint32_t rtc_read(uint8_t number)
{
	uint8_t value;

	port_write8(0x70, number);
	value = port_read8(0x71);
	return value;
}

/* The registers are binary-coded decimal unless register 11 says otherwise. */
static uint32_t rtc_number(uint8_t number)
{
	uint32_t value = rtc_read(number);

	return (rtc_read(11) & 4) != 0 ? value : (value >> 4) * 10 + (value & 15);
}

static int64_t rtc_wall(void)
{
	uint32_t second, minute, hour, day, month, year, days;

	for (unsigned i = 0; i < RTC_TRIES && (rtc_read(10) & 0x80) != 0; i++)
		__builtin_ia32_pause(); /* it is just changing */
	do {
		second = rtc_number(0);
		minute = rtc_number(2);
		hour = rtc_number(4);
		day = rtc_number(7);
		month = rtc_number(8);
		year = rtc_number(9) + 2000;
	} while (rtc_number(0) != second);
	if (month == 0 || month > 12)
		return 0;
	/* Days since 1970, the year beginning in March so that leap days come last. */
	if (month <= 2)
		year--;
	month = (month + 9) % 12;
	days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 -
	       719468;
	return (((int64_t)days * 24 + hour) * 60 + minute) * 60 * SECOND + second * SECOND;
}

void clock_set(struct boot_clock *clock, int64_t wall_ns)
{
	clock->kind = BOOT_CLOCK_TSC;
	if (has_kvm_clock)
		ask_kvm(clock);
	else if (hypervisor == HYPERVISOR_XEN)
		ask_xen(clock);
	else if (hypervisor == HYPERVISOR_TCG)
		measure_by_timer(clock);
	else
		measure_by_pit(clock);
	clock->wall_ns = wall_ns;
	if (wall_ns == 0 && !has_kvm_clock)
		clock->wall_ns = rtc_wall();
	clock->tsc_base = tsc_read();
	if (wall_ns == 0 && has_kvm_clock)
		clock->wall_ns = kvm_wall(clock);
}

int64_t clock_now(const struct boot_clock *clock)
{
	return (int64_t)scale(clock, tsc_read() - clock->tsc_base);
}

void timer_start(int64_t ns)
{
	/* At most two seconds: the body is woken early and sleeps again. */
	uint64_t count = (uint64_t)(ns < 2 * SECOND ? ns : 2 * SECOND) * timer_hz / SECOND;

	*register_at(APIC + APIC_TIMER_INITIAL) = count == 0	       ? 1
						  : count > UINT32_MAX ? UINT32_MAX
								       : (uint32_t)count;
}

void timer_stop(void)
{
	*register_at(APIC + APIC_TIMER_INITIAL) = 0;
}
