/*
 * A run: everything that a target (host/monitor, host/process) needs to start a body, gathered and
 * checked by `diatom run` before the target sees it.
 *
 *     options -> image -> devices opened, blobs read -> struct run_config -> monitor_run
 *                                                               or process_run or qemu_run
 *
 * What is in here is right: names are the manifest's, texts are NUL-ended and parse, descriptors are
 * open, and nothing that the manifest demands is missing.
 */
#ifndef DIATOM_HOST_RUN_H
#define DIATOM_HOST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/call.h"
#include "abi/manifest.h"

struct gdb_link;
struct image;
struct named_run;
struct debug_file;
struct core_file;
struct observer;
struct options;
struct options_forward;

struct run_net {
	char name[MANIFEST_NAME_BYTES];
	char way[512]; /* for people: "on tap0", "by passt, 127.0.0.1:8080 -> 80" */
	char tap[16];  /* of the host; empty: it is no tap */
	int fd; /* non-blocking; -1: QEMU opens it itself. Each frame led by the offload header that flags name */
	uint32_t flags; /* enum boot_net_flags: header and offloads that the other side takes */
	uint8_t mac[6];
	uint16_t mtu;
	bool is_plain; /* a tap without header and offloads, because that was asked for */
	char ip[MANIFEST_ADDRESS_BYTES]; /* "10.0.0.2/24"; empty: none */
	char gateway[MANIFEST_ADDRESS_BYTES];
	struct boot_ip6 ip6; /* texts: an address, "auto", "off", or empty */
};

/* Bytes of offload header before each frame at fd. */
static inline uint32_t run_net_lead(const struct run_net *net)
{
	if ((net->flags & BOOT_NET_VNET_HEADER) == 0)
		return 0;
	return (net->flags & BOOT_NET_SHORT_HEADER) != 0 ? 10 : 12;
}

/* A file of the user's: read whole, in memory of its own that starts on a page and is zero-filled to
 * the end of its last page. */
struct run_blob {
	char name[MANIFEST_NAME_BYTES];
	const char *path;
	const uint8_t *data;
	uint64_t length;
};

enum run_machine { RUN_MICROVM, RUN_Q35 };

enum run_accel {
	RUN_ACCEL_ANY, /* KVM where it stands on hardware, else TCG */
	RUN_ACCEL_TCG,
	RUN_ACCEL_KVM,
};

/* What only QEMU is told. */
struct run_qemu {
	enum run_machine machine;
	enum run_accel accel;
	const char *cpu;  /* NULL: what suits */
	const char *pcap; /* the path; QEMU opens it itself; NULL: none, or not for QEMU */
	bool is_printed;  /* show the command instead: taps are looked at, not opened */
	const struct options_forward *forwards; /* -p */
	unsigned forward_count;
};

struct run_config {
	char name[32];	       /* for people: the manifest's, else the file's */
	uint64_t memory_bytes; /* whole MiB */
	struct run_net nets[BOOT_DEVICES_MAX];
	unsigned net_count;
	bool has_helper; /* processes of ours carry frames (host/net/relay.h): the run ends with them */
	struct run_blob blobs[BOOT_BLOBS_MAX];
	unsigned blob_count;
	int argument_count; /* at most BOOT_ARGUMENTS_MAX; [0] is the image's path */
	char **arguments;
	int pcap_fd;		  /* an empty file; -1: none. The target writes the file header. */
	int64_t timeout_ns;	  /* from started_ns; 0: none. Its end is EXIT_TIMED_OUT. */
	int64_t spin_ns;	  /* as boot_info.spin_ns; -1: what suits the target */
	uint32_t log_level;	  /* enum log_level of the body */
	struct debug_file *debug; /* opened, unread; NULL: the image has none */
	struct core_file *core;	  /* where to leave a core file; NULL: nowhere */
	struct gdb_link *gdb;	  /* where gdb will connect; NULL: no --gdb */
	const struct named_run *named; /* NULL: the run has no name */
	struct run_qemu qemu;
	bool is_quiet;
	bool is_dumpable;		 /* leave a core file, allow a debugger */
	int64_t started_ns;		 /* CLOCK_MONOTONIC when diatom's main began */
	const struct observer *observer; /* host/observe; NULL: nobody watches */
};

/*
 * Says that the body starts now ("hello: VM, 64 MiB, sealed, up in 1.1 ms", a line for each
 * interface), unless quiet. `target` is "VM", "process" or "QEMU microvm (TCG)". Call just before the body's first
 * instruction; it only formats and writes to standard error, and to the supervisor of a named run.
 */
void run_announce(const struct run_config *config, const char *target);

/* Says how it ended, unless quiet. Formats and writes to standard error, nothing else. */
void run_announce_end(const struct run_config *config, int exit_code);

/* Says that a helper of the network was killed: `status` as siginfo_t has it. Formats and writes to
 * standard error, nothing else. */
void run_announce_orphan(const struct run_config *config, int status);

/* Says that the time limit ended it. Formats and writes to standard error, nothing else. */
void run_announce_timeout(const struct run_config *config);

/* `diatom run` of an image that somebody watches, with options that were read already, and started at
 * that time. Returns as run_command does. */
int run_observed(struct options *options, const struct observer *observer, int64_t began_ns);

/*
 * `diatom run`: the arguments after that word. Returns the process's exit code; the process target
 * ends the process itself.
 *
 * Targets have the form int NAME_run(const struct run_config *, struct image *), take over INT and
 * TERM (the first raises finish_requested, a second ends with 128 + signal), the time-out, and
 * return the exit code of abi/call.h after having reported crashes and errors. run_announce_end is
 * called by run_command for a target that returns.
 */
int run_command(int argc, char **argv);

/* The same for `diatom gdb`: gdb will come by a link that listens already. */
int run_with_gdb(struct gdb_link *link, int argc, char **argv);

#endif
