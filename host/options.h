/*
 * The command line of `diatom run`, taken apart and checked word by word. What it says about the
 * image (names of devices) is checked later, against the manifest.
 */
#ifndef DIATOM_HOST_OPTIONS_H
#define DIATOM_HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/manifest.h"
#include "host/run.h"

enum options_target {
	TARGET_ANY, /* a VM if it can be, else a process */
	TARGET_VM,
	TARGET_PROCESS,
	TARGET_QEMU,
};

/* --net NAME=tap:TAP[,ip=PREFIX][,gw=ADDRESS][,mac=MAC] */
struct options_net {
	char name[MANIFEST_NAME_BYTES];
	char tap[16];
	char ip[MANIFEST_ADDRESS_BYTES];
	char gateway[MANIFEST_ADDRESS_BYTES];
	uint8_t mac[6];
	bool has_mac;
};

/* --file NAME=PATH */
struct options_file {
	char name[MANIFEST_NAME_BYTES];
	const char *path;
};

struct options {
	enum options_target target;
	uint64_t memory_mib; /* 0: not said */
	struct options_net nets[BOOT_DEVICES_MAX];
	unsigned net_count;
	struct options_file files[BOOT_BLOBS_MAX];
	unsigned file_count;
	const char *pcap;     /* NULL: none */
	struct run_qemu qemu; /* but for pcap */
	int64_t timeout_ns;
	int64_t spin_ns; /* -1: not said */
	uint32_t log_level;
	bool is_quiet, is_dumpable, wants_help;
	const char *needs_qemu; /* an option that was given and has a meaning for QEMU alone */
	const char *image;
	int argument_count; /* with the image's path as [0] */
	char **arguments;
};

/* Reads the words after "run". 0, or the exit code after having said what is wrong. */
int options_parse(struct options *options, int argc, char **argv);

#endif
