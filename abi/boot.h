/*
 * Boot info: all that a body is told about the world it wakes up in.
 *
 * Whoever starts the body (monitor, process loader, shim, hosted start) writes one struct boot_info
 * and enters the image's ELF entry point with its address in RDI, on the main stack, in ring 3:
 *
 *     rdi = &boot_info   rsp = main stack top - 8 (as after a call: 16-byte aligned + 8)   rflags = 2
 *     fs base = 0 (the body's start code sets it: BOOT_CPU_NO_FSGSBASE)   all other registers 0
 *     mxcsr = 0x1f80, x87 at its reset state
 *
 * All addresses are virtual addresses of the body unless a name says physical. The structure is
 * mapped read-only for the body. The image is loaded at a random base, relocated (R_X86_64_RELATIVE
 * and RELR only) and sealed before the entry: text R-X, rodata and relro R--, data RW-, nothing else
 * executable but the call page; page zero unmapped; page tables, GDT, IDT and TSS mapped nowhere the
 * body can write.
 *
 * Physical memory of a VM (addresses in `memory`); a process has one mapping each instead:
 *
 *     0            tables, stubs | image | main stack | boot info | blobs | ... 4 KiB pages
 *     heap_physical                heap, 2 MiB pages, to the end of memory
 *     beyond memory                virtio-mmio registers, one page a device
 *
 * Stack window: stack i is at  stacks + i * (stack_bytes + 4096) + 4096,  stack_bytes long; the page
 * below it is not mapped. In a VM stack i is the same memory as heap bytes
 * [i * stack_bytes, (i+1) * stack_bytes): the window exists to put holes between stacks without the
 * body ever editing a page table. In a process the window is memory of its own, reserved without
 * holes: the body's stack allocator installs each guard (plat_guard_install). So the rule that serves
 * both: whoever uses stack i owns those heap bytes and touches them through the window only.
 */
#ifndef DIATOM_ABI_BOOT_H
#define DIATOM_ABI_BOOT_H

#include <stdint.h>

#define BOOT_MAGIC	      0x6d6f7461 /* "atom" */
#define BOOT_VERSION	      1

#define BOOT_PAGE_BYTES	      4096
#define BOOT_LARGE_PAGE_BYTES 0x200000
#define BOOT_DEVICES_MAX      16
#define BOOT_BLOBS_MAX	      8
#define BOOT_ARGUMENTS_MAX    64
#define BOOT_SEED_BYTES	      48

enum boot_target {
	BOOT_MONITOR = 1, /* our own KVM monitor */
	BOOT_PROCESS = 2, /* a jailed Linux process */
	BOOT_SHIM = 3,	  /* ring-0 shim on another hypervisor */
	BOOT_HOSTED = 4,  /* an ordinary Linux program, for tests */
};

enum boot_clock_kind {
	BOOT_CLOCK_TSC = 1,  /* now_ns = ((rdtsc - tsc_base) * mult) >> shift, 128-bit product */
	BOOT_CLOCK_CALL = 2, /* `call` is int (*)(int clock_id, struct timespec *), Linux's vDSO */
};

struct boot_clock {
	uint32_t kind;
	uint32_t shift;
	uint64_t mult;
	uint64_t tsc_base; /* the monotonic clock reads 0 here */
	int64_t mono_base; /* BOOT_CLOCK_CALL: CLOCK_MONOTONIC ns at which the body's clock reads 0 */
	int64_t wall_ns;   /* wall time, ns since 1970 UTC, when the monotonic clock reads 0 */
	uint64_t call;
};

struct boot_memory {
	uint64_t heap; /* multiple of 2 MiB; zero-filled, but by the shim: firmware ran before it */
	uint64_t heap_bytes;
	uint64_t heap_physical;
	uint64_t image; /* lowest mapped byte of the loaded image */
	uint64_t image_bytes;
	uint64_t image_physical;
	uint64_t stacks; /* base of the stack window; 0: none */
	uint64_t stack_bytes;
	uint64_t stack_count; /* never more than heap_bytes / stack_bytes */
	uint64_t main_stack;  /* lowest byte; the page below is not mapped */
	uint64_t main_stack_bytes;
};

enum boot_transport {
	BOOT_VIRTIO_MMIO = 1, /* `address`: registers, virtio 1.2 section 4.2 */
	BOOT_VIRTIO_SHIM = 2, /* `address`: struct device_window, abi/device.h */
	BOOT_FD = 3, /* `fd`: a tap, a packet or datagram socket (net), or a file (block) */
};

