/*
 * The order of steps is for speed: the memory slot and the zones of register writes before the vcpu
 * exists (KVM then needs no grace period), registers through the shared page instead of system calls,
 * a CPUID table by hand.
 */
#include "host/monitor/vcpu.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/call.h"
#include "abi/virtio.h"

/* Selectors in the GDT. Ring 3's carry the RPL. */
enum {
	KERNEL_CODE = 0x08,
	KERNEL_DATA = 0x10,
	USER_DATA = 0x20 | 3,
	USER_CODE = 0x28 | 3,
	TASK = 0x30,
};

/* The system page of tables: GDT, IDT, TSS with its I/O bitmap. */
enum {
	GDT_AT = 0,
	GDT_BYTES = 0x40,
	IDT_AT = 0x100,
	VECTORS = 32,
	IDT_BYTES = VECTORS * 16,
	TSS_AT = 0x400,
	TSS_BITMAP = 0x68,
	PORTS = 256,
	TSS_BYTES = TSS_BITMAP + PORTS / 8 + 1,
	STUB_BYTES = 16,
};

#define CR0	     0x80050033U /* PG AM WP NE ET MP PE */
#define CR4_BASE     0x620U	 /* PAE, OSFXSR, OSXMMEXCPT */
#define CR4_UMIP     (1U << 11)
#define CR4_FSGSBASE (1U << 16)
#define CR4_OSXSAVE  (1U << 18)
#define CR4_SMEP     (1U << 20)
#define CR4_SMAP     (1U << 21)
#define EFER	     0xd00U /* NXE LMA LME; without SCE, `syscall` is undefined */

/* CPUID bits. */
#define LEAF1_ECX_MONITOR  (1U << 3)
#define LEAF1_ECX_DEADLINE (1U << 24)
#define EXTENDED_EDX_NX	   (1U << 20)
#define EXTENDED_EDX_1G	   (1U << 26)
#define EXTENDED_EDX_LM	   (1U << 29)
#define LEAF1_ECX_XSAVE	   (1U << 26)
#define LEAF1_ECX_OSXSAVE  (1U << 27)
#define LEAF1_ECX_AVX	   (1U << 28)
#define LEAF1_ECX_RDRAND   (1U << 30)
#define LEAF7_EBX_FSGSBASE 1U
#define LEAF7_EBX_AVX2	   (1U << 5)
#define LEAF7_EBX_SMEP	   (1U << 7)
#define LEAF7_EBX_ERMS	   (1U << 9)
#define LEAF7_EBX_AVX512   (1U << 16)
#define LEAF7_EBX_SMAP	   (1U << 20)
#define LEAF7_ECX_UMIP	   (1U << 2)
#define LEAF7_EDX_FSRM	   (1U << 4)

#define MSR_TSC		   0x10

#define XCR0_AVX	   7U
#define XCR0_AVX512	   0xe7U

/* The host's CPUID, read once: under another hypervisor each read costs microseconds. */
struct cpu {
	uint32_t leaf1[4], leaf7[4]; /* eax, ebx, ecx, edx */
	uint64_t xcr0;
};

static struct cpu cpu;

