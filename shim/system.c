/*
 * Interrupts are taken only in the shim's own wait (calls.c), on the stack that it is on: so their
 * gates have no IST, and exceptions, which come from the body, have IST1.
 */
#include "shim/system.h"

#include "abi/boot.h"
#include "shim/machine.h"

/* Selectors as entry.S has them: the body's carry ring 3. */
enum { KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, USER_DATA = 0x20, USER_CODE = 0x28, TASK = 0x30 };

#define TSS_BYTES	   0x68 /* without an I/O bitmap: no port is the body's */
#define TSS_TYPE	   UINT64_C(0x89)
#define STUB_BYTES	   8
#define BREAKPOINT	   3

#define CR4_UMIP	   (UINT64_C(1) << 11)
#define CR4_FSGSBASE	   (UINT64_C(1) << 16)
#define CR4_OSXSAVE	   (UINT64_C(1) << 18)
#define CR4_SMEP	   (UINT64_C(1) << 20)
#define CR4_SMAP	   (UINT64_C(1) << 21)

#define LEAF1_ECX_XSAVE	   (1U << 26)
#define LEAF1_ECX_AVX	   (1U << 28)
#define LEAF1_ECX_RDRAND   (1U << 30)
#define LEAF7_EBX_FSGSBASE 1U
#define LEAF7_EBX_AVX2	   (1U << 5)
#define LEAF7_EBX_SMEP	   (1U << 7)
#define LEAF7_EBX_ERMS	   (1U << 9)
#define LEAF7_EBX_SMAP	   (1U << 20)
#define LEAF7_ECX_UMIP	   (1U << 2)
#define LEAF7_EDX_FSRM	   (1U << 4)
#define XCR0_AVX	   7U

#define APIC_ENABLED	   0x100
#define APIC_MASKED	   0x10000
#define IO_APIC		   0xfec00000U
#define IO_APIC_STEP	   0x10000
#define IO_APIC_LINES	   24
#define IO_APIC_LEVEL	   0x8000

struct pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint64_t gdt[8];
static uint64_t idt[VECTORS][2];
static uint32_t tss[TSS_BYTES / 4 + 2];

extern const uint8_t exception_stubs[], call_stub[], wake_stub[], console_stub[], timer_stub[];
extern uint8_t exception_stack_end[];

static void set_gate(unsigned vector, const uint8_t *stub, unsigned ist, unsigned ring)
{
	uint64_t at = (uintptr_t)stub;

	idt[vector][0] = (at & 0xffff) | KERNEL_CODE << 16 | (uint64_t)ist << 32 |
			 (uint64_t)(0x8e00 | ring << 13) << 32 | (at >> 16 & 0xffff) << 48;
}

static void set_gates(void)
{
	for (unsigned v = 0; v < 32; v++)
		set_gate(v, exception_stubs + v * STUB_BYTES, 1, 0);
	set_gate(BREAKPOINT, call_stub, 1, 3);
	for (unsigned v = 32; v < VECTORS; v++)
		set_gate(v, v == VECTOR_WAKE ? wake_stub : timer_stub, 0, 0);
	set_gate(VECTOR_CONSOLE, console_stub, 0, 0);
}

static void load_tables(void)
{
	uint64_t task = (uintptr_t)tss;
	struct pointer pointer = { sizeof(gdt) - 1, (uintptr_t)gdt };

	gdt[KERNEL_CODE / 8] = UINT64_C(0x00209b0000000000);
	gdt[KERNEL_DATA / 8] = UINT64_C(0x0000930000000000);
	gdt[USER_DATA / 8] = UINT64_C(0x0000f30000000000);
	gdt[USER_CODE / 8] = UINT64_C(0x0020fb0000000000);
	gdt[TASK / 8] = (TSS_BYTES - 1) | task << 16 | TSS_TYPE << 40;
	tss[1] = tss[9] = (uint32_t)(uintptr_t)exception_stack_end; /* RSP0, IST1 */
	tss[25] = TSS_BYTES << 16;				    /* where the bitmap isn't */
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	pointer = (struct pointer){ sizeof(idt) - 1, (uintptr_t)idt };
	__asm__ volatile("lidt %0" : : "m"(pointer));
	__asm__ volatile("ltr %w0" : : "r"(TASK));
}

void system_begin(void)
{
	set_gates();
	load_tables();
	port_write8(0xa1, 0xff); /* the old interrupt controllers: all masked */
	port_write8(0x21, 0xff);
	*register_at(APIC + APIC_SPURIOUS) = APIC_ENABLED | VECTOR_SPURIOUS;
	*register_at(APIC + APIC_LINT0) = APIC_MASKED;
	*register_at(APIC + APIC_TIMER) = VECTOR_TIMER;
}

static void enable_avx(void)
{
	__asm__ volatile("xsetbv" : : "a"(XCR0_AVX), "d"(0), "c"(0));
}

uint64_t system_protect(void)
{
	struct cpuid one = cpuid_read(1, 0), seven = { 0 };
	uint64_t cr4, features = 0;
	bool has_avx = (one.c & LEAF1_ECX_XSAVE) != 0 && (one.c & LEAF1_ECX_AVX) != 0;

	if (cpuid_read(0, 0).a >= 7)
		seven = cpuid_read(7, 0);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= (seven.b & LEAF7_EBX_FSGSBASE) != 0 ? CR4_FSGSBASE : 0;
	cr4 |= (seven.b & LEAF7_EBX_SMEP) != 0 ? CR4_SMEP : 0;
	cr4 |= (seven.b & LEAF7_EBX_SMAP) != 0 ? CR4_SMAP : 0;
	cr4 |= (seven.c & LEAF7_ECX_UMIP) != 0 ? CR4_UMIP : 0;
	cr4 |= has_avx ? CR4_OSXSAVE : 0;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
	if (has_avx)
		enable_avx();
	features |= (one.c & LEAF1_ECX_RDRAND) != 0 ? BOOT_CPU_RDRAND : 0;
	features |= has_avx && (seven.b & LEAF7_EBX_AVX2) != 0 ? BOOT_CPU_AVX2 : 0;
	features |= (seven.b & LEAF7_EBX_ERMS) != 0 ? BOOT_CPU_ERMS : 0;
	features |= (seven.d & LEAF7_EDX_FSRM) != 0 ? BOOT_CPU_FSRM : 0;
	features |= (seven.b & LEAF7_EBX_FSGSBASE) == 0 ? BOOT_CPU_NO_FSGSBASE : 0;
	return features;
}

static volatile uint32_t *io_apic_of(uint32_t line)
{
	return register_at(IO_APIC + line / IO_APIC_LINES * IO_APIC_STEP);
}

bool system_has_lines(uint32_t line)
{
	volatile uint32_t *apic = io_apic_of(line);
	uint32_t version;

	apic[0] = 1;
	version = apic[4];
	return version != 0 && version != UINT32_MAX;
}

void system_route(uint32_t line, uint8_t vector, bool is_level)
{
	uint32_t entry = 0x10 + 2 * (line % IO_APIC_LINES);
	volatile uint32_t *apic = io_apic_of(line);

	apic[0] = entry + 1;
	apic[4] = 0; /* to the CPU with APIC 0 */
	apic[0] = entry;
	apic[4] = vector | (is_level ? IO_APIC_LEVEL : 0);
}