/* Flags of a BOOT_FD net device. */
enum boot_net_flags {
	BOOT_NET_VNET_HEADER = 1,   /* each frame is led by struct virtio_net_header (12 bytes) */
	BOOT_NET_CHECKSUM = 2,	    /* partial checksums may be written and will be read */
	BOOT_NET_SEGMENT_TCP = 4,   /* TSO4/TSO6 frames may be written and will be read */
	BOOT_NET_SEGMENT_UDP = 8,   /* USO frames may be written and will be read */
	BOOT_NET_SHORT_HEADER = 32, /* with VNET_HEADER: without its last field (10 bytes) */
	BOOT_NET_CAPTURE = 16, /* `address` is a descriptor: append a pcap record for each frame,
				   * nanosecond stamps; the file header is there already */
};

struct boot_device {
	uint32_t kind; /* enum manifest_type: MANIFEST_NET, ... */
	uint32_t transport;
	char name[16];	  /* as in the manifest */
	uint64_t address; /* virtio: registers; BOOT_FD: see BOOT_NET_CAPTURE */
	int32_t fd;
	uint32_t flags;
	uint8_t mac[6];
	uint16_t mtu;	  /* 0: unknown, take 1500 */
	char ip[56];	  /* command line's, else manifest's; checked by the host; may be empty */
	char gateway[56]; /* likewise */
};

/* IPv6 of a net device. Not in struct boot_device, whose layout older images know. */
struct boot_ip6 {
	char ip[56];	  /* "2001:db8::53/64"; "off"; empty, "auto": as routers advertise */
	char gateway[56]; /* may be empty */
};

struct boot_blob {
	char name[16];
	uint64_t address;
	uint64_t length;
};

/*
 * One page that the host writes while the body runs. Read-only for the body; but in a process it is
 * writable, for the sake of the timeout: the body passes &sleep_seconds to ppoll, and a signal that
 * comes just before that call zeroes it, so that no request to finish is slept through.
 */
struct boot_host_page {
	uint32_t finish_requested; /* INT or TERM came: end in good order; counts the requests */
	uint32_t reserved;
	int64_t sleep_seconds, sleep_nanoseconds; /* process: struct timespec of the body's ppoll */
	uint32_t reserved_too[10];
};

struct boot_info {
	uint32_t magic;
	uint32_t version;
	uint32_t bytes;	       /* sizeof(struct boot_info) */
	uint32_t target;       /* enum boot_target */
	uint64_t call;	       /* entry of the platform call stub, see abi/call.h; 0 in a process */
	uint64_t syscall;      /* process: entry of the system call stub, see abi/call.h; else 0 */
	uint64_t host_page;    /* struct boot_host_page */
	uint64_t cpu_features; /* enum boot_cpu_feature */
	struct boot_clock clock;
	struct boot_memory memory;
	uint8_t seed[BOOT_SEED_BYTES]; /* from the host's getrandom, for this start only */
	int64_t spin_ns;	 /* how long to poll devices before each sleep; 0: sleep at once */
	uint32_t argument_count; /* argv[0] is the image's name */
	uint32_t device_count;
	uint32_t blob_count;
	uint32_t log_level;			/* enum log_level: least severe that is printed */
	uint64_t arguments[BOOT_ARGUMENTS_MAX]; /* addresses of NUL-ended strings */
	struct boot_device devices[BOOT_DEVICES_MAX];
	struct boot_blob blobs[BOOT_BLOBS_MAX];
	uint64_t trace_ring; /* struct trace_ring of abi/trace.h, writable; 0: nobody watches */
	uint64_t trace_slots;
	/* Of devices[i], if it is a net device: checked by the host. `bytes` tells whether they are here. */
	struct boot_ip6 ip6[BOOT_DEVICES_MAX];
};

enum boot_cpu_feature {
	BOOT_CPU_RDRAND = 1, /* unset in most processes: their seed is of Linux, which uses it */
	BOOT_CPU_AVX2 = 2,   /* with the operating system's consent (XCR0) */
	BOOT_CPU_ERMS = 4,   /* fast rep movsb */
	BOOT_CPU_FSRM = 8,   /* fast short rep movsb */
	BOOT_CPU_NO_FSGSBASE = 16, /* no wrfsbase: CALL_THREAD sets the thread pointer */
};

_Static_assert(sizeof(struct boot_device) == 160, "boot_device is a wire format");
_Static_assert(sizeof(struct boot_ip6) == 112, "boot_ip6 is a wire format");
_Static_assert(sizeof(struct boot_clock) == 48, "boot_clock is a wire format");
_Static_assert(sizeof(struct boot_memory) == 88, "boot_memory is a wire format");
_Static_assert(sizeof(struct boot_host_page) == 64, "boot_host_page is a wire format");
_Static_assert(sizeof(struct boot_info) <= 2 * BOOT_PAGE_BYTES, "boot info fills two pages");

#endif