static uint64_t read_xcr0(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static void read_cpu(void)
{
	uint32_t *a = cpu.leaf1, *b = cpu.leaf7;

	if (a[0] != 0)
		return;
	__cpuid(1, a[0], a[1], a[2], a[3]);
	__cpuid_count(7, 0, b[0], b[1], b[2], b[3]);
	cpu.xcr0 = (a[2] & LEAF1_ECX_OSXSAVE) != 0 ? read_xcr0() : 0;
}

static bool has_avx(void)
{
	return (cpu.leaf1[2] & LEAF1_ECX_AVX) != 0 && (cpu.xcr0 & XCR0_AVX) == XCR0_AVX;
}

static bool has_avx512(void)
{
	return has_avx() && (cpu.leaf7[1] & LEAF7_EBX_AVX512) != 0 &&
	       (cpu.xcr0 & XCR0_AVX512) == XCR0_AVX512;
}

uint64_t vcpu_features(void)
{
	uint64_t features = 0;

	read_cpu();
	features |= (cpu.leaf1[2] & LEAF1_ECX_RDRAND) != 0 ? BOOT_CPU_RDRAND : 0;
	features |= has_avx() && (cpu.leaf7[1] & LEAF7_EBX_AVX2) != 0 ? BOOT_CPU_AVX2 : 0;
	features |= (cpu.leaf7[1] & LEAF7_EBX_ERMS) != 0 ? BOOT_CPU_ERMS : 0;
	features |= (cpu.leaf7[3] & LEAF7_EDX_FSRM) != 0 ? BOOT_CPU_FSRM : 0;
	return features;
}

static void write_gate(uint8_t *idt, unsigned vector, uint64_t stub)
{
	bool is_for_ring3 = vector == 3; /* int3 */
	uint64_t low = (stub & 0xffff) | (uint64_t)KERNEL_CODE << 16 | UINT64_C(1) << 32 |
		       UINT64_C(0x8e00) << 32 | (stub >> 16 & 0xffff) << 48;
	uint64_t high = stub >> 32;

	if (is_for_ring3)
		low |= UINT64_C(0x6000) << 32;
	memcpy(idt + vector * 16, &low, 8);
	memcpy(idt + vector * 16 + 8, &high, 8);
}

/* [push $0] push $vector; out %al,$CALL_FAULT_PORT; hlt; jmp back */
static void write_stub(uint8_t *stub, unsigned vector)
{
	/* Vectors for which the CPU pushes an error code: 8, 10-14, 17, 21, 29, 30. */
	bool has_error = vector < 32 && (0x60227d00U >> vector & 1) != 0;
	uint8_t *at = stub;

	if (!has_error) {
		*at++ = 0x6a;
		*at++ = 0;
	}
	*at++ = 0x6a;
	*at++ = (uint8_t)vector;
	*at++ = 0xe6;
	*at++ = CALL_FAULT_PORT;
	*at++ = 0xf4;
	*at++ = 0xeb;
	*at++ = 0xfd;
}

static void write_tss(uint8_t *tss, uint64_t exception_stack)
{
	uint16_t bitmap = TSS_BITMAP;

	memcpy(tss + 0x24, &exception_stack, 8); /* IST1 */
	memcpy(tss + 4, &exception_stack, 8);	 /* RSP0, unused: every gate has IST1 */
	memcpy(tss + 0x66, &bitmap, 2);
	memset(tss + TSS_BITMAP, 0xff, PORTS / 8 + 1);
	/* A 32-bit `out` is checked for its four ports. */
	tss[TSS_BITMAP + CALL_PORT / 8] = (uint8_t)~(0xfU << CALL_PORT % 8);
}

void vcpu_write_system(const struct layout *layout, uint8_t *memory)
{
	uint8_t *page = memory + layout->system.physical;
	uint64_t base = layout->system.virtual, tss = base + TSS_AT;
	const uint64_t gdt[GDT_BYTES / 8] = {
		[KERNEL_CODE / 8] = UINT64_C(0x00209b0000000000),
		[KERNEL_DATA / 8] = UINT64_C(0x0000930000000000),
		[USER_DATA / 8] = UINT64_C(0x0000f30000000000),
		[USER_CODE / 8] = UINT64_C(0x0020fb0000000000),
		[TASK / 8] = (TSS_BYTES - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x8b) << 40 |
			     (tss >> 24 & 0xff) << 56,
		[TASK / 8 + 1] = tss >> 32,
	};

	memcpy(page + GDT_AT, gdt, sizeof(gdt));
	write_tss(page + TSS_AT, base + SYSTEM_BYTES);
	for (unsigned v = 0; v < VECTORS; v++) {
		write_stub(page + SYSTEM_STUBS + v * STUB_BYTES, v);
		write_gate(page + IDT_AT, v, base + SYSTEM_STUBS + v * STUB_BYTES);
	}
}

#define CPUID_ROWS 6

/* The small table that KVM checks control registers against. */
static int set_cpuid(struct vcpu *vcpu, uint64_t memory_bytes)
{
	_Alignas(struct kvm_cpuid2)
		uint8_t bytes[sizeof(struct kvm_cpuid2) +
			      CPUID_ROWS * sizeof(struct kvm_cpuid_entry2)] = { 0 };
	struct kvm_cpuid2 *table = (struct kvm_cpuid2 *)(void *)bytes;
	struct kvm_cpuid_entry2 *rows = table->entries;
	uint32_t physical_bits = 36, unused[3];

	/* Asked only when it matters: the instruction is slow under another hypervisor. */
	if (memory_bytes > (UINT64_C(1) << 35)) {
		__cpuid(0x80000008, physical_bits, unused[0], unused[1], unused[2]);
		physical_bits &= 0xff;
	}
	table->nent = CPUID_ROWS;
	rows[0] = (struct kvm_cpuid_entry2){
		.function = 0, .eax = 0xd, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69
	};
	rows[1] = (struct kvm_cpuid_entry2){ .function = 1,
		.eax = cpu.leaf1[0],
		.ecx = cpu.leaf1[2] & ~(LEAF1_ECX_MONITOR | LEAF1_ECX_DEADLINE),
		.edx = cpu.leaf1[3] };
	rows[2] = (struct kvm_cpuid_entry2){ .function = 7,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.ebx = cpu.leaf7[1],
		.ecx = cpu.leaf7[2] & LEAF7_ECX_UMIP,
		.edx = cpu.leaf7[3] & LEAF7_EDX_FSRM };
	rows[3] = (struct kvm_cpuid_entry2){ .function = 0xd,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = (uint32_t)cpu.xcr0 & (has_avx512() ? XCR0_AVX512 : XCR0_AVX),
		.ebx = 4096,
		.ecx = 4096 };
	rows[4] = (struct kvm_cpuid_entry2){ .function = 0x80000001,
		.ecx = 1,
		.edx = EXTENDED_EDX_NX | EXTENDED_EDX_1G | EXTENDED_EDX_LM };
	rows[5] = (struct kvm_cpuid_entry2){ .function = 0x80000008,
		.eax = 48U << 8 | physical_bits };
	return ioctl(vcpu->fd, KVM_SET_CPUID2, table);
}

/* Lets the body use AVX where the host has it. Its absence is not an error: the body looks. */
static int enable_avx(struct vcpu *vcpu)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };

	if (!has_avx())
		return 0;
	xcrs.xcrs[0].value = has_avx512() ? XCR0_AVX512 : XCR0_AVX;
	return ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs);
}

static uint64_t host_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* Makes the guest's TSC the host's; where KVM can't, finds out by how much it differs. */
static void align_tsc(struct vcpu *vcpu)
{
	uint64_t zero = 0;
	struct kvm_device_attr attribute = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&zero
	};
	_Alignas(struct kvm_msrs)
		uint8_t bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *tsc = (struct kvm_msrs *)(void *)bytes;

	vcpu->tsc_offset = 0;
	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attribute) == 0)
		return;
	tsc->nmsrs = 1;
	tsc->entries[0].index = MSR_TSC;
	if (ioctl(vcpu->fd, KVM_GET_MSRS, tsc) == 1)
		vcpu->tsc_offset = (int64_t)(tsc->entries[0].data - host_tsc());
}

/* Register writes other than the doorbell are collected by KVM and seen at the next exit. */
static int collect_writes(struct vcpu *vcpu, const struct layout *layout, unsigned devices)
{
	int page = ioctl(vcpu->vm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	if (page <= 0)
		return 0;
	for (unsigned i = 0; i < devices; i++) {
		uint64_t at = layout->registers.physical + i * PAGE_BYTES;
		uint32_t next = VIRTIO_MMIO_QUEUE_NOTIFY + 4;
		struct kvm_coalesced_mmio_zone below = { .addr = at,
			.size = VIRTIO_MMIO_QUEUE_NOTIFY };
		struct kvm_coalesced_mmio_zone above = { .addr = at + next,
			.size = VIRTIO_MMIO_CONFIG - next };

		if (ioctl(vcpu->vm, KVM_REGISTER_COALESCED_MMIO, &below) != 0 ||
			ioctl(vcpu->vm, KVM_REGISTER_COALESCED_MMIO, &above) != 0)
			return -1;
	}
	return page;
}

static int add_memory(struct vcpu *vcpu, const struct layout *layout, uint8_t *memory)
{
	struct kvm_userspace_memory_region slot = { .slot = 0,
		.guest_phys_addr = 0,
		.memory_size = layout->memory_bytes,
		.userspace_addr = (uintptr_t)memory };

	return ioctl(vcpu->vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

static int make_vcpu(struct vcpu *vcpu, int kvm, const struct layout *layout, int writes_page)
{
	vcpu->fd = ioctl(vcpu->vm, KVM_CREATE_VCPU, 0);
	if (vcpu->fd < 0)
		return -1;
	vcpu->run_bytes = (uint32_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = mmap(NULL, vcpu->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return -1;
	vcpu->writes =
		writes_page <= 0 ? NULL : (void *)((uint8_t *)vcpu->run + writes_page * PAGE_BYTES);
	return set_cpuid(vcpu, layout->memory_bytes);
}

/* One failed call ends the opening: `what` names it. */
#define STEP(name, claim)                                                                          \
	do {                                                                                       \
		*what = name;                                                                      \
		if (!(claim))                                                                      \
			return errno != 0 ? -errno : -EIO;                                         \
	} while (0)

int vcpu_open(struct vcpu *vcpu, const struct layout *layout, uint8_t *memory, unsigned devices,
	const char **what)
{
	int kvm, writes_page = 0, khz;

	read_cpu();
	memset(vcpu, 0, sizeof(*vcpu));
	STEP("opening /dev/kvm", (kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC)) >= 0);
	STEP("asking KVM's version", ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION);
	STEP("making a virtual machine", (vcpu->vm = ioctl(kvm, KVM_CREATE_VM, 0)) >= 0);
	STEP("giving it memory", add_memory(vcpu, layout, memory) == 0);
	if (devices > 0)
		STEP("registering device registers",
			(writes_page = collect_writes(vcpu, layout, devices)) >= 0);
	STEP("making a virtual CPU", make_vcpu(vcpu, kvm, layout, writes_page) == 0);
	STEP("enabling AVX", enable_avx(vcpu) == 0);
	STEP("asking the clock's rate", (khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0)) > 0);
	vcpu->tsc_khz = (uint64_t)khz;
	align_tsc(vcpu);
	close(kvm);
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t ring, bool is_code)
{
	return (struct kvm_segment){ .limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = ring,
		.db = !is_code,
		.s = 1,
		.l = is_code,
		.g = 1 };
}

static void set_system_registers(struct kvm_sregs *s, const struct layout *layout)
{
	uint64_t base = layout->system.virtual;
	struct kvm_segment data = segment(USER_DATA, 3, 3, false);

	memset(s, 0, sizeof(*s));
	s->cs = segment(USER_CODE, 11, 3, true);
	s->ss = s->ds = s->es = s->fs = s->gs = data;
	s->tr = (struct kvm_segment){ .base = base + TSS_AT,
		.limit = TSS_BYTES - 1,
		.selector = TASK,
		.type = 11,
		.present = 1 };
	s->ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
	s->gdt = (struct kvm_dtable){ .base = base + GDT_AT, .limit = GDT_BYTES - 1 };
	s->idt = (struct kvm_dtable){ .base = base + IDT_AT, .limit = IDT_BYTES - 1 };
	s->cr0 = CR0;
	s->cr3 = layout->tables;
	s->cr4 = CR4_BASE;
	s->cr4 |= (cpu.leaf1[2] & LEAF1_ECX_XSAVE) != 0 ? CR4_OSXSAVE : 0;
	s->cr4 |= (cpu.leaf7[1] & LEAF7_EBX_FSGSBASE) != 0 ? CR4_FSGSBASE : 0;
	s->cr4 |= (cpu.leaf7[1] & LEAF7_EBX_SMEP) != 0 ? CR4_SMEP : 0;
	s->cr4 |= (cpu.leaf7[1] & LEAF7_EBX_SMAP) != 0 ? CR4_SMAP : 0;
	s->cr4 |= (cpu.leaf7[2] & LEAF7_ECX_UMIP) != 0 ? CR4_UMIP : 0;
	s->efer = EFER;
	s->apic_base = 0xfee00900; /* as after reset */
}

void vcpu_enter_at(struct vcpu *vcpu, const struct layout *layout, uint64_t entry)
{
	struct kvm_regs *registers = &vcpu->run->s.regs.regs;

	memset(registers, 0, sizeof(*registers));
	registers->rip = entry;
	registers->rdi = layout->body.boot.virtual + BOOT_INFO;
	registers->rsp = layout->body.stack.virtual + layout->body.stack.bytes - 8;
	registers->rflags = 2;
	set_system_registers(&vcpu->run->s.regs.sregs, layout);
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

void vcpu_leave_exception(struct vcpu *vcpu, const struct exception_frame *frame)
{
	struct kvm_regs *registers = &vcpu->run->s.regs.regs;
	struct kvm_sregs *system = &vcpu->run->s.regs.sregs;

	registers->rip = frame->rip;
	registers->rsp = frame->rsp;
	registers->rflags = frame->rflags;
	system->cs = segment(USER_CODE, 11, 3, true);
	system->ss = segment(USER_DATA, 3, 3, false);
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

struct exception_frame vcpu_exception(const struct layout *layout, const uint8_t *memory)
{
	const struct region *system = &layout->system;
	struct exception_frame frame;

	memcpy(&frame, memory + system->physical + system->bytes - sizeof(frame), sizeof(frame));
	return frame;
}

int vcpu_run(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0) == 0 ? 0 : -errno;
}
